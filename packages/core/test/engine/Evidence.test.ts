import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import {
  Evidence,
  Fact,
  HostError,
  HostPath,
  HostShell,
  type HostSight,
  RuntimeEvidence,
} from "../../src/index.ts"
import { HostShellMemory, ImpatientClock, NodeApiMemory } from "../../src/testing/index.ts"

const unit = "containerd.service"
const handlers = ["kata-qemu", "kata-clh"]
const request = {
  _tag: "AwaitServed" as const,
  unit,
  socket: HostPath.make("/run/containerd/containerd.sock"),
  handlers,
}

const cri = (rest: Partial<HostSight.CriStatus>): Fact.Fact<HostSight.CriStatus> =>
  Fact.known({ runtime: "containerd 2.1.9", ready: true, handlers: undefined, ...rest })

const refused = Fact.unknown("failed", "connection refused")
const outOfSight = Fact.unknown("out-of-sight", "the socket is not mounted here")
const notAsked = Fact.unknown("not-asked", "the operator chose so")

interface World {
  /** What the runtime says at each look; the last for ever. */
  readonly cri?: ReadonlyArray<Fact.Fact<HostSight.CriStatus>>
  readonly node?: Parameters<typeof NodeApiMemory.make>[0]
  readonly shell?: HostShellMemory.HostShellMemory
}

const node = (runtimeHandlers: ReadonlyArray<string> | undefined) => ({
  node: Fact.known({ containerRuntimeVersion: "containerd://2.1.9", labels: {}, runtimeHandlers }),
})

/** Gathers the evidence in a world; answers also how long that took. */
const gather = ({ cri: answers = [outOfSight], node: api = { node: notAsked }, shell }: World) => {
  const double = shell ?? HostShellMemory.make({ units: { [unit]: "active" } })
  let at = 0
  const layer = Layer.effect(
    HostShell.HostShell,
    Effect.map(HostShell.HostShell, (service) => ({
      ...service,
      criStatus: () => Effect.sync(() => answers[Math.min(at++, answers.length - 1)]!),
    })),
  ).pipe(Layer.provide(double.layer))
  return Effect.gen(function* () {
    const said = yield* Evidence.gather(request)
    return { said, seconds: (yield* Clock.currentTimeMillis) / 1000, looks: at }
  }).pipe(Effect.provide(Layer.mergeAll(layer, NodeApiMemory.make(api).layer, ImpatientClock.layer)))
}

