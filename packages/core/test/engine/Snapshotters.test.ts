/** What an install and a cleanup do about nydus: its programs, its unit, and what stays. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { FileState, Run } from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!
const both = { ...vanilla.variables, EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus,nydus-hs" }
const one = { ...vanilla.variables, EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }

const programs = {
  "nydus-snapshotter/containerd-nydus-grpc": "grpc",
  "nydus-snapshotter/nydus-overlayfs": "overlayfs",
  "nydus-snapshotter/nydus-image": "image",
}

const tee = "nydus-for-kata-tee.service"
const hs = "nydus-for-kata-hs.service"
const unitFile = (unit: string) => Node.path(`/etc/systemd/system/${unit}`)
const program = (directory: string) => Node.path(`/opt/kata/${directory}/containerd-nydus-grpc`)

/** A node whose units are controlled. */
const node = (
  options: {
    readonly programs?: Readonly<Record<string, string>>
    readonly tree?: Readonly<Record<string, FileState.FileState>>
  } = {},
) => {
  const files = Node.host({ ...vanilla.tree, ...options.tree }, { programs: options.programs ?? programs })
  const shell = HostShellMemory.make({ units: { "containerd.service": "active" } })
  const run = (action: Run.Request["action"], variables: Readonly<Record<string, string>>) =>
    Effect.provide(Run.run(Node.request(action, variables)), Node.layer(files, shell))
  const asked = () => shell.faults.operations.map(({ subject, verb }) => `${verb} ${subject}`.trim())
  const forget = () => {
    files.faults.reset()
    shell.faults.reset()
  }
  return { files, shell, run, asked, forget }
}

/** What an install does to the files of a node whose programs became newer. */
const upgradeOperations = Effect.gen(function* () {
  const { files, forget, run } = node()
  yield* run("install", one)
  files.programs.set("nydus-snapshotter/nydus-overlayfs", "newer")
  forget()
  yield* run("install", one)
  return [...files.faults.operations]
})

describe("a snapshotter that is set up", () => {
  it.effect(
    "gets its programs with their permissions, its files, and its unit before the runtime restarts",
    () =>
      Effect.gen(function* () {
        const { asked, files, run, shell } = node()
        yield* run("install", both)
        assert.deepStrictEqual(files.tree.get(program("nydus-for-kata-tee")), FileState.file("grpc", 0o755))
        assert.strictEqual(files.tree.get(Node.path("/opt/kata/nydus-for-kata-hs/nydus-image"))._tag, "File")
        assert.strictEqual(files.tree.get(unitFile(tee))._tag, "File")
        assert.isTrue(shell.enabled.has(tee) && shell.enabled.has(hs))
        assert.strictEqual(shell.units.get(hs), "active")
        assert.isBelow(asked().indexOf(`restart ${hs}`), asked().indexOf("restart containerd.service"))
      }),
  )

  it.effect("is asked nothing and changes nothing by a second install", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      yield* run("install", both)
      const before = Node.snapshot(files)
      forget()
      yield* run("install", both)
      assert.deepStrictEqual(asked(), [])
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("is restarted for a newer program, and the other one is left alone", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      yield* run("install", both)
      files.programs.set("nydus-snapshotter/nydus-image", "newer")
      forget()
      yield* run("install", both)
      assert.deepStrictEqual(asked(), [`disable ${hs}`, "reload", `enable ${hs}`, `restart ${hs}`])
    }),
  )

  it.effect("is started where it does not run, without a change", () =>
    Effect.gen(function* () {
      const { asked, forget, run, shell } = node()
      yield* run("install", one)
      shell.units.set(tee, "failed")
      forget()
      yield* run("install", one)
      assert.deepStrictEqual(asked(), [`enable ${tee}`, `restart ${tee}`])
    }),
  )

  it.effect("is restarted by the run that completes one that was cut off", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      yield* run("install", one)
      files.programs.set("nydus-snapshotter/nydus-overlayfs", "newer")
      forget()
      // The programs are in place when the process dies, and nothing was asked of the unit yet.
      const operations = yield* upgradeOperations
      files.faults.crashAt(operations.findIndex(({ verb }) => verb === "extract") + 1, "after")
      assert.isTrue(Exit.isFailure(yield* Effect.exit(run("install", one))))
      assert.deepStrictEqual(asked(), [])
      forget()
      yield* run("install", one)
      assert.include(asked(), `restart ${tee}`)
    }),
  )

  it.effect("is missing a program: nothing is touched, and the name of the program is said", () =>
    Effect.gen(function* () {
      const { "nydus-snapshotter/nydus-image": _, ...rest } = programs
      const { asked, files, run } = node({ programs: rest })
      const before = Node.snapshot(files)
      const error = yield* Effect.flip(run("install", both))
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, "nydus-image")
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.deepStrictEqual(asked(), [])
    }),
  )

  it.effect("is due for a restart by somebody else where no unit may be controlled", () =>
    Effect.gen(function* () {
      const files = Node.host(vanilla.tree, { programs })
      const run = Run.run(Node.request("install", one)).pipe(Node.on(files))
      const report = yield* run
      assert.deepInclude(report.restarts, { unit: tee, due: "not-ours" })
      assert.strictEqual(files.tree.get(unitFile(tee))._tag, "File")
      assert.deepInclude((yield* run).restarts, { unit: tee, due: "not-ours" })
    }),
  )
})

