/** Answers: how did a job of systemd end? Signals of other jobs arrive on the same connection. Source: spec 09 §10. */

/** A signal as far as it says something about a job. */
export interface JobSignal {
  /** The signal's name. */
  readonly member: string
  /** Object path of the job that it is about. */
  readonly job: string
  /** What became of the job; of meaning in `JobRemoved` only. */
  readonly result: string
}

/** How a job ended, or that it has not. */
export type JobOutcome =
  | { readonly _tag: "Done" }
  | { readonly _tag: "Failed"; readonly result: string }
  | { readonly _tag: "Running" }

/** Seconds that a job gets; silence in between is no error. */
export const jobSeconds = 300

/** The outcome of a job after these signals. A job that there was nothing to do for is skipped, which is success. */
export const outcome = (job: string, signals: ReadonlyArray<JobSignal>): JobOutcome => {
  const removed = signals.find((signal) => signal.member === "JobRemoved" && signal.job === job)
  if (removed === undefined) return { _tag: "Running" }
  return removed.result === "done" || removed.result === "skipped"
    ? { _tag: "Done" }
    : { _tag: "Failed", result: removed.result }
}
