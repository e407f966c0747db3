/** Answers: what is said when some paths of a tree could not be removed? One error for all, and each path with its reason. */
import { describe, HostError } from "../ports/HostError.ts"
import type { Removal } from "../ports/HostFiles.ts"

/** The failure that a removal comes to; `undefined` when everything went that should. */
export const failureOf = ({ failed }: Pick<Removal, "failed">): HostError | undefined => {
  const [first] = failed
  if (first === undefined) return undefined
  const operation = failed.length === 1 ? "remove" : `remove ${failed.length} paths, the first of which is`
  return new HostError({ operation, path: first.path, reason: first.reason })
}

/** Everything that is still there after a removal, for the report. */
export const leftBy = ({ failed, left }: Pick<Removal, "failed" | "left">): Removal["left"] => [
  ...left,
  ...failed.map(({ path, reason }) => ({ path, why: `could not be removed: ${describe(reason)}` })),
]
