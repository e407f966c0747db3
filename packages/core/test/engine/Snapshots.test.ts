import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import type { Run } from "../../src/index.ts"
import { ContainerdAt, HostError, Snapshots } from "../../src/index.ts"
import { ContainerdMemory, HostShellMemory, ImpatientClock, SampleImage } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const one = SampleImage.make("example.com/one:1", ["a", "b", "c"])
const two = SampleImage.make("example.com/two:1", ["a", "b", "d"])

/** Two images that share two layers. */
const node = () => ContainerdMemory.make({ namespaces: { "k8s.io": { images: [one, two] } } })

const nothingSeen = () => Effect.void

const ask = (
  containerd: ContainerdMemory.ContainerdMemory,
  action: "plan" | "remove" | "repair",
  apply: "apply" | "show" = "apply",
  show: Snapshots.Show = nothingSeen,
) =>
  Snapshots.within({ action, apply, snapshotter: "native", namespace: undefined }, show).pipe(
    Effect.provide(Layer.merge(containerd.layer, ImpatientClock.layer)),
  )

const calls = ({ faults }: ContainerdMemory.ContainerdMemory) => faults.operations.map(({ verb }) => verb)

describe("snapshots", () => {
  it.effect("plan names every key, leaves first, and changes nothing", () =>
    Effect.gen(function* () {
      const containerd = node()
      const { left, namespaces } = yield* ask(containerd, "plan")
      const { order } = namespaces[0]!
      assert.sameMembers([...order], [...new Set([...one.chain, ...two.chain])])
      assert.isBelow(order.indexOf(one.chain[2]!), order.indexOf(one.chain[1]!))
      assert.isBelow(order.indexOf(two.chain[2]!), order.indexOf(two.chain[1]!))
      assert.isNull(left)
      assert.isFalse(calls(containerd).some((verb) => verb.startsWith("remove")))
    }),
  )

  it.effect("are removed after the plan was shown, and so are the labels that lead to them", () =>
    Effect.gen(function* () {
      const containerd = node()
      const seen: Array<number> = []
      const show: Snapshots.Show = () =>
        Effect.sync(
          () => void seen.push(calls(containerd).filter((verb) => verb.startsWith("remove")).length),
        )
      const report = yield* ask(containerd, "remove", "apply", show)
      assert.deepStrictEqual(seen, [0])
      assert.strictEqual(report.left, 0)
      assert.deepStrictEqual(report.namespaces[0]!.figures, {
        removed: 4,
        gone: 0,
        failed: [],
        leftOut: [],
        unlabelled: 2,
      })
      assert.strictEqual((yield* ask(containerd, "repair", "show")).namespaces[0]!.outcome, "clean")
    }),
  )

  it.effect("that a container uses stay with all below them, and the rest goes", () =>
    Effect.gen(function* () {
      const containerd = ContainerdMemory.make({
        namespaces: { "k8s.io": { images: [one, two], containers: { app: one.name } } },
      })
      const report = yield* ask(containerd, "remove")
      const [namespace] = report.namespaces
      assert.deepStrictEqual([...namespace!.order], two.chain.slice(2))
      assert.strictEqual(namespace!.outcome, "blocked")
      assert.include(namespace!.blocked.map(({ because }) => because).join(), "used by app")
      assert.strictEqual(report.left, 4)
    }),
  )

  it.effect("of which one cannot be removed leave what lies below it out, and go on with the others", () =>
    Effect.gen(function* () {
      const containerd = node()
      containerd.faults.failOn(`${one.chain[2]} of native in k8s.io`, { _tag: "Refused", detail: "busy" })
      const { left, namespaces } = yield* ask(containerd, "remove")
      const { figures } = namespaces[0]!
      assert.deepStrictEqual(figures!.failed, [{ key: one.chain[2]!, why: "busy" }])
      assert.strictEqual(figures!.removed, 1)
      assert.deepStrictEqual([...figures!.leftOut], [one.chain[1], one.chain[0]])
      assert.strictEqual(left, 3)
    }),
  )

  it.effect("are left where the node lock is lost in between, and what was done and is left is told", () =>
    Effect.gen(function* () {
      const containerd = ContainerdMemory.make({
        namespaces: { "k8s.io": { images: [one, two] }, moby: { images: [one] } },
      })
      let asked = 0
      const lost = new HostError.HostError({
        operation: "keep the node lock",
        path: undefined,
        reason: { _tag: "LockLost", holder: "process 7" },
      })
      // Two labels and two snapshots go before.
      const keepLock = Effect.suspend(() => (asked++ < 4 ? Effect.void : Effect.fail(lost)))
      const report = yield* Snapshots.within(
        { action: "remove", apply: "apply", snapshotter: "native", namespace: undefined, keepLock },
        nothingSeen,
      ).pipe(Effect.provide(Layer.merge(containerd.layer, ImpatientClock.layer)))
      const [first, second] = report.namespaces
      assert.strictEqual(report.stopped, lost.message)
      assert.deepStrictEqual([first!.figures!.unlabelled, first!.figures!.removed], [2, 2])
      assert.lengthOf(first!.figures!.leftOut, first!.order.length - 2)
      assert.deepStrictEqual(
        { ...second!.figures!, leftOut: [...second!.figures!.leftOut] },
        { removed: 0, gone: 0, failed: [], leftOut: [...second!.order], unlabelled: 0 },
      )
      assert.isAbove(report.left!, 0)
    }),
  )

  it.effect("that cannot be listed are unknown and never clean", () =>
    Effect.gen(function* () {
      const containerd = node()
      containerd.faults.failOn("native in k8s.io", { _tag: "TimedOut", seconds: 30 })
      const { left, namespaces } = yield* ask(containerd, "remove")
      assert.strictEqual(namespaces[0]!.outcome, "unknown")
      assert.deepStrictEqual(namespaces[0]!.order, [])
      assert.isNull(left)
    }),
  )

  it.effect("whose images' labels cannot be looked at are unknown: what they keep would stay behind", () =>
    Effect.gen(function* () {
      const containerd = node()
      containerd.faults.failOn("k8s.io", { _tag: "TimedOut", seconds: 30 })
      const [namespace] = (yield* ask(containerd, "plan")).namespaces
      assert.strictEqual(namespace!.outcome, "unknown")
      assert.match(namespace!.doubts.join(), /content cannot be listed/)
    }),
  )

  it.effect(
    "that the backend lost are found by their labels, shown, and repaired when that is asked for",
    () =>
      Effect.gen(function* () {
        const containerd = node()
        containerd.wipe("native")
        const shown = yield* ask(containerd, "repair", "show")
        assert.strictEqual(shown.namespaces[0]!.outcome, "repairable")
        assert.isFalse(shown.applied)
        const done = yield* ask(containerd, "repair")
        assert.strictEqual(done.namespaces[0]!.figures!.removed + done.namespaces[0]!.figures!.gone, 4)
        assert.strictEqual(done.left, 0)
        assert.strictEqual((yield* ask(containerd, "repair", "show")).namespaces[0]!.outcome, "clean")
      }),
  )
})

