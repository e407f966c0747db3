/**
 * Answers: what is at one path before and after? The inverse is the swap, a change of nothing is a no-op.
 */
import { Schema } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"

/** Before and after of one path. `before` is also the precondition under which the change may be made. */
export interface Change {
  /** Where, on the host. */
  readonly path: HostPath.HostPath
  /** What has to be there when the change is made. */
  readonly before: FileState.FileState
  /** What is there afterwards. */
  readonly after: FileState.FileState
}

/** Schema of a host path inside documents. */
export const PathSchema = Schema.String.pipe(
  Schema.refine((text): text is HostPath.HostPath => HostPath.make(text) === text, {
    expected: "an absolute host path without dots",
  }),
)

/** Schema of a change, for journals and tests. */
export const Change = Schema.Struct({
  path: PathSchema,
  before: FileState.FileState,
  after: FileState.FileState,
})

/** A change of `path` from `before` to `after`. */
export const make = (
  path: HostPath.HostPath,
  before: FileState.FileState,
  after: FileState.FileState,
): Change => ({
  path,
  before,
  after,
})

/** The change that takes this one back (law L8: twice gives the change itself). */
export const invert = (change: Change): Change => make(change.path, change.after, change.before)

/** Whether nothing would change. */
export const isNoop = (change: Change): boolean => FileState.equals(change.before, change.after)