describe("the evidence after a restart", () => {
  it.effect("is the runtime's own word where it gives it, whatever the node says", () =>
    Effect.gen(function* () {
      const { said, seconds } = yield* gather({ cri: [cri({ handlers })], node: node([]) })
      assert.strictEqual(said._tag, "Served")
      assert.strictEqual(seconds, 0)
    }),
  )

  it.effect("is waited for while the CRI comes up: refused, not loaded, incomplete, and then all of it", () =>
    Effect.gen(function* () {
      const { looks, said } = yield* gather({
        cri: [
          refused,
          cri({ ready: false, handlers: [], notLoaded: "not yet" }),
          cri({ handlers: ["kata-clh"] }),
          cri({ handlers }),
        ],
        node: node([]),
      })
      assert.strictEqual(said._tag, "Served")
      assert.strictEqual(looks, 4)
    }),
  )

  it.effect("is what the runtime says in the end, after thirty seconds", () =>
    Effect.gen(function* () {
      const notReady = cri({ ready: false, handlers: [] })
      const { said, seconds } = yield* gather({ cri: [notReady], node: node(handlers) })
      assert.strictEqual(said._tag, "NotServed")
      assert.strictEqual(seconds, RuntimeEvidence.pace.criSeconds)
      const partly = yield* gather({ cri: [cri({ handlers: ["kata-qemu"] })] })
      assert.deepInclude(partly.said, { _tag: "Partly", missing: ["kata-clh"] })
    }),
  )

  it.effect(
    "is no after ten seconds of a runtime that answers without its CRI, one and the same all the time",
    () =>
      Effect.gen(function* () {
        const { notLoadedSeconds } = RuntimeEvidence.pace
        const notLoaded = cri({ ready: false, handlers: [], notLoaded: "no runtime" })
        const steady = yield* gather({ cri: [notLoaded], node: node(handlers) })
        assert.strictEqual(steady.said._tag, "NotServed")
        assert.strictEqual(steady.seconds, notLoadedSeconds)
        const again = yield* gather({ cri: [notLoaded, refused, notLoaded], node: node(handlers) })
        assert.strictEqual(again.seconds, notLoadedSeconds + 2 * RuntimeEvidence.pace.everySeconds)
      }),
  )

  it.effect("comes from the node where the socket is out of sight, without waiting for the socket", () =>
    Effect.gen(function* () {
      const { looks, said, seconds } = yield* gather({ node: node(handlers) })
      assert.deepInclude(said, { _tag: "Served", because: "the node reports its handlers" })
      assert.deepStrictEqual([looks, seconds], [1, 0])
    }),
  )

  it.effect("comes from the node where the socket refuses to the end, or lists no handlers", () =>
    Effect.gen(function* () {
      const silent = yield* gather({ cri: [refused], node: node(handlers) })
      assert.strictEqual(silent.said.because, "the node reports its handlers")
      assert.strictEqual(silent.seconds, RuntimeEvidence.pace.criSeconds)
      const old = yield* gather({ cri: [cri({})], node: node(["kata-qemu"]) })
      assert.deepInclude(old.said, { _tag: "Partly", missing: ["kata-clh"] })
    }),
  )

  it.effect("is no when the node reports none of ours for two minutes", () =>
    Effect.gen(function* () {
      const { said, seconds } = yield* gather({ node: node(["runc"]) })
      assert.strictEqual(said._tag, "NotServed")
      assert.strictEqual(seconds, 120)
    }),
  )

  for (const [what, api] of [
    ["was not asked", { node: notAsked }],
    ["cannot be read", { node: refused }],
    ["does not report handlers", node(undefined)],
  ] as const) {
    it.effect(
      `is the unit's where the node ${what}: active with one process for ten seconds leaves it unseen`,
      () =>
        Effect.gen(function* () {
          const { said, seconds } = yield* gather({ node: api })
          assert.strictEqual(said._tag, "Unseen")
          assert.isAtLeast(seconds, RuntimeEvidence.pace.unitSeconds)
        }),
    )
  }

  it.effect("is no where the unit is down, without watching it", () =>
    Effect.gen(function* () {
      const shell = HostShellMemory.make({ units: { [unit]: "failed" } })
      const { said, seconds } = yield* gather({ shell })
      assert.strictEqual(said._tag, "NotServed")
      assert.strictEqual(seconds, 0)
    }),
  )

  it.effect("is no where the unit goes down while it is watched", () =>
    Effect.gen(function* () {
      const double = HostShellMemory.make({ units: { [unit]: "active" } })
      let looks = 0
      const layer = Layer.effect(
        HostShell.HostShell,
        Effect.map(HostShell.HostShell, (service) => ({
          ...service,
          unitRun: (name: string) =>
            Effect.suspend(() => {
              if (++looks === 2) double.units.set(unit, "failed")
              return service.unitRun(name)
            }),
        })),
      ).pipe(Layer.provide(double.layer))
      const said = yield* Evidence.gather(request).pipe(
        Effect.provide(
          Layer.mergeAll(layer, NodeApiMemory.make({ node: notAsked }).layer, ImpatientClock.layer),
        ),
      )
      assert.strictEqual(said._tag, "NotServed")
    }),
  )
})

describe("a failure of a unit", () => {
  const failure = (reason: HostError.HostErrorReason) =>
    new HostError.HostError({ operation: `restart ${unit}`, path: undefined, reason })

  const told = (reason: HostError.HostErrorReason, log: Fact.Fact<ReadonlyArray<string>>) => {
    const shell = HostShellMemory.make()
    shell.sight.log = log
    return Evidence.withLog(failure(reason), unit, 0).pipe(
      Effect.map((error) => error.message),
      Effect.provide(shell.layer),
    )
  }
  const line = "containerd: (3, 1): Can't convert 5(int64) to string"

  it.effect("is told with what the unit's log says", () =>
    Effect.gen(function* () {
      const log = Fact.known(["all is well", line])
      assert.strictEqual(
        yield* told({ _tag: "Refused", detail: "the job ended with failed" }, log),
        `Could not restart ${unit}: the job ended with failed. Its log says: ${line}`,
      )
      assert.include(
        yield* told({ _tag: "TimedOut", seconds: 300 }, log),
        `within 300 s. Its log says: ${line}`,
      )
    }),
  )

  it.effect("never repeats a secret that the log quotes", () =>
    Effect.gen(function* () {
      const quoted =
        'containerd: (3, 1): bad key in [registry] password = "hunter2" of https://me:hunter3@mirror'
      const message = yield* told({ _tag: "Refused", detail: "it failed" }, Fact.known([quoted]))
      assert.include(message, "bad key in [registry]")
      assert.notMatch(message, /hunter/)
    }),
  )

  it.effect("is told as it is where the log says nothing, or cannot be read", () =>
    Effect.gen(function* () {
      for (const log of [Fact.known(["all is well"]), outOfSight])
        assert.strictEqual(
          yield* told({ _tag: "TimedOut", seconds: 300 }, log),
          failure({ _tag: "TimedOut", seconds: 300 }).message,
        )
    }),
  )
})
