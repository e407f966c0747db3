import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Run } from "../../src/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { request, unit } = SystemdNode

describe("the report of a reset", () => {
  it.effect("names the restart that was made, and none that was not reached", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "active", "failed"] })
      const report = yield* Run.run(request("reset")).pipe(node.on)
      assert.deepStrictEqual(report.restarts, [{ unit, due: "ours" }])
      const error = yield* Run.run(request("reset")).pipe(node.on, Effect.flip)
      assert(error._tag === "ApplyError")
      assert.deepStrictEqual(error.report.restarts, [])
    }),
  )

  it.effect("leaves the restart to whoever controls the units, as its plan does", () =>
    Effect.gen(function* () {
      const [host] = hosts
      const files = Node.host(host!.tree)
      const asked = Node.request("reset", host!.variables)
      const plan = yield* Run.plan(asked).pipe(Node.on(files))
      const report = yield* Run.run(asked).pipe(Node.on(files))
      assert.strictEqual(plan.restarts[0]?.due, "not-ours")
      assert.deepStrictEqual(report.restarts, plan.restarts)
    }),
  )
})
