/** Answers: may a cleanup remove the tree under what runs from it? Source: decisions §1 step 0, §2. */
import * as InUse from "../decide/InUse.ts"
import type { PlanInput } from "./InstallPlan.ts"
import type { Ledger } from "./Ledger.ts"

/** The ledger names no handler any more once the configuration was taken back, and sandboxes outlive that. */
const verdictOf = ({ facts, settings }: PlanInput, ledger: Ledger): InUse.UseVerdict => {
  const { sandboxes, users } = facts.sight
  const handlers = [...ledger.handlers, ...settings.handlers.map(({ name }) => name)]
  return InUse.verdict({ users, sandboxes, handlers })
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
