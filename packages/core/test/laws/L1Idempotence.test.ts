import { Effect } from "effect"
import { assert, describe } from "vitest"
import { changeOfMind, changing, law, nodeOf, scenario } from "./Generators.ts"

describe("L1 Idempotence", () => {
  law(
    "planning an install on what it left finds nothing to change and no further restart",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const report = yield* node.run("install", example.asked)
      const installed = node.snapshot()
      const again = yield* node.plan("install", example.asked)
      assert.deepStrictEqual(changing(again), [])
      assert.deepStrictEqual(
        again.restarts,
        report.restarts.filter((r) => r.due !== "ours"),
      )
      yield* node.run("install", example.asked)
      assert.deepStrictEqual(node.snapshot(), installed)
    }),
  )

  law(
    "an install with other settings is as settled as the first",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      yield* node.run("install", example.asked)
      yield* node.run("install", example.later)
      assert.deepStrictEqual(changing(yield* node.plan("install", example.later)), [])
    }),
  )

  law(
    "a stage of a cleanup that is repeated has nothing to do, and no step that says so",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      yield* node.run("install", example.asked)
      for (const action of ["cleanup-stage-revert-cri", "cleanup-stage-remove-artifacts"] as const) {
        yield* node.run(action, example.asked)
        const again = yield* node.plan(action, example.asked)
        assert.deepStrictEqual(changing(again), [], action)
        assert.deepStrictEqual(
          again.restarts.filter(({ due }) => due === "ours"),
          [],
        )
      }
    }),
  )

  law(
    "a second cleanup has nothing to do",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      yield* node.run("install", example.asked)
      yield* node.run("cleanup", example.asked)
      const again = yield* node.plan("cleanup", example.asked)
      assert.deepStrictEqual(changing(again), [])
      assert.deepStrictEqual(again.restarts, [])
    }),
  )
})
