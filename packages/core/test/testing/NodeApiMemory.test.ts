import { assert, describe, it } from "@effect/vitest"
import { Fact, NodeApi } from "@kata-deploy/core"
import { NodeApiConformance, NodeApiMemory } from "@kata-deploy/core/testing"
import { Effect } from "effect"

const world = (fixture: NodeApiConformance.Fixture) =>
  Effect.sync((): NodeApiConformance.World => {
    const double = NodeApiMemory.make({
      node: Fact.known({
        containerRuntimeVersion: fixture.containerRuntimeVersion ?? "containerd://1.7.24",
        labels: fixture.labels ?? {},
        runtimeHandlers: fixture.runtimeHandlers,
      }),
      taints: fixture.taints ?? [],
      readiness: Fact.known({ ready: fixture.ready ?? true, heartbeat: undefined }),
      ownDaemonSetWantsNode: Fact.known(fixture.ownDaemonSet === "selects"),
      othersWantingNode: Fact.known(fixture.otherDaemonSets ?? []),
    })
    return {
      layer: double.layer,
      conflictWith: double.conflictWith,
      labels: Effect.sync(() => Object.fromEntries(double.labels)),
      taints: Effect.sync(double.taints),
      events: Effect.sync(() => double.events),
    }
  })

describe("the double of NodeApi does what every NodeApi does", () => {
  for (const { effect, name } of NodeApiConformance.cases(world)) it.effect(name, () => effect)
})

describe("the double of NodeApi", () => {
  it.effect("labels are written, and taken away by null", () =>
    Effect.gen(function* () {
      const double = NodeApiMemory.make()
      yield* Effect.gen(function* () {
        const api = yield* NodeApi.NodeApi
        yield* api.updateLabels(() => ({ a: "1", b: "2" }))
        yield* api.updateLabels(() => ({ a: null }))
        const node = Fact.valueOf(yield* api.node)
        assert.deepStrictEqual(node?.labels, { b: "2" })
      }).pipe(Effect.provide(double.layer))
      assert.deepStrictEqual(double.updates, [{ a: "1", b: "2" }, { a: null }])
    }),
  )

  it.effect("a decision is taken again on what another writer has left", () =>
    Effect.gen(function* () {
      const double = NodeApiMemory.make()
      double.conflictWith({ other: "true" })
      const seen: Array<Readonly<Record<string, string>>> = []
      yield* Effect.gen(function* () {
        const api = yield* NodeApi.NodeApi
        yield* api.updateLabels((labels) => {
          seen.push(labels)
          return { shared: labels["other"] === undefined ? "false" : "true" }
        })
      }).pipe(Effect.provide(double.layer))
      assert.deepStrictEqual(seen, [{}, { other: "true" }])
      assert.strictEqual(double.labels.get("shared"), "true")
      assert.strictEqual(double.updates.length, 1)
    }),
  )

  it.effect("without the API, facts are unknown and updates fail", () =>
    Effect.gen(function* () {
      const node = Fact.unknown("not-asked", "--kube none")
      const double = NodeApiMemory.make({ node })
      yield* Effect.gen(function* () {
        const api = yield* NodeApi.NodeApi
        assert.deepStrictEqual(yield* api.node, node)
        const error = yield* Effect.flip(api.updateLabels(() => ({})))
        assert.include(error.message, "--kube none")
      }).pipe(Effect.provide(double.layer))
    }),
  )
})
