/**
 * Answers: what was done, what was undone, what is left? One report for each run, printed at its end.
 */
import { Data, Schema } from "effect"
import { Confirmation } from "../decide/Confirmation.ts"
import { type DecisionError, Notice, type PlanDriftError, type Problem } from "../input/Problem.ts"
import { ActionName, Restart, StageName } from "../plan/Plan.ts"
import type { ClusterError } from "../ports/NodeApi.ts"
import type { HostError } from "../ports/HostError.ts"

/** What became of one step. */
export const StepReport = Schema.Struct({
  /** What the step does, e.g. `write /etc/containerd/config.toml`. */
  summary: Schema.String,
  because: Schema.String,
  outcome: Schema.Literals(["changed", "unchanged", "failed", "undone", "not-reached"]),
  /** How long it took. */
  seconds: Schema.Number,
})

/** What a run did. */
export const Report = Schema.Struct({
  action: ActionName,
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
  /** The CRI runtime that was configured. */
  runtime: Schema.String,
  /** `done`; `failed` with everything of the failed stage taken back; `incomplete` when a person has to look. */
  outcome: Schema.Literals(["done", "failed", "incomplete"]),
  handlers: Schema.Array(Schema.String),
  stages: Schema.Array(
    Schema.Struct({
      stage: StageName,
      outcome: Schema.Literals(["done", "failed", "undone", "not-reached"]),
      steps: Schema.Array(StepReport),
    }),
  ),
  restarts: Schema.Array(Restart),
  /** What is still on the host on purpose or because it could not be removed, with the reason. */
  left: Schema.Array(Schema.Struct({ path: Schema.String, why: Schema.String })),
  notices: Schema.Array(Notice),
  /** Messages of what failed, in order. */
  failures: Schema.Array(Schema.String),
  /** What was seen afterwards; `null` when the run failed before. */
  confirmed: Schema.NullOr(Confirmation),
}).annotate({ identifier: "Report" })
/** What a run did. */
export type Report = typeof Report.Type

/** A plan could not be carried out. The report says what was undone (`outcome: failed`, exit 1) or not (exit 6). */
export class ApplyError extends Data.TaggedError("ApplyError")<{
  readonly report: Report
  readonly cause: HostError | ClusterError | DecisionError | PlanDriftError
}> {
  override get message(): string {
    return this.cause.message
  }
}

/**
 * Kata sandboxes run from what would be removed; only the labels were demoted (exit status 5). Where that failed, too,
 * the problems say so, and the report has it.
 */
export class InUseError extends Data.TaggedError("InUseError")<{
  readonly problems: ReadonlyArray<Problem>
  readonly report?: Report
}> {
  override get message(): string {
    return this.problems.map((p) => p.message).join("\n")
  }
}
