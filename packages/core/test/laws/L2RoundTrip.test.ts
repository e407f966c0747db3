import { Effect } from "effect"
import { assert, describe } from "vitest"
import { changeOfMind, law, neighbours, nodeOf, scenario } from "./Generators.ts"

describe("L2 RoundTrip", () => {
  law(
    "install and cleanup leave the host's tree and the Node's labels as they were",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()
      const labels = [...node.api.labels]
      yield* node.run("install", example.asked)
      assert.notDeepEqual(node.snapshot(), before)
      yield* node.run("cleanup", example.asked)
      assert.deepStrictEqual(node.snapshot(), before)
      assert.deepStrictEqual([...node.api.labels], labels)
    }),
  )

  law(
    "installs with other settings in between make no difference",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()
      yield* node.run("install", example.asked)
      yield* node.run("install", example.later)
      yield* node.run("install", example.asked)
      yield* node.run("cleanup", example.later)
      assert.deepStrictEqual(node.snapshot(), before)
    }),
  )

  law(
    "two instances that go in the opposite order of coming leave nothing behind",
    neighbours,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()
      yield* node.run("install", example.asked)
      const alone = node.snapshot()
      yield* node.run("install", example.second)
      yield* node.run("cleanup", example.second)
      assert.deepStrictEqual(node.snapshot(), alone)
      yield* node.run("cleanup", example.asked)
      assert.deepStrictEqual(node.snapshot(), before)
    }),
  )

  law(
    "two instances that go in the order of coming leave nothing behind",
    neighbours,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()
      yield* node.run("install", example.asked)
      yield* node.run("install", example.second)
      yield* node.run("cleanup", example.asked)
      yield* node.run("cleanup", example.second)
      assert.deepStrictEqual(node.snapshot(), before)
    }),
  )

  law(
    "the staged actions come back as well",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const before = node.snapshot()
      yield* node.run("install-stage-host-check", example.asked)
      assert.deepStrictEqual(node.snapshot(), before)
      yield* node.run("install-stage-artifacts", example.asked)
      yield* node.run("install-stage-cri", example.asked)
      yield* node.run("cleanup-stage-revert-cri", example.asked)
      yield* node.run("cleanup-stage-remove-artifacts", example.asked)
      assert.deepStrictEqual(node.snapshot(), before)
    }),
  )
})
