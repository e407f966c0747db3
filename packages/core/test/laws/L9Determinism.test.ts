import { Effect, Result, Schema } from "effect"
import * as fc from "fast-check"
import { assert, describe } from "vitest"
import { CleanupPlan, type Facts, InstallPlan, Plan } from "../../src/index.ts"
import { changeOfMind, law, nodeOf } from "./Generators.ts"

const text = (plan: Result.Result<Plan.Plan, unknown>): string =>
  JSON.stringify(Schema.encodeSync(Plan.Plan)(Result.getOrThrow(plan)))

/** Turns the entries of a map, or the keys of a record, around by some numbers. */
const mixed = <K, V>(map: ReadonlyMap<K, V>, by: ReadonlyArray<number>): ReadonlyMap<K, V> =>
  new Map(
    [...map]
      .map((entry, at) => [by[at % by.length]!, entry] as const)
      .sort(([a], [b]) => a - b)
      .map(([, entry]) => entry),
  )

const mixedRecord = <V>(record: Readonly<Record<string, V>>, by: ReadonlyArray<number>) =>
  Object.fromEntries(mixed(new Map(Object.entries(record)), by))

const mixedFacts = (facts: Facts.Facts, by: ReadonlyArray<number>): Facts.Facts => {
  const { manifest } = facts.artifacts
  return {
    ...facts,
    units: mixed(facts.units, by),
    files: mixed(facts.files, by),
    node:
      facts.node._tag === "Known"
        ? { ...facts.node, value: { ...facts.node.value, labels: mixedRecord(facts.node.value.labels, by) } }
        : facts.node,
    artifacts: {
      ...facts.artifacts,
      archives: mixed(facts.artifacts.archives, by),
      bases: mixed(facts.artifacts.bases, by),
      damaged: new Set(mixed(new Map([...facts.artifacts.damaged].map((d) => [d, d])), by).keys()),
      manifest:
        manifest._tag === "File"
          ? { ...manifest, text: JSON.stringify({ shims: mixedRecord(JSON.parse(manifest.text).shims, by) }) }
          : manifest,
    },
  }
}

describe("L9 Determinism", () => {
  law(
    "the same input gives the same plan, in whatever order maps have their entries",
    fc.tuple(changeOfMind, fc.array(fc.nat(1000), { minLength: 7, maxLength: 40 })),
    Effect.fnUntraced(function* ([example, by]) {
      const node = nodeOf(example)
      const fresh = yield* node.inputs("install", example.asked)
      const plan = text(InstallPlan.make(fresh))
      assert.strictEqual(text(InstallPlan.make(fresh)), plan)
      const asked = {
        ...example.asked,
        variables: mixedRecord(example.asked.variables, by),
        customConfigs: mixed(example.asked.customConfigs, by),
      }
      assert.strictEqual(
        text(
          InstallPlan.make({
            ...fresh,
            settings: node.settingsOf(asked),
            facts: mixedFacts(fresh.facts, by),
          }),
        ),
        plan,
      )
      yield* node.run("install", example.asked)
      for (const [action, make, who] of [
        ["install", InstallPlan.make, example.later],
        ["cleanup", CleanupPlan.make, example.asked],
      ] as const) {
        const input = yield* node.inputs(action, who)
        assert.strictEqual(text(make({ ...input, facts: mixedFacts(input.facts, by) })), text(make(input)))
      }
    }),
  )

  law(
    "two nodes that are alike are alike after an install",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const [one, other] = [nodeOf(example), nodeOf(example)]
      yield* one.run("install", example.asked)
      yield* other.run("install", example.asked)
      assert.deepStrictEqual(one.snapshot(), other.snapshot())
    }),
  )
})
