/** Answers: what is said when some paths of a tree could not be removed? One error for all, and each path with its reason. */
import * as HostPath from "../model/HostPath.ts"
import type { Ledger } from "../plan/Ledger.ts"
import { describe, HostError } from "../ports/HostError.ts"
import { notOurs, type Removal } from "../ports/HostFiles.ts"
import type { StageToApply } from "./StageState.ts"

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

const pathsIn = ({ components, files }: Ledger, installDir: HostPath.HostPath) => [
  ...components.flatMap(({ entries }) => entries.map(({ path }) => HostPath.join(installDir, path))),
  ...files.map(({ path }) => path),
]

/** Paths that look like somebody else's and are not: something of ours stays in them, or they go later when empty. */
export const oursAmong = (
  left: Removal["left"],
  { installDir, steps }: Pick<StageToApply, "installDir" | "steps">,
): ReadonlySet<HostPath.HostPath> => {
  const foreign = left.filter(({ why }) => why === notOurs)
  if (foreign.length === 0) return new Set()
  const goes = steps.flatMap(({ action }) => (action._tag === "Prune" ? action.directories : []))
  const stays = steps.flatMap(({ action }) =>
    action._tag === "Record" && action.ledger !== null ? pathsIn(action.ledger, installDir) : [],
  )
  return new Set(
    foreign.flatMap(({ path }) =>
      goes.includes(path) || stays.some((one) => HostPath.isWithin(one, path)) ? [path] : [],
    ),
  )
}
