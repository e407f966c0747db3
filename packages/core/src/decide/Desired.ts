/**
 * Answers: what should be on the host? One entry for each path that we want to be in a certain state, with the
 * reason. Reconciling compares it with what is there and with what we wrote last (`plan/Reconcile.ts`).
 */
import type * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Edit } from "../plan/Ledger.ts"

/** One path and what it should be. */
export interface Desired {
  readonly path: HostPath
  /** What should be there. */
  readonly state: FileState.FileState
  /** Why, as a clause for people. */
  readonly because: string
  /** Set where the file belongs to somebody else and only this edit in it is ours. */
  readonly edit: Edit | undefined
}

/** A path that is ours as a whole. */
export const make = (path: HostPath, state: FileState.FileState, because: string): Desired => ({
  path,
  state,
  because,
  edit: undefined,
})

/** A file of somebody else with an edit of ours in it. */
export const edited = (edit: Edit, state: FileState.FileState, because: string): Desired => ({
  path: edit.path,
  state,
  because,
  edit,
})
