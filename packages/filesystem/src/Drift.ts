/** Answers: which of the paths that we own are not as we left them? */
import { type HostFiles, type HostPath, HostError, type Ledger, OwnedEntry } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { DirectoryCursor, nameOf, parentOf } from "./DirectoryCursor.ts"
import { hasCode, reasonOf } from "./Failure.ts"
import { fingerprintAt, metadataAt } from "./Observation.ts"

const failed = (cause: unknown): HostFiles.Fingerprint =>
  hasCode(cause, "ENOENT", "ENOTDIR")
    ? { _tag: "Absent" }
    : { _tag: "Unreadable", detail: HostError.describe(reasonOf(cause)) }

/** The entries below a directory that differ; sorted by path, so that each directory is opened once. */
export const drift = (
  host: Confinement,
  root: HostPath.HostPath,
  entries: ReadonlyArray<Ledger.OwnedEntry>,
  depth: OwnedEntry.Depth,
): ReadonlyArray<HostFiles.DriftedEntry> => {
  const sorted = entries.toSorted((a, b) => (a.path < b.path ? -1 : 1))
  try {
    return host.inside(root, (directory) => {
      const cursor = new DirectoryCursor(directory)
      try {
        return sorted.flatMap((entry) => {
          const found = at(cursor, entry, depth)
          return OwnedEntry.matches(entry, found, depth) ? [] : [{ entry, found }]
        })
      } finally {
        cursor.close()
      }
    })
  } catch (cause) {
    const found = failed(cause)
    return sorted.map((entry) => ({ entry, found }))
  }
}

const at = (
  cursor: DirectoryCursor,
  entry: Ledger.OwnedEntry,
  depth: OwnedEntry.Depth,
): HostFiles.Fingerprint => {
  try {
    const place = cursor.enter(parentOf(entry.path)).at(nameOf(entry.path))
    // A file of another size need not be read to know that it differs.
    const metadata = metadataAt(place)
    const sameSize = metadata._tag === "File" && entry.type === "file" && metadata.size === entry.size
    return depth === "contents" && sameSize ? fingerprintAt(place) : metadata
  } catch (cause) {
    return failed(cause)
  }
}
