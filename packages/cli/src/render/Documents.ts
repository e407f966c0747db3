/**
 * Answers: what do programs read? Documents with `schemaVersion` and `kind`, secrets masked, one per run.
 * Source: decisions §13.
 */
import {
  Masking,
  type ModeReport,
  type Plan,
  PlanDocument,
  type Problem,
  type Report,
  type SnapshotsReport,
  type Status,
} from "@kata-deploy/core"
import * as DiffText from "./DiffText.ts"
import * as MoreProblems from "./MoreProblems.ts"

const document = (content: object): string => `${JSON.stringify(content, null, 2)}\n`

/** The plan, with whole diffs. */
export const plan = (plan: Plan.Plan): string =>
  document(Masking.maskTexts(PlanDocument.encode(plan, DiffText.unified)))

/** What a run did. */
export const report = (report: Report.Report): string =>
  document({ schemaVersion: 1, kind: "report", ...Masking.maskTexts(report) })

/** What is installed. */
export const status = (status: Status.Status): string =>
  document({ schemaVersion: 1, kind: "status", ...Masking.maskTexts(status) })

/** What is planned for snapshots, and what became of it. */
export const snapshots = (report: SnapshotsReport.SnapshotsReport): string =>
  document({ schemaVersion: 1, kind: "snapshots", ...Masking.maskTexts(report) })

/** What a change of mode comes to, and what became of it. */
export const modeChange = (change: ModeReport.ModeReport): string =>
  document({ schemaVersion: 1, kind: "mode-change", ...Masking.maskTexts(change) })

/** What went wrong, many problems of one setting cut short; `report` tells what a run did before it did. */
export const problems = (
  problems: ReadonlyArray<Problem.Problem>,
  exitStatus: number,
  report?: Report.Report,
): string =>
  document({
    schemaVersion: 1,
    kind: "problems",
    exitStatus,
    problems: Masking.maskTexts(MoreProblems.limited(problems)),
    ...(report === undefined ? {} : { report: Masking.maskTexts(report) }),
  })
