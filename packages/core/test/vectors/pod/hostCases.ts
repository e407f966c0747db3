/** Answers cases that are a whole node and steps on it: what is on the host after each. */
import { Result, Schema } from "effect"
import { Vectors } from "@kata-deploy/core/testing"
import * as PodHost from "./PodHost.ts"
import { tidy } from "./PodPaths.ts"
import { sameToml } from "./sameToml.ts"

const Texts = Schema.Record(Schema.String, Schema.String)

const Input = Schema.Struct({
  runtime: Schema.String,
  containerRuntimeVersion: Schema.NullOr(Schema.String),
  env: Texts,
  filesBefore: Texts,
  steps: Schema.Array(Schema.Literals(["configure", "cleanup"])),
})

const Expected = Schema.Struct({
  steps: Schema.Array(
    Schema.Struct({
      step: Schema.String,
      filesAfter: Texts,
      ok: Schema.optionalKey(Schema.Boolean),
      error: Schema.optionalKey(Schema.String),
      envOverride: Schema.optionalKey(Texts),
    }),
  ),
})

type ExpectedStep = (typeof Expected.Type)["steps"][number]

const actions = { configure: "install-stage-cri", cleanup: "cleanup-stage-revert-cri" } as const

/** Changes an expected file by a rule of ours; `undefined` when the rule has nothing to say of it. */
export interface Rule {
  readonly name: string
  /** The files that are expected by this rule, or `undefined` when it does not concern them. */
  readonly apply: (files: Readonly<Record<string, string>>, node: PodHost.PodNode) => typeof files | undefined
}

const tidied = (files: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [tidy(path), text]))

const differentFiles = (
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
): ReadonlyArray<string> =>
  [...new Set([...Object.keys(expected), ...Object.keys(actual)])].sort().flatMap((path) => {
    const wanted = expected[path]
    const found = actual[path]
    if (wanted === undefined) return [`${path} should not be there: ${JSON.stringify(found)}`]
    if (found === undefined) return [`${path} is missing`]
    return sameToml(path, wanted, found)
  })

const differentOutcome = (expected: ExpectedStep, outcome: PodHost.StepOutcome): ReadonlyArray<string> => {
  if (expected.error === undefined) return "ok" in outcome ? [] : [`failed: ${outcome.said}`]
  if ("ok" in outcome) return [`expected ${expected.error}, but all went well`]
  return outcome.errors.includes(expected.error)
    ? []
    : [`expected ${expected.error}, got ${outcome.errors.join(", ")}: ${outcome.said}`]
}

/** The rules that a step needs to be as expected; `undefined` when none of them helps. */
const explain = (
  expected: Readonly<Record<string, string>>,
  actual: Readonly<Record<string, string>>,
  node: PodHost.PodNode,
  rules: ReadonlyArray<Rule>,
): ReadonlyArray<string> | undefined => {
  let files = expected
  const used: Array<string> = []
  for (const rule of rules) {
    if (differentFiles(files, actual).length === 0) break
    const changed = rule.apply(files, node)
    if (changed === undefined || differentFiles(files, changed).length === 0) continue
    files = changed
    used.push(rule.name)
  }
  return differentFiles(files, actual).length === 0 ? used : undefined
}

/** A section whose cases are steps on a node, with the rules by which ours may differ. */
export const hostCases =
  (rules: ReadonlyArray<Rule>): Vectors.Section =>
  (vector) =>
    Result.gen(function* () {
      const input = yield* Vectors.read(Input, vector.input)
      const expected = yield* Vectors.read(Expected, vector.expected)
      const node = {
        runtime: input.runtime,
        version: input.containerRuntimeVersion ?? undefined,
        env: input.env,
        files: input.filesBefore,
      }
      const host = yield* PodHost.make(node)
      const complaints: Array<string> = []
      const used = new Set<string>()
      if (expected.steps.length !== input.steps.length) complaints.push("expected has other steps than input")
      for (const [at, step] of input.steps.entries()) {
        const wanted = expected.steps[at]
        if (wanted === undefined) break
        const outcome = host.run(actions[step], { ...input.env, ...wanted.envOverride })
        complaints.push(...differentOutcome(wanted, outcome).map((line) => `${at + 1} ${step} ${line}`))
        const files = tidied(wanted.filesAfter)
        const actual = host.files()
        const names = explain(files, actual, node, rules)
        if (names === undefined) {
          complaints.push(...differentFiles(files, actual).map((line) => `${at + 1} ${step} ${line}`))
        }
        for (const name of names ?? []) used.add(name)
      }
      return yield* complaints.length > 0 ? Vectors.verdictOf(complaints) : Vectors.passedBut(...used)
    })
