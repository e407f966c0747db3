/**
 * Answers: with which number does the program end? Source: cli.md "Exit status", decisions §12.
 */
import type { HostError, NodeApi, Problem, Report, SnapshotsReport, Status } from "@kata-deploy/core"

/** Everything that an action on a node can fail with. */
export type NodeFailure =
  | Problem.SettingsError
  | Problem.PrerequisiteError
  | Problem.UnseenError
  | Problem.PlanDriftError
  | HostError.HostError
  | NodeApi.ClusterError
  | Report.ApplyError
  | Report.InUseError

/** Usage or settings are wrong; nothing was touched. */
export const wrongUsage = 2

/** The node does not meet the prerequisites; nothing was touched, or all of it was taken back. */
export const prerequisites = 3

/** Something was found that is not as it was left. */
export const drift = 4

/** Kata sandboxes run from what would be removed. */
export const inUse = 5

/** The status of a run's outcome: taken back, or in need of a person. */
export const ofReport = ({ outcome }: Report.Report): number =>
  outcome === "done" ? 0 : outcome === "failed" ? 1 : 6

/**
 * Files of somebody else that only unpacking found are refused like those that the plan sees: everything of the stage
 * was taken back, and nothing helps but to move them away. Source: decisions §12.
 */
const isPathTaken = ({ cause, report }: Report.ApplyError): boolean =>
  report.outcome === "failed" && cause._tag === "HostError" && cause.reason._tag === "Taken"

/** The status of a failure. */
export const ofFailure = (failure: NodeFailure): number => {
  switch (failure._tag) {
    case "SettingsError":
      return wrongUsage
    case "PrerequisiteError":
      return prerequisites
    case "InUseError":
      return inUse
    case "PlanDriftError":
      return drift
    case "ApplyError":
      return isPathTaken(failure) ? prerequisites : ofReport(failure.report) || 1
    case "HostError":
      // While nothing is written yet, what must not be read or written is a prerequisite.
      return failure.reason._tag === "Denied" || failure.reason._tag === "ReadOnly" ? prerequisites : 1
    case "UnseenError":
    case "ClusterError":
      return 1
  }
}

/** The status of a plan that was shown; `whenChanges` is 10 with `--detailed-exitcode`. */
export const ofPlan = (plan: "changes" | "no-changes", whenChanges: number): number =>
  plan === "changes" ? whenChanges : 0

/** The status of work on snapshots, or of its plan: what failed or could not be seen, and what is in use. */
export const ofSnapshots = ({ applied, namespaces, stopped }: SnapshotsReport.SnapshotsReport): number => {
  const failed = namespaces.some(({ figures, outcome }) => outcome === "unknown" || figures?.failed.length)
  if (failed || stopped !== undefined) return 1
  // A plan only shows what is in use (decisions §12).
  return applied && namespaces.some(({ blocked }) => blocked.length > 0) ? inUse : 0
}

/** The status of what is installed: drift is worth a number of its own. */
export const ofStatus = (status: Status.Status): number =>
  status.instances.some((instance) => instance.drift.length > 0) ? drift : 0
