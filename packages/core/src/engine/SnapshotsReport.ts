/**
 * Answers: what is said of the snapshots of a snapshotter? The document of `snapshots plan`, `remove` and `repair`:
 * what was planned, and what became of it.
 */
import { Schema } from "effect"

/** What became of a plan that was carried out. */
export const Figures = Schema.Struct({
  removed: Schema.Int,
  /** Gone already when their turn came, mostly by the garbage collector; as good as removed. */
  gone: Schema.Int,
  failed: Schema.Array(Schema.Struct({ key: Schema.String, why: Schema.String })),
  /** Planned, and not tried because one that lies on them is still there, or because the work stopped before. */
  leftOut: Schema.Array(Schema.String),
  /** Labels of images that were taken off, so that the next pull unpacks them anew. */
  unlabelled: Schema.Int,
})
/** What became of a plan that was carried out. */
export type Figures = typeof Figures.Type

/** One namespace of containerd. */
export const NamespaceReport = Schema.Struct({
  namespace: Schema.String,
  /** Keys that go, children before parents. */
  order: Schema.Array(Schema.String),
  /** Keys that stay, each with the reason as a clause. */
  blocked: Schema.Array(Schema.Struct({ key: Schema.String, because: Schema.String })),
  /** Names of the images that are unpacked anew with their next use. */
  images: Schema.Array(Schema.String),
  /** What could not be seen, as clauses. */
  doubts: Schema.Array(Schema.String),
  outcome: Schema.Literals(["clean", "repairable", "blocked", "unknown"]),
  /** `null` where nothing was carried out. */
  figures: Schema.NullOr(Figures),
}).annotate({ identifier: "NamespaceReport" })
/** One namespace of containerd. */
export type NamespaceReport = typeof NamespaceReport.Type

/** What is asked for. */
export const SnapshotsAction = Schema.Literals(["plan", "remove", "repair"])
/** What is asked for. */
export type SnapshotsAction = typeof SnapshotsAction.Type

/** The whole report. */
export const SnapshotsReport = Schema.Struct({
  action: SnapshotsAction,
  /** Its name in containerd. */
  snapshotter: Schema.String,
  applied: Schema.Boolean,
  namespaces: Schema.Array(NamespaceReport),
  /** Snapshots and records that are still there when it is over; `null` where that is not known or nothing was done. */
  left: Schema.NullOr(Schema.Int),
  /** Why the work stopped before its end, as a clause; left out where it did not. */
  stopped: Schema.optionalKey(Schema.String),
}).annotate({ identifier: "SnapshotsReport" })
/** The whole report. */
export type SnapshotsReport = typeof SnapshotsReport.Type
