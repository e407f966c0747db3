/** Answers: what is to be done with whose snapshots? The word and flags behind `snapshots`, decoded. */
import type { Problem, Snapshots } from "@kata-deploy/core"
import type { Arguments } from "./Arguments.ts"
import type { Conduct } from "./Conduct.ts"

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

/** Decodes the job; `undefined` where a problem forbids it. */
export const decode = (
  { given }: Arguments,
  operand: string | undefined,
  conduct: Conduct,
  problems: Array<Problem.Problem>,
): SnapshotsWish | undefined => {
  const snapshotter = given.get("snapshotter")?.trim() ?? ""
  if (snapshotter === "") problems.push(noSnapshotter)
  if (operand === undefined || snapshotter === "") return undefined
  const action = operand as SnapshotsWish["action"]
  const namespace = given.get("namespace")?.trim()
  return {
    action,
    snapshotter,
    namespace: namespace === "" ? undefined : namespace,
    // Whoever says remove means it, unless it says otherwise; repair only says what it would do.
    apply: (given.get("apply") ?? String(action === "remove")) === "true" ? "apply" : "show",
    lockSeconds: conduct.lockSeconds ?? 300,
  }
}
