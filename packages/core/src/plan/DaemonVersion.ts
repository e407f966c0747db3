/**
 * Answers: is a plan that was made for the operator's version of containerd also the one for the daemon that runs? Many
 * decisions go by the minor release (snapshotters of handlers from 1.7 on, `conf.d` from 2.2 on, erofs, what migrations
 * lose up to 2.2), each under conditions of its own. So not the numbers are compared, but the plans.
 */
import { Result } from "effect"
import * as RuntimeFit from "../decide/hostCheck/RuntimeFit.ts"
import { type DecisionError, PrerequisiteError } from "../input/Problem.ts"
import type { PlanInput } from "./InstallPlan.ts"
import type { Plan } from "./Plan.ts"

type Made = Result.Result<Plan, DecisionError>

/** What is done, or what keeps it from being done. */
const essence = (made: Made): string =>
  JSON.stringify(Result.isSuccess(made) ? made.success.stages : made.failure.problems)

/**
 * The plan, made for the daemon that runs; refused where that is another one than for the version that the operator
 * names. Where the daemon's own version is not known, the operator's word is all there is.
 */
export const reconciled = (input: PlanInput, plan: (input: PlanInput) => Made): Made => {
  const made = plan(input)
  const { facts, settings } = input
  const other = RuntimeFit.otherMinor(settings, facts.sight.runtimeSays)
  if (other === undefined || (Result.isFailure(made) && made.failure._tag === "SettingsError")) return made
  const real = plan({ ...input, settings: { ...settings, containerRuntimeVersion: other.version } })
  return essence(real) === essence(made)
    ? real
    : Result.fail(new PrerequisiteError({ problems: [other.problem] }))
}
