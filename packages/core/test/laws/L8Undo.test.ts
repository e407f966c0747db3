import { Effect } from "effect"
import * as fc from "fast-check"
import { assert, describe } from "vitest"
import { Change, FileState, HostPath, Plan } from "../../src/index.ts"
import { law, nodeOf, scenario } from "./Generators.ts"

const state: fc.Arbitrary<FileState.FileState> = fc.oneof(
  fc.constant(FileState.absent),
  fc.constant(FileState.directory()),
  fc.string().map((text) => FileState.file(text)),
  fc.string({ minLength: 1 }).map(FileState.link),
)

const change: fc.Arbitrary<Change.Change> = fc
  .tuple(fc.constantFrom("/a", "/a/b", "/c"), state, state)
  .map(([path, before, after]) => Change.make(HostPath.make(path), before, after))

/** What a tree is after some changes, one after the other. */
const apply = (
  tree: ReadonlyMap<string, FileState.FileState>,
  changes: ReadonlyArray<Change.Change>,
): ReadonlyMap<string, FileState.FileState> =>
  changes.reduce((at, { after, before, path }) => {
    assert.isTrue(FileState.equals(at.get(path) ?? FileState.absent, before), `${path} is as it has to be`)
    return new Map(at).set(path, after)
  }, tree)

describe("L8 Undo", () => {
  law(
    "inverting a change twice gives the change",
    change,
    Effect.fnUntraced(function* (example) {
      assert.deepStrictEqual(Change.invert(Change.invert(example)), example)
      assert.strictEqual(Change.isNoop(Change.invert(example)), Change.isNoop(example))
    }),
  )

  law(
    "the changes of a plan, inverted one by one from the last to the first, lead back to every byte",
    scenario,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const { facts } = yield* node.inputs("install", example.asked)
      const puts = Plan.puts(yield* node.plan("install", example.asked))
      const before = new Map<string, FileState.FileState>(facts.files)
      assert.deepStrictEqual(apply(apply(before, puts), puts.map(Change.invert).toReversed()), before)
    }),
  )
})
