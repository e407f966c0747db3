/** What does the CRI configuration do about files and installs that are not ours? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  CriConfig,
  type Distribution,
  type Facts,
  FileState,
  HostPath,
  Ledger,
  Policies,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { same, settings } from "../Sample.ts"

interface Given {
  readonly runtime?: Distribution.CriRuntime
  readonly version?: string
  readonly tree?: Node.Tree
  readonly variables?: Readonly<Record<string, string>>
  readonly facts?: Partial<Facts.Facts>
}

const input = (given: Given): CriConfig.CriInput => ({
  settings: settings({
    CONTAINER_RUNTIME_VERSION: given.version ?? "containerd://2.1.5",
    ...given.variables,
  }),
  detected: Node.detected(given.runtime ?? "containerd"),
  facts: Node.facts(given.tree ?? {}, given.facts),
  policies: Policies.standard,
})
const decided = (given: Given) => Result.getOrThrow(CriConfig.decide(input(given)))
const paths = (given: Given) => decided(given).desired.map((d): string => d.path)
const notices = (given: Given) => decided(given).notices.map((n) => n.code)
const codes = (given: Given) =>
  Result.getOrThrow(Result.flip(CriConfig.decide(input(given)))).problems.map((p) => p.code)
const text = (given: Given, path: string) =>
  FileState.textOf(decided(given).desired.find((d) => d.path === path)!.state)!
const edit = (given: Given) =>
  decided(given).desired.flatMap((d) => (d.edit === undefined ? [] : [d.edit]))[0]!
const inDirectories = (given: Given) => CriConfig.directories(input(given)).map((path): string => path)

const path = HostPath.make
const main = "/etc/containerd/config.toml"
const ownDir = "/opt/kata/containerd/config.d"
const dropIn = `${ownDir}/kata-deploy.toml`
const k3sDir = "/var/lib/rancher/k3s/agent/etc/containerd"
const v16 = "containerd://1.6.28"
const v17 = "containerd://1.7.24"
const empty = Ledger.empty("default", "1", "containerd")
const handler = (name: string, dir: string) =>
  `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]\nruntime_path = "${dir}/bin/containerd-shim-kata-v2"\n`
const detail = "no permission"
const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail }

describe("the directories that drop-ins go to", () => {
  it("are those of whole files, not of files that are edited", () => {
    assert.deepStrictEqual(inDirectories({ tree: { [main]: "version = 3\n" } }), [ownDir])
    assert.deepStrictEqual(inDirectories({ runtime: "crio" }), ["/etc/crio/crio.conf.d"])
  })

  it("are none where nothing can be decided", () => {
    assert.deepStrictEqual(inDirectories({ version: "containerd://new", tree: { [main]: "" } }), [])
  })
})

describe("a main config that is missing", () => {
  it("is made on a vanilla node, and never where a distribution makes containerd's configuration from it", () => {
    assert.include(paths({ tree: { "/etc/hostname": "x" } }), main)
    assert.deepStrictEqual(codes({ runtime: "microk8s", tree: { "/etc/hostname": "x" } }), [
      "E_CONTAINERD_CONFIG_UNREADABLE",
    ])
    const template = "/var/snap/microk8s/current/args/containerd-template.toml"
    assert.include(paths({ runtime: "microk8s", tree: { [template]: "version = 3\n" } }), template)
  })
})

describe("a drop-in that is there already", () => {
  const crio = "/etc/crio/crio.conf.d/99-kata-deploy"
  const theirs = '[crio.runtime.runtimes.x]\nruntime_path = "/opt/kata-blue/bin/containerd-shim-kata-v2"\n'

  it("with handlers of another install is refused, for both CRI runtimes", () => {
    assert.deepStrictEqual(codes({ runtime: "crio", tree: { [crio]: theirs } }), ["E_DROPIN_TAKEN"])
    assert.deepStrictEqual(
      codes({ tree: { [main]: "version = 3\n", [dropIn]: handler("x", "/opt/kata-blue") } }),
      ["E_DROPIN_TAKEN"],
    )
  })

  it("with handlers of ours and of others is refused as well", () => {
    const both = `${handler("x", "/opt/kata-blue")}\n${handler("y", "/opt/kata")}`
    assert.deepStrictEqual(codes({ tree: { [main]: "version = 3\n", [dropIn]: both } }), ["E_DROPIN_TAKEN"])
  })

  it("is written over where our ledger has it, where its programs are ours, and where it names none", () => {
    const tree = { [crio]: theirs }
    const files = [{ path: path(crio), stage: "cri" as const, digest: "x" }]
    const recorded = Node.recorded({ ...empty, files })
    assert.deepStrictEqual(paths({ runtime: "crio", tree, facts: { ledger: recorded } }), [crio])
    const elsewhere = Node.recorded({ ...empty, files: [{ ...files[0]!, path: path("/etc/x") }] })
    assert.deepStrictEqual(codes({ runtime: "crio", tree, facts: { ledger: elsewhere } }), ["E_DROPIN_TAKEN"])
    assert.deepStrictEqual(
      paths({ runtime: "crio", tree: { [crio]: theirs.replace("/opt/kata-blue", "/opt/kata") } }),
      [crio],
    )
    assert.deepStrictEqual(paths({ runtime: "crio", tree: { [crio]: "# nothing yet\n" } }), [crio])
  })
})

describe("neighbours on the host", () => {
  const blue = (handlers: ReadonlyArray<string>, ledger: Facts.Neighbour["ledger"] = { _tag: "None" }) => ({
    neighbours: [{ installDir: path("/opt/kata-blue"), ledger, handlers }],
  })
  const tree = { [main]: "version = 3\n" }

  it("that offer one of our handlers are refused; with another name they are no matter", () => {
    assert.deepStrictEqual(codes({ tree, facts: blue(["kata-qemu"]) }), ["E_HANDLER_TAKEN"])
    assert.deepStrictEqual(notices({ tree, facts: blue(["kata-qemu-blue"]) }), [])
  })

  it("whose ledger cannot be read are told of, and directories that cannot be listed as well", () => {
    const facts = {
      ...blue([], { _tag: "Unreadable", why: "denied" }),
      unlisted: [{ path: path("/etc/x"), detail }],
    }
    assert.deepStrictEqual(notices({ tree, facts }), ["neighbour-unreadable", "imports-unlisted"])
  })

  it("pass on a file or key that they made, so that the last one takes it away", () => {
    const theirs = (createdFile: boolean, before: string): Partial<Facts.Facts> => {
      const region = { before, after: 'imports = ["/opt/kata-blue/x.toml"]\n' }
      const made = {
        kind: "import" as const,
        path: path(main),
        elements: ["/opt/kata-blue/x.toml"],
        createdFile,
        region,
      }
      return blue([], { _tag: "Read", ledger: { ...empty, instance: "blue", edits: [made] } })
    }
    const shared = { [main]: 'version = 3\nimports = ["/opt/kata-blue/x.toml"]\n' }
    const of = (facts: Partial<Facts.Facts>) => {
      const found = edit({ tree: shared, facts })
      assert(found.kind === "import")
      return [found.createdFile, found.region.createdKey]
    }
    assert.deepStrictEqual(of(theirs(true, "")), [true, true])
    assert.deepStrictEqual(of(theirs(false, "")), [false, true])
    assert.deepStrictEqual(of(theirs(false, "imports = []\n")), [false, undefined])
    assert.deepStrictEqual(of({}), [false, undefined])
  })
})

describe("an import of ours that stands", () => {
  const first = edit({ tree: { [main]: "version = 3\nimports = ['a']\n" } })
  assert(first.kind === "import")
  const standing = `version = 3\nimports = ['a', "${dropIn}"]\n`
  const again = (rest: Partial<typeof first>, tree: Node.Tree = { [main]: standing }) =>
    edit({ tree, facts: { ledger: Node.recorded({ ...empty, edits: [{ ...first, ...rest }] }) } })

  it("keeps what was recorded of it, whose key it was as well", () => {
    assert.deepStrictEqual(again({}), first)
    const inherited = { ...first.region, createdKey: true as const }
    assert.deepStrictEqual(again({ region: inherited }), { ...first, region: inherited })
    assert.deepStrictEqual(again({ createdFile: true }), { ...first, createdFile: true })
  })

  it("is recorded anew where somebody took it out", () => {
    const anew = again({ region: { before: "x", after: "y" } }, { [main]: "version = 3\nimports = ['a']\n" })
    assert.deepStrictEqual(anew, first)
  })

  it("of other elements goes first, and is nobody else's record", () => {
    const old = `version = 3\nimports = ["/old.toml", "${dropIn}"]\n`
    const given = (at: string): Given => ({
      tree: { [main]: old },
      facts: {
        ledger: Node.recorded({
          ...empty,
          edits: [{ ...first, path: path(at), elements: ["/old.toml"], region: { before: "", after: "" } }],
        }),
      },
    })
    assert.notInclude(text(given(main), main), "/old.toml")
    assert.include(text(given("/etc/other.toml"), main), "/old.toml")
  })
})

describe("the CRI table on containerd 1.x", () => {
  const drop = `${k3sDir}/config.toml.d`
  const root = `${k3sDir}/config.toml`
  const ours = `${drop}/kata-deploy.toml`
  const table = (key: string) => `[plugins."io.containerd.grpc.v1.cri"]\n${key} = "x"\n`
  const k3s = (rest: Given & { readonly imported?: ReadonlyArray<string> }): Given => ({
    runtime: "k3s",
    version: v17,
    ...rest,
    tree: { [root]: `version = 2\nimports = ["${drop}/*.toml"]\n${table("sandbox_image")}`, ...rest.tree },
    facts: { imported: (rest.imported ?? []).map(path), ...rest.facts },
  })

  it("is repeated in our drop-in, as the file says that is loaded last before it", () => {
    assert.include(text(k3s({}), ours), "sandbox_image")
    const before = `${drop}/10-operator.toml`
    const given = k3s({ imported: [before, ours], tree: { [before]: table("stream_server_address") } })
    assert.include(text(given, ours), "stream_server_address")
    assert.notInclude(text(given, ours), "sandbox_image")
    const silent = k3s({ imported: [before], tree: { [before]: "[debug]\nlevel = 'info'\n" } })
    assert.include(text(silent, ours), "sandbox_image")
  })

  it("is not taken from our own files", () => {
    const user = `${drop}/zz-kata-deploy-user.toml`
    const given = k3s({ imported: [ours, user], tree: { [ours]: table("x"), [user]: table("y") } })
    assert.include(text(given, ours), "sandbox_image")
  })

  it("of a file behind ours hides our handlers, of one in another directory it is loaded before", () => {
    const behind = `${drop}/zz.toml`
    assert.deepStrictEqual(codes(k3s({ imported: [behind], tree: { [behind]: table("x") } })), [
      "E_IMPORT_HIDES_HANDLERS",
    ])
    assert.deepStrictEqual(codes(k3s({ imported: [behind], tree: { [behind]: unreadable } })), [
      "E_IMPORT_UNREADABLE",
    ])
    const elsewhere = "/zz/zz.toml"
    const given = k3s({ imported: [elsewhere], tree: { [elsewhere]: table("stream_server_address") } })
    assert.include(text(given, ours), "stream_server_address")
  })

  it("is not guessed where a directory of imports cannot be listed, or several installs would hide each other", () => {
    assert.deepStrictEqual(codes(k3s({ facts: { unlisted: [{ path: path("/etc/x"), detail }] } })), [
      "E_IMPORT_UNREADABLE",
    ])
    assert.deepStrictEqual(
      codes(
        k3s({
          variables: { MULTI_INSTALL_SUFFIX: "dev" },
        }),
      ),
      ["E_MULTI_INSTALL_NEEDS_DROPIN"],
    )
  })
})

describe("the block in a main config", () => {
  const given = (rest: Given = {}): Given => ({
    version: v17,
    ...rest,
    tree: { [main]: "version = 2\n", ...rest.tree },
  })

  it("is refused where an imported file would hide it, or cannot be looked into", () => {
    const other = "/etc/containerd/x.toml"
    const imported = { imported: [path(other)] }
    const hides = given({ tree: { [other]: handler("x", "/usr") }, facts: imported })
    assert.deepStrictEqual(codes(hides), ["E_IMPORT_HIDES_HANDLERS"])
    assert.deepStrictEqual(codes(given({ facts: { unlisted: [{ path: path("/etc/x"), detail }] } })), [
      "E_IMPORT_UNREADABLE",
    ])
    assert.include(paths(given({ tree: { [other]: "x = 1\n" }, facts: imported })), main)
  })

  it("of the same name but another install directory is not written over, unless our ledger has it", () => {
    const theirs = text(given({ variables: { INSTALLATION_PREFIX: "/p" } }), main)
    assert.deepStrictEqual(codes(given({ tree: { [main]: theirs } })), ["E_BLOCK_TAKEN"])
    const ours = text(given(), main)
    assert.strictEqual(text(given({ tree: { [main]: ours } }), main), ours)
    const recorded = edit(given({ variables: { INSTALLATION_PREFIX: "/p" } }))
    const ledger = Node.recorded({ ...empty, edits: [recorded] })
    assert.strictEqual(text(given({ tree: { [main]: theirs }, facts: { ledger } }), main), ours)
  })

  it("remembers that the file is our creation, and keeps its mode", () => {
    const made = edit({ version: v17, tree: { "/etc/hostname": "x" } })
    assert.isTrue(made.createdFile)
    const created = text({ version: v17, tree: { "/etc/hostname": "x" } }, main)
    const later = given({
      tree: { [main]: FileState.file(created, 0o600) },
      facts: { ledger: Node.recorded({ ...empty, edits: [made] }) },
    })
    assert.isTrue(edit(later).createdFile)
    const state = decided(later).desired.find((d) => d.path === main)!.state
    assert(state._tag === "File")
    assert.strictEqual(state.mode, 0o600)
  })

  it("keeps a backup of its own as it is, and takes none of the block into a new one", () => {
    const bak = `${main}.bak`
    const files = [{ path: path(bak), stage: "cri" as const, digest: "x" }]
    const kept = given({
      tree: { [bak]: FileState.file("before\n", 0o600) },
      facts: { ledger: Node.recorded({ ...empty, files }) },
    })
    same(decided(kept).desired.find((d) => d.path === bak)?.state, FileState.file("before\n", 0o600))
    const other = given({
      tree: { [bak]: "before\n" },
      facts: { ledger: Node.recorded({ ...empty, files: [{ ...files[0]!, path: path("/etc/x") }] }) },
    })
    assert.notInclude(paths(other), bak)
  })

  it("looks for the backup and the marker of upstream's", () => {
    assert.deepStrictEqual<ReadonlyArray<string>>(CriConfig.backupPaths(path(main)), [
      `${main}.bak`,
      `${main}.kata-deploy-created`,
    ])
  })

  it("is not for a snapshotter of erofs, which containerd 1.x has not", () => {
    assert.deepStrictEqual(
      codes(given({ version: v16, variables: { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" } })),
      ["E_CONTAINERD_TOO_OLD_FOR_EROFS"],
    )
  })
})
