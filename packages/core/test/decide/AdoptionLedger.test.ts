/** What a ledger says that is made of what upstream left, field by field; `Adoption.test.ts` holds what then becomes of it. */
import { assert, describe, it } from "@effect/vitest"
import { Adoption, Fact, FileState, HostPath, Ownership } from "../../src/index.ts"
import { same, settings } from "../Sample.ts"

type States = Readonly<Record<string, FileState.FileState | string>>

interface Given {
  readonly files: States
  readonly active?: string
  readonly variables?: Readonly<Record<string, string>>
}

const input = ({ active, files, variables = {} }: Given): Adoption.AdoptionInput => ({
  settings: settings(variables),
  release: "1.2.3",
  units: new Map(active === undefined ? [] : [[active, Fact.known("active")]]),
  look: (path) => {
    const state = files[path] ?? FileState.absent
    return typeof state === "string" ? FileState.file(state) : state
  },
})

const ledger = (given: Given) => {
  const found = Adoption.adopt(input(given))
  assert(found !== undefined)
  return found
}
const paths = (given: Given) => ledger(given).files.map((file): string => file.path)
const runtime = (files: States, active?: string) =>
  ledger({ files, ...(active === undefined ? {} : { active }) }).runtime

const main = "/etc/containerd/config.toml"
const shim = { "/opt/kata/bin/containerd-shim-kata-v2": "shim" }
const handler = (name: string, dir = "/opt/kata") =>
  `[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]\nruntime_path = "${dir}/bin/containerd-shim-kata-v2"\n`
const crioHandler = (dir = "/opt/kata") =>
  `[crio.runtime.runtimes.kata-qemu]\nruntime_path = "${dir}/bin/containerd-shim-kata-v2"\n`

const k3sDir = "/var/lib/rancher/k3s/agent/etc/containerd"
const k3s = `${k3sDir}/config-v3.toml.d/kata-deploy.toml`
const rke2 = "/var/lib/rancher/rke2/agent/etc/containerd/config.toml.d/kata-deploy.toml"
const k0s = "/etc/k0s/containerd.d/kata-deploy.toml"
const crio = "/etc/crio/crio.conf.d/99-kata-deploy"
const microk8s = "/var/snap/microk8s/current/args/containerd-template.toml"

