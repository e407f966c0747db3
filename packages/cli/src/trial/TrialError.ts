/** Answers: what kept the trial itself, not the actions that it shows, from going on? */
import { Data } from "effect"

/** The sample tree could not be made, read or removed; most often the disk is full. */
export class TrialError extends Data.TaggedError("TrialError")<{
  /** What was being done, e.g. `writing the sample host`. */
  readonly doing: string
  /** What the system said. */
  readonly cause: unknown
}> {
  override get message(): string {
    const why = this.cause instanceof Error ? this.cause.message : String(this.cause)
    return `The trial stopped while ${this.doing}: ${why}`
  }
}
