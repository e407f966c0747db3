/** Answers: what is to be done with whose snapshots? The word and flags behind `snapshots`, decoded. */
import type { Problem, Snapshots } from "@kata-deploy/core"
import type { Surroundings } from "../Surroundings.ts"
import type { Arguments } from "./Arguments.ts"
import type { Conduct } from "./Conduct.ts"
import * as GivenValue from "./GivenValue.ts"

/** What is asked for. */
export type SnapshotsWish = Pick<
  Snapshots.SnapshotsRequest,
  "action" | "snapshotter" | "namespace" | "apply" | "lockSeconds"
>

const noSnapshotter: Problem.Problem = {
  code: "E_NO_SNAPSHOTTER",
  setting: "--snapshotter",
  message: "snapshots needs to be told whose snapshots.",
  remedy: "Name one with --snapshotter, e.g. nydus; ctr plugins ls lists those of a node.",
}

const onlyShown: Problem.Problem = {
  code: "E_FLAGS_CONTRADICT",
  setting: "--apply",
  message: "snapshots plan only shows, so --apply has no effect with it.",
  remedy: "Leave it out, or say snapshots remove to have the plan carried out.",
}

/** Decodes the job; `undefined` where a problem forbids it. */
export const decode = (
  args: Arguments,
  operand: string | undefined,
  conduct: Conduct,
  surroundings: Surroundings,
  problems: Array<Problem.Problem>,
): SnapshotsWish | undefined => {
  const { given, rejected } = args
  // A blank namespace may be a variable of a script that was never set: it does not stand for all of them.
  const find = GivenValue.finder(args, surroundings, problems)
  const namespace = find("namespace")?.text
  const snapshotter = find("snapshotter")?.text
  if (!given.has("snapshotter") && !rejected.has("snapshotter")) problems.push(noSnapshotter)
  if (operand === "plan" && given.get("apply") === "true") problems.push(onlyShown)
  if (operand === undefined || snapshotter === undefined) return undefined
  const action = operand as SnapshotsWish["action"]
  return {
    action,
    snapshotter,
    namespace,
    // Whoever says remove means it, unless it says otherwise; repair only says what it would do.
    apply: (given.get("apply") ?? String(action === "remove")) === "true" ? "apply" : "show",
    lockSeconds: conduct.lockSeconds ?? 300,
  }
}
