import { assert, describe, it } from "@effect/vitest"
import { Fact, type Facts, HostPath, Ledger, Neighbours } from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const blue = HostPath.make("/opt/kata-blue")

const neighbour = (
  ledger: Facts.Neighbour["ledger"],
  handlers: ReadonlyArray<string> = [],
): Facts.Neighbour => ({
  installDir: blue,
  ledger,
  handlers,
})

const recorded = (rest: Partial<Ledger.Ledger>): Facts.Neighbour =>
  neighbour({ _tag: "Read", ledger: { ...Ledger.empty("blue", "1", "containerd"), ...rest } })

const main = HostPath.make("/etc/containerd/config.toml")

const imported = (before: string, rest: object = {}): Ledger.Edit => ({
  kind: "import",
  path: main,
  elements: ["/opt/kata-blue/containerd/config.d/kata-deploy.toml"],
  createdFile: false,
  region: { before, after: 'imports = ["/opt/kata-blue/containerd/config.d/kata-deploy.toml"]\n', ...rest },
})

describe("Neighbours", () => {
  it("are named by the programs of handlers, of both runtimes and both CRI runtimes", () => {
    const text = [
      '[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.a]',
      'runtime_path = "/opt/kata-blue/bin/containerd-shim-kata-v2"',
      "[crio.runtime.runtimes.b]",
      'runtime_path = "/data/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"',
      "[crio.runtime.runtimes.runc]",
      'runtime_path = "/usr/bin/runc"',
    ].join("\n")
    assert.deepStrictEqual<ReadonlyArray<string>>(Neighbours.installDirsIn(text), [blue, "/data/opt/kata"])
    assert.deepStrictEqual(Neighbours.handlersIn(text, blue), ["a"])
  })

  it("are named by imports of their drop-ins, and by no other import", () => {
    const text =
      'imports = ["/opt/kata-blue/containerd/config.d/kata-deploy.toml", "/opt/kata-blue/containerd/config.d/zz-kata-deploy-user.toml", "/etc/containerd/conf.d/*.toml", "/opt/x/containerd/config.d/mine.toml"]'
    assert.deepStrictEqual<ReadonlyArray<string>>(Neighbours.installDirsIn(text), [blue])
    assert.deepStrictEqual(Neighbours.installDirsIn("broken = ["), [])
  })

  it("pass on what they created of a main config, and nothing that the operator created", () => {
    const key = recorded({ edits: [imported("")] })
    assert.deepStrictEqual(Neighbours.created([key], main), { file: false, key: true })
    const inherited = recorded({ edits: [imported("imports = []\n", { createdKey: true })] })
    assert.deepStrictEqual(Neighbours.created([inherited], main), { file: false, key: true })
    const operators = recorded({ edits: [imported("imports = []\n")] })
    assert.deepStrictEqual(Neighbours.created([operators], main), { file: false, key: false })
    assert.deepStrictEqual(Neighbours.created([key], HostPath.make("/etc/other.toml")), {
      file: false,
      key: false,
    })
  })

  it("pass on nothing that is not known, and that is said", () => {
    const hidden = neighbour({ _tag: "Unreadable", why: "no permission" })
    assert.deepStrictEqual(Neighbours.created([hidden], main), { file: false, key: false })
    assert.deepStrictEqual([...Neighbours.directories([hidden])], [])
    assert.match(Neighbours.notices([hidden])[0]!.message, /\/opt\/kata-blue.*no permission/)
    assert.deepStrictEqual(Neighbours.notices([recorded({}), neighbour({ _tag: "None" })]), [])
  })

  it("are known by their marks and by their ledgers, each once and never by our own name", () => {
    const node = Fact.known({
      containerRuntimeVersion: undefined,
      labels: {
        zone: "a",
        "kata-deploy.katacontainers.io/red": "false",
        "kata-deploy.katacontainers.io/default": "true",
      },
      runtimeHandlers: undefined,
    })
    const facts = Node.facts({}, { node, neighbours: [recorded({})] })
    assert.deepStrictEqual(Neighbours.names(facts, "default"), ["blue", "red"])
    assert.deepStrictEqual(
      Neighbours.names(Node.facts({}, { neighbours: [neighbour({ _tag: "None" })] }), "x"),
      [blue],
    )
  })

  it("are in the way where they offer a handler of ours: suffix and shim can make the same name in two ways", () => {
    const ours = settings({ MULTI_INSTALL_SUFFIX: "snp-x" })
    const theirs = settings({ MULTI_INSTALL_SUFFIX: "x", SHIMS_X86_64: "qemu-snp" }).handlers.map(
      (h) => h.name,
    )
    assert.deepStrictEqual(
      theirs,
      ours.handlers.map((h) => h.name),
    )
    const [problem] = Neighbours.problems(ours, [neighbour({ _tag: "None" }, theirs)])
    assert.strictEqual(problem?.code, "E_HANDLER_TAKEN")
    assert.match(problem?.message ?? "", /\/opt\/kata-blue.*kata-qemu-snp-x/)
    assert.deepStrictEqual(Neighbours.problems(settings({}), [neighbour({ _tag: "None" }, theirs)]), [])
  })
})
