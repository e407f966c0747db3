/** What an install finds out for erofs: a probe file decides on what protects the layers, and everything else comes first. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, ProbeFile, Run } from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!

const erofs = {
  ...vanilla.variables,
  CONTAINER_RUNTIME_VERSION: "containerd://2.2.1",
  SHIMS_X86_64: "qemu-runtime-rs",
  SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu-runtime-rs:erofs",
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs",
}

const dropIn = Node.path("/opt/kata/containerd/config.d/kata-deploy.toml")
const refused = ProbeFile.refused("the kernel says ENOTTY")

/** A node whose filesystem does `probe` with a probe file. */
const node = (probe: ProbeFile.ProbeFile, tree: Readonly<Record<string, FileState.FileState>> = {}) => {
  const files = Node.host({ ...vanilla.tree, ...tree })
  const shell = HostShellMemory.make({ units: { "containerd.service": "active" } })
  shell.sight.probeFile = probe
  const run = (action: Run.Request["action"], variables: Readonly<Record<string, string>> = erofs) =>
    Effect.provide(Run.run(Node.request(action, variables)), Node.layer(files, shell))
  const told = () =>
    /enable_fsverity = (\w+)\n.*set_immutable = (\w+)/
      .exec(FileState.textOf(files.tree.get(dropIn)) ?? "")
      ?.slice(1)
  return { files, shell, run, told }
}

describe("an install with erofs", () => {
  it.effect("switches on what a probe file took, and says why the rest stays off", () =>
    Effect.gen(function* () {
      const { run, told } = node({ fsverity: refused, immutable: ProbeFile.accepted })
      const { notices: all } = yield* run("install")
      assert.deepStrictEqual(told(), ["false", "true"])
      const notices = all.filter(({ code }) => code === "erofs-integrity-off")
      assert.deepStrictEqual(
        notices.map(({ message }) => message.split(",")[0]),
        ["enable_fsverity stays off"],
      )
      assert.notInclude(
        all.map(({ code }) => code),
        "fs-verity",
      )
    }),
  )

  it.effect("switches nothing on that could not be tried", () =>
    Effect.gen(function* () {
      const { run, told } = node(ProbeFile.untried("it is out of sight"))
      yield* run("install")
      assert.deepStrictEqual(told(), ["false", "false"])
    }),
  )

  it.effect("finds nothing to do the second time, and follows a filesystem that changed", () =>
    Effect.gen(function* () {
      const { run, shell, told } = node({ fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted })
      yield* run("install")
      assert.deepStrictEqual(told(), ["true", "true"])
      shell.faults.reset()
      yield* run("install")
      assert.deepStrictEqual(shell.faults.operations, [])
      shell.sight.probeFile = { fsverity: refused, immutable: refused }
      yield* run("install")
      assert.deepStrictEqual(told(), ["false", "false"])
      assert.include(
        shell.faults.operations.map(({ verb }) => verb),
        "restart",
      )
    }),
  )

  it.effect("does not try anything where containerd's directory may be another one", () =>
    Effect.gen(function* () {
      const { run, told } = node(
        { fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted },
        {
          "/etc/containerd/config.toml": FileState.file(
            'version = 3\nimports = ["/etc/containerd/conf.d/hidden.toml"]\n',
          ),
          "/etc/containerd/conf.d/hidden.toml": {
            _tag: "Unreadable",
            why: "denied",
            detail: "no permission",
          },
        },
      )
      const { notices: all } = yield* run("install")
      assert.deepStrictEqual(told(), ["false", "false"])
      assert.match(
        all.find(({ code }) => code === "erofs-integrity-off")!.message,
        /hidden\.toml, which may name another directory/,
      )
    }),
  )

  it.effect("changes nothing where mkfs.erofs is missing, or a Go shim would get merged layers", () =>
    Effect.gen(function* () {
      const { files, run, shell } = node({ fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted })
      shell.sight.machine = { ...shell.sight.machine, mkfsErofs: { _tag: "Absent" } }
      const before = Node.snapshot(files)
      const absent = yield* Effect.flip(run("install"))
      assert.deepInclude(
        (absent as { problems: ReadonlyArray<object> }).problems.map((p) => (p as { code: string }).code),
        "E_MKFS_EROFS_MISSING",
      )
      const variables = { ...erofs, SHIMS_X86_64: "qemu", SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs" }
      const guarded = yield* Effect.flip(run("install", variables))
      assert.include(
        (guarded as { problems: ReadonlyArray<object> }).problems.map((p) => (p as { code: string }).code),
        "E_EROFS_MERGED_GO_SHIM",
      )
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.deepStrictEqual(files.faults.operations, [])
    }),
  )
})