describe("the ledger of what upstream left", () => {
  it("is none where nothing is ours", () => {
    assert.isUndefined(Adoption.adopt(input({ files: {} })))
    assert.isUndefined(
      Adoption.adopt(input({ files: { [main]: handler("runc", "/usr"), [k3s]: "x = 1\n" } })),
    )
  })

  it("names the file, its digest and the handlers in it, and nothing of the directory without a shim", () => {
    const text = `${handler("kata-qemu")}\n${handler("kata-clh")}`
    const found = ledger({ files: { [k3s]: text } })
    same(found.files, [
      { path: HostPath.make(k3s), stage: "cri", digest: Ownership.digestOf(FileState.file(text)) },
    ])
    same(found.handlers, ["kata-qemu", "kata-clh"])
    same([found.edits, found.adopted, found.instance], [[], undefined, "default"])
  })

  it("takes the directory as a whole where a shim lies in it, whatever can be read of the program", () => {
    const of = (state: FileState.FileState) =>
      Adoption.adopt(input({ files: { "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2": state } }))?.adopted
    assert.strictEqual(of(FileState.file("")), "everything")
    for (const why of ["not-utf8", "too-large"] as const) {
      assert.strictEqual(of({ _tag: "Unreadable", why, detail: "" }), "everything")
    }
    for (const why of ["denied", "out-of-sight", "io"] as const) {
      assert.isUndefined(of({ _tag: "Unreadable", why, detail: "" }))
    }
    assert.isUndefined(of(FileState.directory()))
    assert.isUndefined(of(FileState.link("elsewhere")))
  })

  it("says each handler once, and only those of our directory", () => {
    const found = ledger({
      files: {
        [k3s]: `${handler("kata-qemu")}\n${handler("other", "/opt/other")}`,
        [rke2]: handler("kata-qemu"),
      },
    })
    same(found.handlers, ["kata-qemu"])
  })

  describe("of a drop-in", () => {
    it("that others share is an edit that cuts our tables out, with nothing to put back", () => {
      const found = ledger({ files: { [k3s]: `${handler("kata-qemu")}\n${handler("x", "/opt/other")}` } })
      same(found.edits, [{ kind: "tables", path: k3s, below: "/opt/kata", createdFile: false, backup: null }])
      same(found.files, [])
    })

    it("brings the operator's drop-in beside it along", () => {
      const user = `${k3sDir}/config-v3.toml.d/zz-kata-deploy-user.toml`
      assert.deepStrictEqual(paths({ files: { [k3s]: handler("kata-qemu"), [user]: "x = 1\n" } }), [
        k3s,
        user,
      ])
    })

    it("leaves what is beside it to a neighbour that may own it as well", () => {
      const debug = "/etc/crio/crio.conf.d/100-debug"
      const variables = { MULTI_INSTALL_SUFFIX: "dev" }
      const ours = `${crio}-dev`
      const files = { [ours]: crioHandler("/opt/kata-dev"), [debug]: "x = 1\n" }
      assert.deepStrictEqual(paths({ variables, files }), [ours, debug])
      const beside = (text: string) => paths({ variables, files: { ...files, [crio]: text } })
      assert.deepStrictEqual(beside(crioHandler("/opt/kata")), [ours])
      assert.deepStrictEqual(beside(crioHandler("/opt/kata-dev")), [ours, debug])
    })

    it("leaves the operator's drop-in to the install without a suffix that is beside it", () => {
      const directory = `${k3sDir}/config-v3.toml.d`
      const [ours, theirs, user] = ["kata-deploy-dev", "kata-deploy", "zz-kata-deploy-user"].map(
        (name) => `${directory}/${name}.toml`,
      ) as [string, string, string]
      const files = { [ours]: handler("kata-qemu-dev", "/opt/kata-dev"), [user]: "x = 1\n" }
      const variables = { MULTI_INSTALL_SUFFIX: "dev" }
      assert.deepStrictEqual(paths({ variables, files }), [ours, user])
      assert.deepStrictEqual(paths({ variables, files: { ...files, [theirs]: handler("kata-qemu") } }), [
        ours,
      ])
    })

    it("is looked for in the directory that the settings name and in the usual one", () => {
      const variables = { CONTAINERD_CONFIG_DIR: "/srv/containerd" }
      for (const directory of ["/srv/containerd", "/etc/containerd"]) {
        const path = `${directory}/conf.d/kata-deploy.toml`
        assert.deepStrictEqual(paths({ variables, files: { [path]: handler("kata-qemu") } }), [path])
      }
    })
  })

  describe("of a main config", () => {
    it("with imports of ours is an edit of exactly those", () => {
      const [ours, theirs] = ["/opt/kata/containerd/config.d/kata-deploy.toml", "/etc/x.toml"]
      const files = { [main]: `imports = ["relative.toml", "${theirs}", "${ours}"]\n` }
      const found = ledger({ files })
      same(found.edits, [
        {
          kind: "import",
          path: main,
          elements: [ours],
          createdFile: false,
          region: { before: "", after: "" },
        },
      ])
      same([found.handlers, found.files, found.runtime], [[], [], "containerd"])
    })

    it("that is no TOML holds nothing that could be taken for ours", () => {
      assert.isUndefined(Adoption.adopt(input({ files: { [main]: "imports = [" } })))
    })

    it("with handlers of ours is put back from upstream's backup", () => {
      const files = { [main]: handler("kata-qemu"), [`${main}.bak`]: "version = 2\n" }
      const found = ledger({ files })
      same(found.edits, [
        { kind: "tables", path: main, below: "/opt/kata", createdFile: false, backup: "version = 2\n" },
      ])
      assert.deepStrictEqual(paths({ files }), [`${main}.bak`])
      same([found.handlers, found.runtime], [["kata-qemu"], "containerd"])
    })

    it("that upstream made goes, as its marker says, unless a backup says otherwise", () => {
      const created = { [main]: handler("kata-qemu"), [`${main}.kata-deploy-created`]: "" }
      const edit = (files: States) => {
        const [first] = ledger({ files }).edits
        assert(first?.kind === "tables")
        return { createdFile: first.createdFile, backup: first.backup }
      }
      same(edit(created), { createdFile: true, backup: null })
      same(edit({ ...created, [`${main}.bak`]: "" }), { createdFile: false, backup: "" })
      same(edit({ [main]: handler("kata-qemu") }), { createdFile: false, backup: null })
      assert.deepStrictEqual(paths({ files: created }), [`${main}.kata-deploy-created`])
    })

    it("is cut also where only some of its handlers are ours", () => {
      const text = `${handler("kata-qemu")}\n${handler("x", "/opt/other")}`
      const found = ledger({ files: { [main]: text } })
      same([found.edits.length, found.handlers], [1, ["kata-qemu"]])
    })

    it("is looked for under the name that the settings give it, but microk8s has its own", () => {
      const variables = { CONTAINERD_CONFIG_FILE_NAME: "mine.toml" }
      const edited = (path: string) =>
        Adoption.adopt(input({ variables, files: { [path]: handler("kata-qemu") } }))?.edits[0]?.path
      assert.strictEqual<string | undefined>(edited("/etc/containerd/mine.toml"), "/etc/containerd/mine.toml")
      assert.isUndefined(edited(main))
      assert.strictEqual<string | undefined>(edited(microk8s), microk8s)
    })

    it("that a distribution renders is none of ours to edit", () => {
      assert.isUndefined(
        Adoption.adopt(input({ files: { [`${k3sDir}/config.toml`]: handler("kata-qemu") } })),
      )
    })
  })

  it("knows upstream's nydus by the program that its unit starts", () => {
    const unit = "/etc/systemd/system/nydus-for-kata-tee.service"
    const starts = (dir: string) => ({ [unit]: `[Service]\nExecStart=${dir}/containerd-nydus-grpc\n` })
    const files = starts("/opt/kata/nydus-for-kata-tee")
    same(
      ledger({ files }).files.map(({ path, stage }) => [path, stage]),
      [[unit, "artifacts"]],
    )
    assert.isUndefined(Adoption.adopt(input({ files: starts("/opt/other") })))
  })

  describe("remembers the runtime", () => {
    it("of the place, and of those that share it the one that stands for it", () => {
      same(runtime({ [k3s]: handler("kata-qemu") }), "k3s")
      same(runtime({ [rke2]: handler("kata-qemu") }), "rke2-server")
      same(runtime({ [k0s]: handler("kata-qemu") }), "k0s-worker")
      same(runtime({ [microk8s]: handler("kata-qemu") }), "microk8s")
      same(runtime({ [main]: handler("kata-qemu") }), "containerd")
      same(runtime({ [crio]: crioHandler() }), "crio")
    })

    it("whose unit is active, where several share the place", () => {
      same(runtime({ [k3s]: handler("kata-qemu") }, "k3s-agent.service"), "k3s-agent")
      same(runtime({ [rke2]: handler("kata-qemu") }, "rke2-agent.service"), "rke2-agent")
      same(runtime({ [k0s]: handler("kata-qemu") }, "k0scontroller.service"), "k0s-controller")
    })

    it("of the place even though a unit of another place is active", () => {
      same(runtime({ [k3s]: handler("kata-qemu") }, "rke2-agent.service"), "k3s")
      same(runtime({ [main]: handler("kata-qemu") }, "crio.service"), "containerd")
      same(runtime({ [crio]: crioHandler() }, "containerd.service"), "crio")
    })

    it("by units that were seen to be active, not by those that could not be asked", () => {
      const unknown = {
        ...input({ files: { [k3s]: handler("kata-qemu") } }),
        units: new Map([
          ["k3s-agent.service", Fact.unknown("failed", "nobody answers")],
          ["k3s.service", Fact.known("inactive" as const)],
        ]),
      }
      assert.strictEqual(Adoption.adopt(unknown)?.runtime, "k3s")
    })

    it("of no place where only a directory is left", () => {
      same(runtime(shim), "")
    })
  })
})

