/** Answers: may a cleanup remove the tree under what runs from it? Source: decisions §1 step 0, §2. */
import * as InUse from "../decide/InUse.ts"
import * as Fact from "../input/Fact.ts"
import type * as FactsOf from "../input/Facts.ts"
import type { TreeUser } from "../ports/HostSight.ts"
import type { PlanInput } from "./InstallPlan.ts"
import type { Ledger } from "./Ledger.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** The ledger names no handler any more once the configuration was taken back, and sandboxes outlive that. */
const verdictOf = (input: PlanInput, ledger: Ledger): InUse.UseVerdict => {
  const { facts, settings } = input
  const { sandboxes } = facts.sight
  const handlers = [...ledger.handlers, ...settings.handlers.map(({ name }) => name)]
  return InUse.verdict({ users: othersOf(input, ledger), sandboxes, handlers })
}

/** Who uses the tree beside the snapshotters of ours, which run out of it and are stopped by the cleanup itself. */
const othersOf = ({ facts, settings }: PlanInput, { files }: Ledger): FactsOf.SightFacts["users"] => {
  const { users } = facts.sight
  if (users._tag === "Unknown") return users
  const { stopped } = SnapshotterSteps.takeDown(facts, files, settings.instance)
  const isStopped = ({ program, sandbox }: TreeUser): boolean =>
    sandbox === undefined && stopped.some((directory) => program.startsWith(`${directory}/`))
  return Fact.known(users.value.filter((user) => !isStopped(user)))
}

/** What to do about a removal. */
export const guard = (input: PlanInput, ledger: Ledger): InUse.Guard =>
  InUse.guard(input.settings.instance.installDir, verdictOf(input, ledger), input.whenInUse ?? "refuse")

/** The pods (or sandboxes) that run from the tree; `null` when they could not be looked at. */
export const sandboxes = (input: PlanInput, ledger: Ledger): ReadonlyArray<string> | null => {
  const seen = verdictOf(input, ledger)
  if (seen._tag === "CouldNotSee") return null
  return seen._tag === "Free" ? [] : seen.sandboxes.map(({ id, pod }) => pod ?? id)
}
