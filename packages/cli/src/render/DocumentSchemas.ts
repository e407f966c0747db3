/** Answers: what shape has each document that programs read? One schema for each kind; decisions §13. */
import { ModeReport, PlanDocument, Problem, Report, SnapshotsReport, Status } from "@kata-deploy/core"
import { Schema } from "effect"

const headed = <Kind extends string, Fields extends Schema.Struct.Fields>(kind: Kind, fields: Fields) =>
  Schema.Struct({ schemaVersion: Schema.Literal(1), kind: Schema.Literal(kind), ...fields })

/** What `plan --output json` prints. */
export const PlanSchema = PlanDocument.PlanDocument

/** What `install` and `cleanup` print. */
export const ReportSchema = headed("report", Report.Report.fields)

/** What `status` prints. */
export const StatusSchema = headed("status", Status.Status.fields)

/** What `snapshots` prints. */
export const SnapshotsSchema = headed("snapshots", SnapshotsReport.SnapshotsReport.fields)

/** What `snapshotter set-mode` prints. */
export const ModeChangeSchema = headed("mode-change", ModeReport.ModeReport.fields)

/** What is printed instead when something is wrong; `report` is there when something had been done. */
export const ProblemsSchema = headed("problems", {
  /** What the program ends with. */
  exitStatus: Schema.Int,
  problems: Schema.Array(Problem.Problem),
  report: Schema.optionalKey(Report.Report),
})