describe("a main config that nobody could read", () => {
  const unreadable = (why: "denied" | "out-of-sight"): FileState.FileState => ({
    _tag: "Unreadable",
    why,
    detail: "permission denied",
  })
  const unseen = (files: States) =>
    Adoption.unseen(input({ files })).map(({ path, why }) => [path, why.replace(/:.*/s, "")])

  it("may hold an edit of ours where a program of ours is there as well", () => {
    assert.deepStrictEqual(unseen({ ...shim, [main]: unreadable("denied") }), [[main, "permission denied"]])
    assert.deepStrictEqual(unseen({ [main]: unreadable("denied") }), [])
  })

  it("is one whose content is not known: a link or no TOML, but not what is plain to see", () => {
    assert.deepStrictEqual(unseen({ ...shim, [main]: FileState.link("x") }), [[main, "it is a link"]])
    assert.deepStrictEqual(unseen({ ...shim, [main]: "x = " }), [[main, "it is not valid TOML"]])
    for (const state of ["x = 1\n", FileState.directory(), FileState.absent, unreadable("out-of-sight")]) {
      assert.deepStrictEqual(unseen({ ...shim, [main]: state }), [])
    }
  })

  it("counts also when the program itself cannot be read", () => {
    const program = { "/opt/kata/bin/containerd-shim-kata-v2": unreadable("denied") }
    assert.deepStrictEqual(unseen({ ...program, [main]: FileState.link("x") }), [[main, "it is a link"]])
  })
})