describe("a snapshotter whose setup fails", () => {
  it.effect("is not there afterwards, where it was not before", () =>
    Effect.gen(function* () {
      const { files, run, shell } = node()
      const before = Node.snapshot(files)
      shell.afterRestart.set(tee, "failed")
      const error = yield* Effect.flip(run("install", one))
      assert.strictEqual(error._tag, "ApplyError")
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.isFalse(shell.enabled.has(tee))
      assert.notStrictEqual(shell.units.get(tee), "failed")
    }),
  )

  it.effect("runs again with the programs that it had", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run, shell } = node()
      yield* run("install", one)
      const before = Node.snapshot(files)
      files.programs.set("nydus-snapshotter/containerd-nydus-grpc", "broken")
      forget()
      shell.faults.failOn(tee, { _tag: "Refused", detail: "exit-code" }, 2)
      yield* Effect.exit(run("install", one))
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.isTrue(shell.enabled.has(tee))
      assert.strictEqual(asked().at(-1), `restart ${tee}`)
    }),
  )
})

describe("a snapshotter that the settings no longer name", () => {
  it.effect("goes when the runtime has restarted without it; its data and the other one stay", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run, shell } = node()
      files.tree.set(Node.path("/var/lib/nydus-for-kata-hs/metadata.db"), FileState.file("records"))
      yield* run("install", both)
      forget()
      const report = yield* run("install", one)
      const restart = asked().indexOf("restart containerd.service")
      assert.isBelow(restart, asked().indexOf(`stop ${hs}`))
      assert.isBelow(restart, asked().indexOf(`disable ${hs}`))
      assert.isFalse(asked().some((verb) => verb.endsWith(tee)))
      assert.isFalse(shell.enabled.has(hs))
      assert.strictEqual(files.tree.get(unitFile(hs))._tag, "Absent")
      assert.strictEqual(files.tree.get(Node.path("/opt/kata/nydus-for-kata-hs"))._tag, "Absent")
      assert.strictEqual(files.tree.get(program("nydus-for-kata-tee"))._tag, "File")
      assert.strictEqual(files.tree.get(Node.path("/var/lib/nydus-for-kata-hs/metadata.db"))._tag, "File")
      assert.isTrue(report.notices.some(({ code }) => code === "snapshotter-data-kept"))
    }),
  )
})

describe("a cleanup", () => {
  it.effect("stops and disables, removes, and leaves the tree as it was", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run, shell } = node()
      const before = Node.snapshot(files)
      yield* run("install", both)
      forget()
      yield* run("cleanup", {})
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.deepStrictEqual(shell.enabled.size, 0)
      assert.includeMembers([...asked()], [`stop ${tee}`, `disable ${tee}`, `stop ${hs}`, `disable ${hs}`])
      assert.isBelow(asked().indexOf(`stop ${tee}`), asked().indexOf("restart containerd.service"))
    }),
  )

  it.effect("has nothing to stop where the unit file is gone already", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      yield* run("install", one)
      files.tree.set(unitFile(tee), FileState.absent)
      forget()
      yield* run("cleanup", {})
      assert.isFalse(asked().some((verb) => verb.endsWith(tee)))
    }),
  )

  it.effect("in stages does the same", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      const before = Node.snapshot(files)
      yield* run("install", both)
      forget()
      yield* run("cleanup-stage-revert-cri", {})
      assert.includeMembers([...asked()], [`stop ${tee}`, `stop ${hs}`])
      assert.strictEqual(files.tree.get(unitFile(tee))._tag, "Absent")
      forget()
      yield* run("cleanup-stage-remove-artifacts", {})
      assert.deepStrictEqual(asked(), [])
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("stops them as well where only the artifacts are removed", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node()
      yield* run("install", both)
      forget()
      yield* run("cleanup-stage-remove-artifacts", {})
      assert.deepStrictEqual(asked(), [
        `stop ${tee}`,
        `disable ${tee}`,
        `stop ${hs}`,
        `disable ${hs}`,
        "reload",
      ])
      assert.strictEqual(files.tree.get(unitFile(hs))._tag, "Absent")
    }),
  )
})

describe("a nydus that upstream's installer left", () => {
  const upstreams = FileState.file(
    "[Service]\nExecStart=/opt/kata/nydus-for-kata-tee/containerd-nydus-grpc --config x\n",
  )
  const left = {
    "/opt/kata/bin/containerd-shim-kata-v2": FileState.file("shim", 0o755),
    "/opt/kata/nydus-for-kata-tee/containerd-nydus-grpc": FileState.file("older", 0o755),
    [unitFile(tee)]: upstreams,
  }

  it.effect("is ours by what its unit starts: an install renews it, a cleanup takes it away", () =>
    Effect.gen(function* () {
      const { asked, files, forget, run } = node({ tree: left })
      yield* run("install", one)
      assert.deepStrictEqual(files.tree.get(program("nydus-for-kata-tee")), FileState.file("grpc", 0o755))
      assert.include(asked(), `restart ${tee}`)
      forget()
      yield* run("cleanup", {})
      assert.include(asked(), `stop ${tee}`)
      assert.strictEqual(files.tree.get(unitFile(tee))._tag, "Absent")
    }),
  )

  it.effect("of another install directory is not taken over", () =>
    Effect.gen(function* () {
      const others = FileState.file(
        "[Service]\nExecStart=/opt/other/nydus-for-kata-tee/containerd-nydus-grpc\n",
      )
      const { files, run } = node({ tree: { [unitFile(tee)]: others } })
      const error = yield* Effect.flip(run("install", one))
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, unitFile(tee))
      assert.deepStrictEqual(files.tree.get(unitFile(tee)), others)
    }),
  )
})
