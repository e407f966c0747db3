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

/** What `artifacts list` prints. */
export const ArtifactsSchema = headed("artifacts", {
  directory: Schema.String,
  archives: Schema.Array(
    Schema.Struct({
      component: Schema.String,
      /** Path relative to the artifact directory. */
      archive: Schema.String,
      bytes: Schema.Int,
      /** `null` where the archive does not say. */
      unpackedBytes: Schema.NullOr(Schema.Int),
      /** Parts that can be unpacked at the same time. */
      parts: Schema.Int,
      /** Why it could not be looked into. */
      problem: Schema.NullOr(Schema.String),
    }),
  ),
})

/** What `artifacts list COMPONENT` prints. */
export const ArchiveEntriesSchema = headed("archive-entries", {
  component: Schema.String,
  entries: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      type: Schema.Literals(["file", "link", "symlink", "directory", "other"]),
      mode: Schema.Int,
      size: Schema.Int,
      /** Target of a link, otherwise empty. */
      target: Schema.String,
    }),
  ),
})

/** What `artifacts verify` prints; `problem` tells why an archive must not be used. */
export const VerificationSchema = headed("verification", {
  directory: Schema.String,
  trust: Schema.Literals(["signed", "listed", "none"]),
  archives: Schema.Array(
    Schema.Struct({
      component: Schema.String,
      archive: Schema.String,
      sha256: Schema.NullOr(Schema.String),
      problem: Schema.NullOr(Schema.String),
    }),
  ),
  /** What checksums list besides. */
  files: Schema.Array(
    Schema.Struct({
      path: Schema.String,
      sha256: Schema.NullOr(Schema.String),
      problem: Schema.NullOr(Schema.String),
    }),
  ),
})

/** What `artifacts pack` prints. */
export const PackedSchema = headed("packed", {
  component: Schema.String,
  archive: Schema.String,
  entries: Schema.Int,
  /** Bytes of all files. */
  fileBytes: Schema.Int,
  /** Bytes of the archive. */
  bytes: Schema.Int,
  parts: Schema.Int,
  sha256: Schema.String,
})

/** What is printed instead when something is wrong; `report` is there when something had been done. */
export const ProblemsSchema = headed("problems", {
  /** What the program ends with. */
  exitStatus: Schema.Int,
  problems: Schema.Array(Problem.Problem),
  report: Schema.optionalKey(Report.Report),
})
