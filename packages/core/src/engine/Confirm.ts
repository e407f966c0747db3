/** Observes again after everything was applied, and judges. */
import { Effect } from "effect"
import * as Confirmation from "../decide/Confirmation.ts"
import type { Testimony } from "../decide/RuntimeEvidence.ts"
import * as HostPath from "../model/HostPath.ts"
import { puts, type StagePlan } from "../plan/Plan.ts"
import { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { NodeApi } from "../ports/NodeApi.ts"

/** Looks at every path that the stages wrote and at the node's handlers. */
export const confirm = Effect.fn("Confirm.confirm")(function* (
  stages: ReadonlyArray<StagePlan>,
  written: ReadonlyArray<string>,
  testimony: Testimony | undefined,
): Effect.fn.Return<Confirmation.Confirmation, never, HostFiles | NodeApi> {
  const files = yield* HostFiles
  const api = yield* NodeApi
  const changes = Confirmation.finalChanges(puts({ stages: [...stages] }))
  const paths = yield* Effect.forEach(
    changes,
    (change) => Effect.map(files.look(change.path), (found) => ({ change, found })),
    { concurrency: 8 },
  )
  return Confirmation.judge({ written, node: yield* api.node, testimony, paths })
})

/** What the judgement makes of the run: paths that did not stay, or a node that serves none of our handlers. */
export const failureOf = (confirmed: Confirmation.Confirmation): HostError | undefined => {
  const [path] = confirmed.overwritten
  if (path !== undefined) {
    return new HostError({
      operation: "confirm",
      path: HostPath.make(path),
      reason: { _tag: "Drifted", expected: "what we wrote", found: "something else" },
    })
  }
  if (confirmed.handlers !== "not-served") return undefined
  return new HostError({
    operation: `confirm the handlers ${confirmed.missing.join(", ")}`,
    path: undefined,
    reason: {
      _tag: "Refused",
      detail: "the node serves none of them, so its runtime did not take the configuration",
    },
  })
}
