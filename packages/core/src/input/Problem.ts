/**
 * Answers: what is wrong, where, why does it matter, what is to be done? Problems are collected, never thrown one
 * by one; the command line prints them and picks the exit status (decisions §12).
 */
import { Data, Schema } from "effect"

/** One thing that keeps us from going on, as the `problems` document prints it. */
export const Problem = Schema.Struct({
  /** Stable name of the kind of problem, e.g. `E_UNKNOWN_SHIM`. */
  code: Schema.String,
  /** The environment variable concerned. */
  setting: Schema.optionalKey(Schema.String),
  /** The offending value, secrets masked. */
  value: Schema.optionalKey(Schema.String),
  /** The host path concerned. */
  path: Schema.optionalKey(Schema.String),
  /** What is wrong and why it matters, in full sentences. */
  message: Schema.String,
  /** What to do about it. */
  remedy: Schema.String,
}).annotate({ identifier: "Problem" })
/** One thing that keeps us from going on. */
export type Problem = typeof Problem.Type

/** Settings or usage are wrong; nothing was touched (exit status 2). */
export class SettingsError extends Data.TaggedError("SettingsError")<{
  readonly problems: ReadonlyArray<Problem>
}> {
  override get message(): string {
    return this.problems.map((p) => p.message).join("\n")
  }
}

/** The node does not meet what the plan needs; nothing was touched (exit status 3). */
export class PrerequisiteError extends Data.TaggedError("PrerequisiteError")<{
  readonly problems: ReadonlyArray<Problem>
}> {
  override get message(): string {
    return this.problems.map((p) => p.message).join("\n")
  }
}

/** The node is no longer what a reviewed plan was made for; nothing was touched (exit status 4). */
export class PlanDriftError extends Data.TaggedError("PlanDriftError")<{
  readonly problems: ReadonlyArray<Problem>
}> {
  override get message(): string {
    return this.problems.map((p) => p.message).join("\n")
  }
}

/** What a destructive action relies on was asked for and could not be seen; nothing was touched (exit status 1). */
export class UnseenError extends Data.TaggedError("UnseenError")<{
  readonly problems: ReadonlyArray<Problem>
}> {
  override get message(): string {
    return this.problems.map((p) => p.message).join("\n")
  }
}

/** Why no plan could be made: the settings are wrong, the node is not as it has to be, or could not be seen. */
export type DecisionError = SettingsError | PrerequisiteError | UnseenError

/** Something worth telling that keeps nothing from being done. */
export const Notice = Schema.Struct({
  /** Stable name of the kind of notice, e.g. `containerd-1.6-ignores-runtime-path`. */
  code: Schema.String,
  /** `warning` may hurt later, `info` explains an assumption. */
  severity: Schema.Literals(["warning", "info"]),
  /** What it is about, in full sentences. */
  message: Schema.String,
  /** What to do about it, if anything. */
  remedy: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "Notice" })
/** Something worth telling that keeps nothing from being done. */
export type Notice = typeof Notice.Type