describe("snapshots of which the backend lost those below", () => {
  /** What is on top is there, as after somebody made it anew; the records below lead nowhere. */
  const halfLost = () => {
    const containerd = ContainerdMemory.make({ namespaces: { "k8s.io": { images: [one] } } })
    containerd.wipe("native")
    containerd.namespaces.get("k8s.io")!.snapshots.get("native")!.get(one.chain[2]!)!.lost = false
    return containerd
  }

  it.effect("go as a whole, those that are lost behind the one that lies on them", () =>
    Effect.gen(function* () {
      const containerd = halfLost()
      const report = yield* ask(containerd, "remove")
      assert.deepStrictEqual([...report.namespaces[0]!.order], one.chain.toReversed())
      assert.strictEqual(report.left, 0)
      assert.strictEqual(containerd.namespaces.get("k8s.io")!.snapshots.get("native")!.size, 0)
    }),
  )

  it.effect("stay where only a repair is asked for, since what is there lies on them", () =>
    Effect.gen(function* () {
      const [namespace] = (yield* ask(halfLost(), "repair")).namespaces
      assert.deepStrictEqual([...namespace!.order], [])
      assert.strictEqual(namespace!.outcome, "blocked")
    }),
  )
})

describe("snapshots of a node", () => {
  const vanilla = hosts.find((host) => host.name === "vanilla containerd 2.1")!

  const run = ({ tree, variables }: (typeof hosts)[number]) => {
    const containerd = ContainerdMemory.make({
      snapshotters: ["nydus-for-kata-tee"],
      namespaces: { "k8s.io": { images: [one] } },
    })
    const sockets: Array<string> = []
    const shell = HostShellMemory.make()
    const { criRuntime, release, settings, stateDir } = Node.request("reset", variables)
    const request: Snapshots.SnapshotsRequest = {
      criRuntime,
      release,
      settings,
      stateDir,
      namespace: undefined,
      lockSeconds: 1,
      action: "remove",
      snapshotter: "nydus",
      apply: "apply",
    }
    const shown = () => Effect.sync(() => assert.isTrue(shell.holdsLock()))
    const at = Layer.succeed(ContainerdAt.ContainerdAt, (socket: string) => {
      sockets.push(socket)
      return containerd.layer
    })
    const program: Effect.Effect<unknown, unknown, Run.Requirements> = Snapshots.run(request, shown).pipe(
      Effect.map((report) => ({ report, sockets })),
      Effect.provide(at),
    )
    return Effect.provide(program, Node.layer(Node.host(tree), shell))
  }

  it.effect("are asked for at its runtime's socket, by the settings' word, under the node lock", () =>
    Effect.gen(function* () {
      const done = yield* run(vanilla)
      assert.deepInclude(done, { sockets: ["/run/containerd/containerd.sock"] })
      assert.deepNestedInclude(done as object, {
        "report.snapshotter": "nydus-for-kata-tee",
        "report.left": 0,
      })
    }),
  )

  it.effect("are no question for a node with CRI-O", () =>
    Effect.gen(function* () {
      const crio = hosts.find((host) => host.name === "CRI-O")!
      const error = yield* Effect.flip(run(crio))
      assert.include(String(error), "no snapshotters")
    }),
  )
})
