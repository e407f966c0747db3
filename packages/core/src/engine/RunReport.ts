/** Answers: how is a run told? Puts the outcomes of its stages together. */
import type { Confirmation } from "../decide/Confirmation.ts"
import type { Plan, StagePlan } from "../plan/Plan.ts"
import { summary } from "../plan/PlanDocument.ts"
import type { StageOutcome } from "./Apply.ts"
import type { Report } from "./Report.ts"

/** A stage as it was carried out. */
export interface Done {
  readonly stage: StagePlan
  readonly outcome: StageOutcome
  /** The restarts that its plan asks for. */
  readonly restarts: Plan["restarts"]
  /** What its plan tells, which may have been made anew since the first one. */
  readonly notices: Plan["notices"]
}

const notReached = (planned: StagePlan): Report["stages"][number] => ({
  stage: planned.stage,
  outcome: "not-reached",
  steps: planned.steps.map(({ action, because }) => ({
    summary: summary(action),
    because,
    outcome: "not-reached",
    seconds: 0,
  })),
})

/** What the plan says already is not said again by the step that it is about. */
const distinct = (notices: Report["notices"]): Report["notices"] => [
  ...new Map(notices.map((notice) => [JSON.stringify(notice), notice])).values(),
]

/** Stages that ask for restarts. */
const restarting: ReadonlySet<string> = new Set(["artifacts", "cri", "revert-cri"])

/** Restarts that are due: a configuration that was taken back is what the runtime has loaded already. */
const restartsOf = (done: ReadonlyArray<Done>): Plan["restarts"] =>
  done.flatMap((d) => (restarting.has(d.stage.stage) && d.outcome.outcome !== "undone" ? d.restarts : []))

/** A reset writes no file that a restart would load; the restart is all that it is about. */
const restartsOfReset = (first: Plan, failure: object | undefined): Plan["restarts"] =>
  failure === undefined ? first.restarts : []

/** The report of a run, of which `failure` is the first thing that went wrong. */
export const make = (
  first: Plan,
  done: ReadonlyArray<Done>,
  failure: { readonly message: string } | undefined,
  confirmed: Confirmation | null,
): Report => {
  const failures = done.flatMap((d) => d.outcome.failures.map((f) => f.message))
  const known =
    failure === undefined || failures.includes(failure.message) ? failures : [...failures, failure.message]
  return {
    action: first.action,
    instance: first.instance,
    runtime: first.runtime,
    outcome:
      failure === undefined ? "done" : done.some((d) => d.outcome.incomplete) ? "incomplete" : "failed",
    handlers: first.handlers,
    stages: first.stages.map((planned) => {
      const found = done.find((d) => d.stage.stage === planned.stage)?.outcome
      return found === undefined
        ? notReached(planned)
        : { stage: found.stage, outcome: found.outcome, steps: found.steps }
    }),
    restarts: first.action === "reset" ? restartsOfReset(first, failure) : restartsOf(done),
    left: done.flatMap((d) => d.outcome.left),
    notices: distinct([...first.notices, ...done.flatMap((d) => [...d.notices, ...d.outcome.notices])]),
    failures: known,
    confirmed,
  }
}
