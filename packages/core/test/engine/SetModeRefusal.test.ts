/** When is a change of mode refused, and is nothing touched then? */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState } from "../../src/index.ts"
import * as NydusNode from "./NydusNode.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const { codes, dropIn, guestPull, installed } = NydusNode

describe("a change of mode that is refused", () => {
  it.effect(
    "over a shim that is not enabled is wrong usage, and whatever else is wrong is said with it",
    () =>
      Effect.gen(function* () {
        const { setMode } = yield* installed({
          tree: {
            "/etc/containerd/config.toml":
              'version = 3\n[proxy_plugins.nydus-for-kata-hs]\ntype = "snapshot"\naddress = "/run/a.sock"\n',
          },
        })
        const error = yield* Effect.flip(setMode("show", "host-share", { shim: "clh" }))
        assert.strictEqual(error._tag, "SettingsError")
        assert.deepStrictEqual(codes(error), ["E_SET_MODE_UNKNOWN_SHIM", "E_SET_MODE_SHARED"])
      }),
  )

  for (const apply of ["show", "apply"] as const)
    it.effect(`by the node names every reason at once, when it is to ${apply}; nothing is touched`, () =>
      Effect.gen(function* () {
        const { "nydus-snapshotter/nydus-image": _, ...rest } = NydusNode.programs
        const { asked, files, setMode } = yield* installed({
          programs: rest,
          tree: {
            "/etc/nydus/config.toml":
              'root = "/var/lib/nydus-for-kata-hs/"\naddress = "/run/other.sock"\n[daemon]\nfs_driver = "fusedev"\n',
            "/etc/containerd/config.toml":
              'version = 3\n[proxy_plugins.other]\ntype = "snapshot"\naddress = "/run/other.sock"\n',
          },
        })
        const before = Node.snapshot(files)
        const error = yield* Effect.flip(setMode(apply, "host-share"))
        assert.strictEqual(error._tag, "PrerequisiteError")
        assert.deepStrictEqual(codes(error), ["E_SET_MODE_SHARED", "E_NYDUS_PROGRAM_MISSING"])
        assert.include(error.message, "the root /var/lib/nydus-for-kata-hs")
        assert.deepStrictEqual(asked(), [])
        assert.deepStrictEqual(Node.snapshot(files), before)
      }),
    )

  it.effect("on CRI-O, which has no snapshotters, whether it is shown or carried out", () =>
    Effect.gen(function* () {
      const { setMode } = yield* installed({ host: hosts.find(({ name }) => name === "CRI-O")! })
      for (const apply of ["show", "apply"] as const)
        assert.deepStrictEqual(codes(yield* Effect.flip(setMode(apply, "host-share"))), [
          "E_SET_MODE_NEEDS_CONTAINERD",
        ])
    }),
  )

  it.effect("with other settings than those of the install, which would change more than the mode", () =>
    Effect.gen(function* () {
      const { setMode } = yield* installed()
      const variables = { ...guestPull, SHIMS_X86_64: "qemu clh" }
      const error = yield* Effect.flip(setMode("apply", "host-share", { variables }))
      assert.deepStrictEqual(codes(error), ["E_SET_MODE_OTHER_SETTINGS"])
      assert.include(error.message, "kata-clh")
    }),
  )

  it.effect("with the same handlers, but with settings that would change something else, too", () =>
    Effect.gen(function* () {
      const { files, setMode } = yield* installed()
      const before = Node.snapshot(files)
      const variables = { ...guestPull, AGENT_HTTPS_PROXY: "http://proxy:3128" }
      const error = yield* Effect.flip(setMode("apply", "host-share", { variables }))
      assert.deepStrictEqual(codes(error), ["E_SET_MODE_OTHER_SETTINGS"])
      assert.match(error.message, /would also change .*\/opt\/kata\/share/)
      assert.deepStrictEqual(Node.snapshot(files), before)
      const shown = yield* setMode("show", "host-share", { variables })
      const [warning] = shown.notices.filter(({ code }) => code === "set-mode-more-changes")
      assert.match(warning!.message, /^--apply is refused .*\/opt\/kata\/share/)
    }),
  )

  it.effect("where somebody changed what the install put there, which would be lost", () =>
    Effect.gen(function* () {
      const { files, setMode, text } = yield* installed()
      files.tree.set(dropIn, FileState.file(`${text(dropIn)}# by hand\n`))
      const error = yield* Effect.flip(setMode("apply", "host-share"))
      assert.deepStrictEqual(codes(error), ["E_SET_MODE_OTHER_SETTINGS"])
      assert.include(error.message, dropIn)
      assert.include(text(dropIn), "# by hand")
    }),
  )

  it.effect("by a ledger that cannot be read, without taking what is ours for another's", () =>
    Effect.gen(function* () {
      const { files, setMode } = yield* installed()
      const path = Node.path("/opt/kata/.kata-deploy/ledger.json")
      files.tree.set(path, { _tag: "Unreadable", why: "denied", detail: "no permission" })
      assert.deepStrictEqual(codes(yield* Effect.flip(setMode("show", "guest-pull"))), [
        "E_LEDGER_UNREADABLE",
      ])
    }),
  )
})
