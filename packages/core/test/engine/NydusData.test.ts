/** What a cleanup does about what nydus stored: on a containerd with images and containers, and when it is cut off. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect, Exit, Layer } from "effect"
import { ContainerdAt, FileState, HostShell, Run } from "../../src/index.ts"
import { ContainerdMemory, HostShellMemory, MemoryFaults, SampleImage } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!
const variables = { ...vanilla.variables, EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }
const name = "nydus-for-kata-tee"
const unit = `${name}.service`
const data = Node.path(`/var/lib/${name}`)

const programs = {
  "nydus-snapshotter/containerd-nydus-grpc": "grpc",
  "nydus-snapshotter/nydus-overlayfs": "overlayfs",
}

const one = SampleImage.make("example.com/one:1", ["a", "b", "c"])
const two = SampleImage.make("example.com/two:1", ["a", "b", "d"])

interface Given {
  readonly containers?: Readonly<Record<string, string>>
  readonly isMount?: ReadonlyArray<string>
}

/** What happens just before a unit is asked for something. */
interface Hooks {
  onUnit: (verb: string, unit: string) => void
}

/** A node on which nydus pulled two images, before anything of ours is there. */
const node = ({ containers = {}, isMount = [] }: Given = {}) => {
  const files = Node.host(
    { ...vanilla.tree, "/var/lib": FileState.directory() },
    { programs, mountPoints: isMount },
  )
  const shell = HostShellMemory.make({ units: { "containerd.service": "active" } })
  const loaded = [name, "nydus-for-kata-hs"]
  const containerd = ContainerdMemory.make({
    snapshotters: loaded,
    namespaces: { "k8s.io": { images: [one, two], containers }, moby: { images: [two] } },
  })
  // containerd leads from a manifest to its config by a label.
  for (const { contents } of containerd.namespaces.values())
    for (const { config, target } of [one, two])
      contents.get(target)?.labels.set("containerd.io/gc.ref.content.config", config)
  const hooks: Hooks = { onUnit: () => {} }
  const hooked = Layer.effect(
    HostShell.HostShell,
    Effect.map(HostShell.HostShell, (real) => ({
      ...real,
      unit: (verb: HostShell.UnitVerb, of: string, takenOn?: Effect.Effect<void>) =>
        Effect.andThen(
          Effect.sync(() => hooks.onUnit(verb, of)),
          real.unit(verb, of, takenOn),
        ),
    })),
  )
  const ports = Node.layer(files, shell)
  const layer = Layer.mergeAll(
    ports,
    Layer.provide(hooked, ports),
    Layer.succeed(ContainerdAt.ContainerdAt, () => containerd.layer),
  )
  const run = (action: Run.Request["action"], conduct: Partial<Run.Conduct> = {}) =>
    Effect.provide(Run.run({ ...Node.request(action, variables), conduct }), layer)
  const plan = (conduct: Partial<Run.Conduct> = {}) =>
    Effect.provide(Run.plan({ ...Node.request("cleanup", variables), conduct }), layer)
  const store = () => {
    files.tree.set(data, FileState.directory())
    files.tree.set(Node.path(`${data}/metadata.db`), FileState.file("12345"))
    files.tree.set(Node.path(`${data}/snapshots`), FileState.directory())
    files.tree.set(Node.path(`${data}/snapshots/1`), FileState.file("67890"))
  }
  const snapshots = () =>
    [...containerd.namespaces.values()].reduce(
      (sum, state) => sum + (state.snapshots.get(name)?.size ?? 0),
      0,
    )
  const labels = () =>
    [...containerd.namespaces.values()].flatMap((state) =>
      [...state.contents.values()].flatMap((blob) =>
        [...blob.labels.keys()].filter((key) => key.endsWith(name)),
      ),
    ).length
  const forget = () => {
    files.faults.reset()
    shell.faults.reset()
    containerd.faults.reset()
  }
  return { files, shell, containerd, hooks, loaded, run, plan, store, snapshots, labels, forget }
}

const purge = { nydusData: "purge" } as const

const told = (report: {
  readonly notices: ReadonlyArray<{ readonly code: string; readonly message: string }>
}) => report.notices.filter(({ code }) => code.startsWith("snapshotter-data")).map(({ message }) => message)

