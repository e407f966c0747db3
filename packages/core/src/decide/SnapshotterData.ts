/**
 * Answers: may the data directory of a snapshotter go with it? Only when that is asked for and nothing of containerd
 * refers to it any more; else the next pull of the same layers would fail for good. Source: spec 07 §3; facts
 * containerd §9; decisions §3.
 */
import type { Notice } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { RemovalPlan } from "./SnapshotRemoval.ts"
import type { RepairPlan } from "./SnapshotRepair.ts"

/** What the operator asks for (`--nydus-data`). */
export type DataWish = "keep" | "purge"

/** What becomes of the directory. */
export type DataDisposition =
  | { readonly _tag: "Keep"; readonly notices: ReadonlyArray<Notice> }
  | { readonly _tag: "Purge"; readonly directory: HostPath }

/** Both looks at containerd *after* snapshots were removed: what is left that can be seen, and stale records. */
export interface AfterRemoval {
  readonly left: RemovalPlan
  readonly records: RepairPlan
}

const inUse = ({ namespaces }: RemovalPlan): ReadonlyArray<string> =>
  namespaces.flatMap(({ blocked }) =>
    blocked.flatMap(({ because }) => (because._tag === "InUse" ? because.by : [])),
  )

/** What is in the way of purging, as a clause; `undefined` when nothing is. */
const obstacle = ({ left, records }: AfterRemoval): string | undefined => {
  const users = [...new Set(inUse(left))].sort()
  if (users.length > 0) return `it is in use by ${users.join(", ")}`
  const unseen = left.namespaces.flatMap(({ unseen }) => (unseen === undefined ? [] : [unseen]))
  if (unseen.length > 0) return `its snapshots could not be listed (${unseen.join("; ")})`
  const count = left.namespaces.reduce((sum, { blocked, order }) => sum + blocked.length + order.length, 0)
  if (count > 0) return `${count} of its snapshots are still there`
  const doubts = records.namespaces.flatMap((namespace) => namespace.doubts)
  if (records.outcome === "unknown")
    return `it is not known whether containerd still has records of it (${doubts.join("; ")})`
  return records.outcome === "clean" ? undefined : "containerd still has records of snapshots in it"
}

/** Decides on the directory; what keeps it against the operator's wish is a warning. */
export const disposition = (wish: DataWish, directory: HostPath, after: AfterRemoval): DataDisposition => {
  if (wish === "keep") return { _tag: "Keep", notices: [] }
  const why = obstacle(after)
  if (why === undefined) return { _tag: "Purge", directory }
  return {
    _tag: "Keep",
    notices: [
      {
        code: "snapshotter-data-kept",
        severity: "warning",
        message: `${directory} is kept, because ${why}. Without its data, pulls of the same layers would fail with "already exists".`,
        remedy: "Remove what uses it and the images that were pulled with it, and purge once more.",
      },
    ],
  }
}
