import { Effect, Result } from "effect"
import type * as fc from "fast-check"
import { assert, describe } from "vitest"
import {
  CleanupPlan,
  Fact,
  type Facts,
  type FileState,
  type HostPath,
  InstallPlan,
  Plan,
} from "../../src/index.ts"
import { changeOfMind, law, nodeOf } from "./Generators.ts"

const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "EACCES" }

const without = (facts: Facts.Facts, path: HostPath.HostPath): Facts.Facts => ({
  ...facts,
  files: new Map(facts.files).set(path, unreadable),
})

/** Paths at which something that is there is replaced or removed. */
const destroyed = (plan: Plan.Plan): ReadonlyArray<HostPath.HostPath> =>
  Plan.puts(plan).flatMap(({ after, before, path }) =>
    (before._tag === "File" || before._tag === "Link") && after !== before ? [path] : [],
  )

/** A plan from facts: an install with changed settings, or a cleanup, on an installed node. */
const planners = { install: InstallPlan.make, cleanup: CleanupPlan.make }

const installed = Effect.fnUntraced(function* (
  example: typeof changeOfMind extends fc.Arbitrary<infer A> ? A : never,
  action: keyof typeof planners,
) {
  const node = nodeOf(example)
  yield* node.run("install", example.asked)
  const input = yield* node.inputs(action, action === "install" ? example.later : example.asked)
  const planWith = (facts: Facts.Facts) => planners[action]({ ...input, facts })
  return { facts: input.facts, planWith, plan: Result.getOrThrow(planWith(input.facts)) }
})

const isRefused = (result: Result.Result<Plan.Plan, unknown>): boolean => Result.isFailure(result)

describe("L5 Caution", () => {
  for (const action of ["install", "cleanup"] as const) {
    law(
      `what ${action === "install" ? "an install" : "a cleanup"} cannot see it neither replaces nor removes, nor forgets`,
      changeOfMind,
      Effect.fnUntraced(function* (example) {
        const { facts, plan, planWith } = yield* installed(example, action)
        const edited = facts.ledger._tag === "Read" ? facts.ledger.ledger.edits.map((e) => e.path) : []
        for (const path of destroyed(plan)) {
          const result = planWith(without(facts, path))
          if (Result.isFailure(result)) continue
          // Our drop-ins stay, too, while something that cannot be seen may still import them.
          assert.isFalse(edited.includes(path))
          assert.notInclude(
            Plan.puts(result.success).map((c) => c.path),
            path,
          )
          if (action === "cleanup") continue
          const record = result.success.stages
            .flatMap((stage) => stage.steps)
            .findLast((s) => s.action._tag === "Record")
          if (record?.action._tag === "Record")
            assert.include(
              (record.action.ledger?.files ?? []).map((file) => file.path),
              path,
            )
        }
      }),
    )

    law(
      `${action === "install" ? "an install" : "a cleanup"} without a readable ledger, or on files that nobody looked at, touches nothing`,
      changeOfMind,
      Effect.fnUntraced(function* (example) {
        const { facts, planWith } = yield* installed(example, action)
        assert.isTrue(isRefused(planWith({ ...facts, ledger: { _tag: "Unreadable", why: "EIO" } })))
        const blind = planWith({ ...facts, files: new Map() })
        if (Result.isSuccess(blind)) assert.deepStrictEqual(Plan.puts(blind.success), [])
      }),
    )
  }

  law(
    "a cleanup that cannot ask for its DaemonSet is refused, and one whose DaemonSet is there does nothing",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const { facts, planWith } = yield* installed(example, "cleanup")
      assert.isTrue(isRefused(planWith({ ...facts, ownDaemonSet: Fact.unknown("failed", "503") })))
      const update = Result.getOrThrow(planWith({ ...facts, ownDaemonSet: Fact.known(true) }))
      assert.deepStrictEqual(update.stages, [])
    }),
  )

  law(
    "a containerd of unknown version never gets its main config changed",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const input = yield* node.inputs("install", example.asked)
      const facts: Facts.Facts = { ...input.facts, node: Fact.unknown("failed", "503") }
      for (const version of [undefined, "containerd://unknown", "docker://27.0"]) {
        const settings = { ...input.settings, containerRuntimeVersion: version }
        const result = InstallPlan.make({ ...input, facts, settings })
        if (Result.isSuccess(result))
          assert.deepStrictEqual(
            Plan.puts(result.success).filter((c) => c.path === example.host.kind.main),
            [],
          )
      }
    }),
  )

  law(
    "what containerd imports and cannot be seen keeps a 1.x from being configured",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const { version } = example.host.kind
      const input = yield* node.inputs("install", example.asked)
      for (const path of input.facts.imported) {
        const result = InstallPlan.make({ ...input, facts: without(input.facts, path) })
        if (version?.startsWith("containerd://1.")) assert.isTrue(isRefused(result), path)
      }
    }),
  )
})
