import { assert, describe, it } from "@effect/vitest"
import { NodeApi } from "@kata-deploy/core"
import { WithoutApi } from "@kata-deploy/kubernetes"
import { Effect } from "effect"

describe("the node without API", () => {
  it.effect("is unknown, because nobody asked", () =>
    Effect.gen(function* () {
      const api = yield* NodeApi.NodeApi
      const node = yield* api.node
      assert(node._tag === "Unknown")
      assert.strictEqual(node.how, "not-asked")
      const wanted = yield* api.ownDaemonSetWantsNode
      assert(wanted._tag === "Unknown")
      assert.strictEqual(wanted.how, "not-asked")
    }).pipe(Effect.provide(WithoutApi.layer)),
  )

  it.effect("never decides about labels, and says who is to write them", () =>
    Effect.gen(function* () {
      const api = yield* NodeApi.NodeApi
      const error = yield* Effect.flip(api.updateLabels(() => assert.fail("asked for a decision")))
      assert.match(error.message, /^Could not update labels of the node: .*--kube none/)
      assert.match(error.remedy, /--kube none/)
    }).pipe(Effect.provide(WithoutApi.layer)),
  )
})