describe("a cleanup that is to purge what nydus stored", () => {
  it.effect("removes snapshots in all namespaces before the unit stops, and the directory behind it", () =>
    Effect.gen(function* () {
      const { containerd, files, forget, hooks, labels, run, snapshots, store } = node()
      const before = Node.snapshot(files)
      yield* run("install")
      store()
      forget()
      let whenStopped = -1
      hooks.onUnit = (verb, of) => {
        if (verb === "stop" && of === unit) whenStopped = snapshots()
      }
      const report = yield* run("cleanup", purge)
      assert.strictEqual(report.outcome, "done")
      assert.strictEqual(whenStopped, 0)
      assert.deepStrictEqual(Node.snapshot(files), before)
      assert.deepStrictEqual([snapshots(), labels()], [0, 0])
      assert.deepStrictEqual(told(report), [
        `${data} is gone, with 10 bytes in files; 7 snapshots of ${name} had been removed from containerd before.`,
      ])
      assert.deepStrictEqual([...containerd.namespaces.get("k8s.io")!.images.keys()], [one.name, two.name])
    }),
  )

  it.effect(
    "stops among the snapshots where the node lock is lost, says so, and is completed by the next one",
    () =>
      Effect.gen(function* () {
        const { containerd, files, forget, run, shell, snapshots, store } = node()
        const before = Node.snapshot(files)
        yield* run("install")
        store()
        forget()
        const all = snapshots()
        const isUnderWay = () => containerd.faults.operations.some(({ verb }) => verb === "remove snapshot")
        const { sight } = shell
        Object.defineProperty(sight, "lockLostTo", {
          configurable: true,
          get: () => (isUnderWay() ? "process 7" : undefined),
        })
        const error = yield* Effect.flip(run("cleanup", purge))
        assert(error._tag === "ApplyError")
        assert.include(error.message, "process 7")
        const [stopped] = error.report.notices.filter(({ code }) => code === "snapshots-removal-stopped")
        assert.match(stopped?.message ?? "", /^1 of \d+ snapshots of /)
        assert.isAbove(snapshots(), 0)
        assert.isBelow(snapshots(), all)
        assert.strictEqual(files.tree.get(data)._tag, "Directory")
        Object.defineProperty(sight, "lockLostTo", { value: undefined })
        forget()
        yield* run("cleanup", purge)
        assert.strictEqual(snapshots(), 0)
        assert.deepStrictEqual(Node.snapshot(files), before)
      }),
  )

  it.effect("shows all of it in a plan, and touches nothing", () =>
    Effect.gen(function* () {
      const { files, plan, run, snapshots, store } = node()
      yield* run("install")
      store()
      const before = Node.snapshot(files)
      const made = yield* plan(purge)
      const actions = made.stages.flatMap(({ steps }) => steps.map(({ action }) => action))
      const removal = actions.find(({ _tag }) => _tag === "RemoveSnapshots")
      assert(removal?._tag === "RemoveSnapshots")
      assert.deepStrictEqual(
        removal.namespaces.map(({ images, namespace, order }) => [namespace, order.length, images]),
        [
          ["k8s.io", 4, [one.name, two.name]],
          ["moby", 3, [two.name]],
        ],
      )
      assert.isTrue(actions.some(({ _tag }) => _tag === "PurgeData"))
      assert.strictEqual(snapshots(), 7)
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("keeps all of it while a container uses some, names it, and is done all the same", () =>
    Effect.gen(function* () {
      const { files, labels, run, snapshots, store } = node({ containers: { web: one.name } })
      yield* run("install")
      store()
      const report = yield* run("cleanup", purge)
      assert.strictEqual(report.outcome, "done")
      assert.deepStrictEqual(told(report), [`${data} is kept, because it is in use by web.`])
      assert.deepStrictEqual([snapshots(), labels()], [8, 3])
      assert.strictEqual(files.tree.get(Node.path(`${data}/metadata.db`))._tag, "File")
      assert.strictEqual(files.tree.get(Node.path(`/etc/systemd/system/${unit}`))._tag, "Absent")
    }),
  )

  it.effect("keeps all of it where containerd does not answer, or cannot list, and says so", () =>
    Effect.gen(function* () {
      for (const [subject, said] of [
        ["namespaces", "containerd could not be asked what it has of it (no answer within 30 s)"],
        [`${name} in moby`, "its snapshots could not be listed (no answer within 30 s)"],
      ] as const) {
        const { containerd, files, run, snapshots, store } = node()
        yield* run("install")
        store()
        containerd.faults.failOn(subject, { _tag: "TimedOut", seconds: 30 })
        const report = yield* run("cleanup", purge)
        assert.strictEqual(report.outcome, "done")
        assert.deepStrictEqual(told(report), [`${data} is kept, because ${said}.`])
        assert.strictEqual(snapshots(), 7)
        assert.strictEqual(files.tree.get(data)._tag, "Directory")
      }
    }),
  )

  it.effect("keeps the directory where a snapshot cannot be removed after all", () =>
    Effect.gen(function* () {
      const { containerd, files, run, store } = node()
      yield* run("install")
      store()
      containerd.faults.failOn(`${one.chain[2]} of ${name} in k8s.io`, { _tag: "Refused", detail: "busy" })
      const report = yield* run("cleanup", purge)
      assert.strictEqual(report.outcome, "done")
      assert.deepStrictEqual(told(report), [`${data} is kept, because 3 of its snapshots are still there.`])
      assert.strictEqual(files.tree.get(data)._tag, "Directory")
    }),
  )

  it.effect("keeps it where the unit did not stop", () =>
    Effect.gen(function* () {
      const { files, run, shell, store } = node()
      yield* run("install")
      store()
      shell.faults.failOn(unit, { _tag: "Refused", detail: "it hangs" })
      const error = yield* Effect.flip(run("cleanup", purge))
      assert(error._tag === "ApplyError")
      assert.deepStrictEqual(told(error.report), [`${data} is kept, because ${unit} still runs.`])
      assert.strictEqual(files.tree.get(data)._tag, "Directory")
    }),
  )

  it.effect("keeps it where somebody pulled between the removal and the stop", () =>
    Effect.gen(function* () {
      const { containerd, files, hooks, run, store } = node()
      yield* run("install")
      store()
      hooks.onUnit = (verb, of) => {
        const state = containerd.namespaces.get("moby")!
        if (verb === "stop" && of === unit)
          state.snapshots.get(name)!.set("late", {
            key: "late",
            parent: undefined,
            kind: "active",
            labels: new Map(),
            lost: false,
          })
      }
      const report = yield* run("cleanup", purge)
      assert.deepStrictEqual(told(report), [`${data} is kept, because 1 of its snapshots are still there.`])
      assert.strictEqual(files.tree.get(data)._tag, "Directory")
    }),
  )

  it.effect("leaves alone what is mounted in the directory, and names it", () =>
    Effect.gen(function* () {
      const mount = `${data}/snapshots`
      const { files, run, store } = node({ isMount: [mount] })
      yield* run("install")
      store()
      const report = yield* run("cleanup", purge)
      assert.deepStrictEqual(report.left, [{ path: mount, why: "mount point" }])
      assert.match(told(report)[0] ?? "", /is emptied but for what is named as left behind, with 5 bytes/)
      assert.strictEqual(files.tree.get(Node.path(`${mount}/1`))._tag, "File")
      assert.strictEqual(files.tree.get(Node.path(`${data}/metadata.db`))._tag, "Absent")
    }),
  )

  it.effect("does the same in the stage that takes the configuration back", () =>
    Effect.gen(function* () {
      const { files, run, snapshots, store } = node()
      const before = Node.snapshot(files)
      yield* run("install")
      store()
      yield* run("cleanup-stage-revert-cri", purge)
      assert.strictEqual(snapshots(), 0)
      assert.strictEqual(files.tree.get(data)._tag, "Absent")
      yield* run("cleanup-stage-remove-artifacts")
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("purges later what an earlier cleanup kept, once no image refers to it", () =>
    Effect.gen(function* () {
      const { containerd, files, loaded, run, store } = node()
      const before = Node.snapshot(files)
      yield* run("install")
      store()
      const first = yield* run("cleanup")
      assert.match(told(first)[0] ?? "", /stays: containerd has records/)
      // The proxy plugin is gone with the configuration.
      loaded.splice(loaded.indexOf(name), 1)
      const second = yield* run("cleanup", purge)
      assert.match(
        told(second)[0] ?? "",
        /of the images example.com\/one:1, example.com\/two:1, and no snapshotter/,
      )
      for (const state of containerd.namespaces.values()) {
        state.images.clear()
        state.contents.clear()
      }
      const third = yield* run("cleanup", purge)
      assert.match(told(third)[0] ?? "", /is gone, with 10 bytes in files; 0 snapshots/)
      assert.deepStrictEqual(Node.snapshot(files), before)
      const fourth = yield* run("cleanup", purge)
      assert.deepStrictEqual(told(fourth), [])
    }),
  )

  it.effect("is completed by the next one, wherever it died", () =>
    Effect.gen(function* () {
      const sweep = ["files", "shell", "containerd"] as const
      for (const port of sweep) {
        const counted = node()
        yield* counted.run("install")
        counted.store()
        counted.forget()
        yield* counted.run("cleanup", purge)
        const operations = counted[port].faults.operations.length
        assert.isAbove(operations, 3)
        for (let at = 1; at <= operations; at++) {
          const { [port]: double, files, forget, run, snapshots, store } = node()
          const before = Node.snapshot(files)
          yield* run("install")
          store()
          forget()
          double.faults.crashAt(at, at % 2 === 0 ? "before" : "after")
          const exit = yield* Effect.exit(run("cleanup", purge))
          const about = `${port} ${at}`
          assert.isTrue(Exit.isFailure(exit) && Cause.squash(exit.cause) instanceof MemoryFaults.Crash, about)
          forget()
          yield* run("cleanup", purge)
          assert.deepStrictEqual(Node.snapshot(files), before, about)
          assert.strictEqual(snapshots(), 0, about)
        }
      }
    }),
  )
})
