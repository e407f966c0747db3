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

const ends: Readonly<Record<string, string>> = {
  failed: "what it runs did not come up, or ended with an error",
  timeout: "it took longer than the unit itself allows (TimeoutStartSec, TimeoutStopSec)",
  dependency: "a unit that it requires is not up",
  canceled: "another job took its place, so somebody else is at work on this unit; try again",
  assert: "an assertion in its unit file does not hold",
  unsupported: "this kind of unit is not supported on this host",
  collected: "the unit went away meanwhile",
  once: "it runs once in a boot and has run",
}

/** A result that is no success, as a clause for people. */
export const describe = (result: string): string => {
  const meaning = ends[result]
  return `its job ended with "${result}"${meaning === undefined ? "" : `: ${meaning}`}`
}

/** Where people find out more about a unit, as a clause. */
export const whereToLook = (unit: string): string => `see journalctl -u ${unit}`
