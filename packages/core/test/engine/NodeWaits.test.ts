import { assert, describe, it } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import { Fact, LabelStability, NodeApi, NodeMarks, NodeWaits } from "../../src/index.ts"
import { ImpatientClock, NodeApiMemory } from "../../src/testing/index.ts"

const mark = NodeMarks.markOf("default")
const both = { [NodeMarks.sharedLabel]: "true", [mark]: "true" }

/** A Node whose readiness is one after the other of these, the last one for ever. */
const becoming = (looks: ReadonlyArray<Fact.Fact<NodeApi.Readiness>>) => {
  let at = 0
  const api = Layer.effect(
    NodeApi.NodeApi,
    Effect.map(NodeApi.NodeApi, (double) => ({
      ...double,
      readiness: Effect.sync(() => looks[Math.min(at++, looks.length - 1)]!),
    })),
  ).pipe(Layer.provide(NodeApiMemory.make().layer))
  return { layer: Layer.merge(api, ImpatientClock.layer), looks: () => at }
}

const is = (ready: boolean, heartbeat?: number) => Fact.known({ ready, heartbeat })

const awaitReady = (looks: ReadonlyArray<Fact.Fact<NodeApi.Readiness>>, since?: number) => {
  const node = becoming(looks)
  return Effect.gen(function* () {
    const result = yield* Effect.result(NodeWaits.awaitReady(300, since))
    const seconds = (yield* Clock.currentTimeMillis) / 1000
    return { result, seconds, looks: node.looks() }
  }).pipe(Effect.provide(node.layer))
}

describe("waiting for a node to be ready", () => {
  it.effect("ends at the first look that says so", () =>
    Effect.gen(function* () {
      const { looks, result, seconds } = yield* awaitReady([is(true)])
      assert.deepStrictEqual([result._tag, looks, seconds], ["Success", 1, 0])
    }),
  )

  it.effect("looks every two seconds, over answers that fail", () =>
    Effect.gen(function* () {
      const failed = Fact.unknown("failed", "connection refused")
      const { looks, result, seconds } = yield* awaitReady([is(false), failed, is(false), is(true)])
      assert.deepStrictEqual([result._tag, looks, seconds], ["Success", 4, 6])
    }),
  )

  it.effect("does not believe a sign of life from before the restart", () =>
    Effect.gen(function* () {
      const stale = is(true, 98_000)
      const { looks, result } = yield* awaitReady([stale, stale, is(true, 101_000)], 100_000)
      assert.deepStrictEqual([result._tag, looks], ["Success", 3])
    }),
  )

  it.effect("believes one in the very second of the restart, and a node that gives none", () =>
    Effect.gen(function* () {
      // Heartbeats are whole seconds.
      assert.strictEqual((yield* awaitReady([is(true, 100_000)], 100_999)).looks, 1)
      assert.strictEqual((yield* awaitReady([is(true)], 100_000)).looks, 1)
      assert.strictEqual((yield* awaitReady([is(true, 5)], undefined)).looks, 1)
    }),
  )

  it.effect("gives up after its time, and tells a node that is down from one that is silent or unseen", () =>
    Effect.gen(function* () {
      const cases = [
        [is(false), "its condition Ready was not True within 300 s"],
        [is(true, 5), "no sign of life within 300 s since the restart"],
        [Fact.unknown("failed", "connection refused"), "connection refused"],
      ] as const
      for (const [look, words] of cases) {
        const { result, seconds } = yield* awaitReady([look], 100_000)
        assert.strictEqual(result._tag, "Failure")
        if (result._tag === "Failure") assert.include(result.failure.message, words)
        assert.strictEqual(seconds, 300)
      }
    }),
  )

  it.effect("waits for nobody where the API is not asked", () =>
    Effect.gen(function* () {
      const { looks, result } = yield* awaitReady([Fact.unknown("not-asked", "the operator chose so")])
      assert.deepStrictEqual([result._tag, looks], ["Success", 1])
    }),
  )
})

/** A Node whose labels `rival` changes before the `n`-th look at them, counted from 1. */
const contested = (rival: (look: number, labels: Map<string, string>) => void) => {
  const double = NodeApiMemory.make()
  let look = 0
  const api = Layer.effect(
    NodeApi.NodeApi,
    Effect.map(NodeApi.NodeApi, (node) => ({
      ...node,
      node: Effect.suspend(() => {
        rival(++look, double.labels)
        return node.node
      }),
    })),
  ).pipe(Layer.provide(double.layer))
  return { double, layer: Layer.merge(api, ImpatientClock.layer), looks: () => look }
}

const { attempts, lookEverySeconds, looks: inARow } = LabelStability.pace

describe("holding the labels", () => {
  it.effect("writes once and looks six times where nobody interferes", () =>
    Effect.gen(function* () {
      const { double, layer, looks } = contested(() => undefined)
      const seconds = yield* NodeWaits.holdMarks("default").pipe(
        Effect.andThen(Clock.currentTimeMillis),
        Effect.provide(layer),
      )
      assert.deepStrictEqual(Object.fromEntries(double.labels), both)
      assert.strictEqual(double.updates.length, 1)
      assert.strictEqual(looks(), inARow)
      assert.strictEqual(seconds, inARow * lookEverySeconds * 1000)
    }),
  )

  for (const [what, strip] of [
    ["taken away", (labels: Map<string, string>) => void labels.delete(NodeMarks.sharedLabel)],
    ["set to false", (labels: Map<string, string>) => void labels.set(mark, "false")],
  ] as const) {
    it.effect(
      `writes them again where one is ${what} in the middle of the window, and starts to count anew`,
      () =>
        Effect.gen(function* () {
          const { double, layer, looks } = contested((look, labels) => {
            if (look === 4) strip(labels)
          })
          yield* NodeWaits.holdMarks("default").pipe(Effect.provide(layer))
          assert.deepStrictEqual(Object.fromEntries(double.labels), both)
          assert.strictEqual(double.updates.length, 2)
          assert.strictEqual(looks(), 4 + inARow)
        }),
    )
  }

  it.effect("gives up after twelve attempts, and names the labels and who may be at them", () =>
    Effect.gen(function* () {
      const { double, layer } = contested((_, labels) => void labels.delete(mark))
      const error = yield* NodeWaits.holdMarks("default").pipe(Effect.provide(layer), Effect.flip)
      assert.strictEqual(double.updates.length, attempts)
      assert.include(error.message, mark)
      assert.include(error.remedy, "--node-labels")
    }),
  )

  it.effect(
    "a write that fails costs an attempt and no more; when all fail the API's own words are told",
    () =>
      Effect.gen(function* () {
        const once = contested(() => undefined)
        once.double.faults.failAt(1, "503 Service Unavailable")
        yield* NodeWaits.holdMarks("default").pipe(Effect.provide(once.layer))
        assert.deepStrictEqual(Object.fromEntries(once.double.labels), both)
        const always = contested(() => undefined)
        always.double.faults.failOn("labels", "403 Forbidden")
        const error = yield* NodeWaits.holdMarks("default").pipe(Effect.provide(always.layer), Effect.flip)
        assert.include(error.message, "403 Forbidden")
        assert.strictEqual(always.double.faults.operations.length, attempts)
      }),
  )
})
