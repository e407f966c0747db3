/** Answers: which of the paths that we own are not as we left them, and what are their times? */
import fs from "node:fs"
import { type HostFiles, type HostPath, HostError, type Ledger, OwnedEntry } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { DirectoryCursor, nameOf, parentOf } from "./DirectoryCursor.ts"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import { hasCode, reasonOf } from "./Failure.ts"
import { fingerprintAt, metadataAt, timesOf } from "./Observation.ts"

type Entries = ReadonlyArray<Ledger.OwnedEntry>

const failed = (cause: unknown): HostFiles.Fingerprint =>
  hasCode(cause, "ENOENT", "ENOTDIR")
    ? { _tag: "Absent" }
    : { _tag: "Unreadable", detail: HostError.describe(reasonOf(cause)) }

/** So that each directory is opened once. */
const byPath = (a: Ledger.OwnedEntry, b: Ledger.OwnedEntry): number => (a.path < b.path ? -1 : 1)

/** The entries below a directory that differ, and those of which only the times do. */
export const drift = (
  host: Confinement,
  root: HostPath.HostPath,
  entries: Entries,
  depth: OwnedEntry.Depth,
): HostFiles.Comparison => {
  const sorted = entries.toSorted(byPath)
  const drifted: Array<HostFiles.DriftedEntry> = []
  const renewed: Array<Ledger.OwnedEntry> = []
  try {
    host.inside(root, (directory) => {
      const cursor = new DirectoryCursor(directory)
      try {
        for (const entry of sorted) {
          const verdict = compare(cursor, entry, depth)
          if (verdict._tag === "Drifted") drifted.push({ entry, found: verdict.found })
          if (verdict._tag === "Renewed") renewed.push(verdict.entry)
        }
      } finally {
        cursor.close()
      }
    })
    return { drifted, renewed }
  } catch (cause) {
    const found = failed(cause)
    return { drifted: sorted.map((entry) => ({ entry, found })), renewed: [] }
  }
}

const compare = (
  cursor: DirectoryCursor,
  entry: Ledger.OwnedEntry,
  depth: OwnedEntry.Depth,
): OwnedEntry.Verdict => {
  try {
    const place = cursor.enter(parentOf(entry.path)).at(nameOf(entry.path))
    return OwnedEntry.compare(entry, metadataAt(place), depth, () => fingerprintAt(place))
  } catch (cause) {
    return { _tag: "Drifted", found: failed(cause) }
  }
}

/** Entries of files that were just put in their places below a directory, with the times that they have there. */
export const timed = (
  root: DirectoryHandle,
  components: ReadonlyMap<string, Entries>,
): ReadonlyMap<string, Entries> => {
  const cursor = new DirectoryCursor(root)
  try {
    return new Map(
      [...components].map(([name, entries]) => [
        name,
        entries.toSorted(byPath).map((entry) => withTimes(cursor, entry)),
      ]),
    )
  } finally {
    cursor.close()
  }
}

const withTimes = (cursor: DirectoryCursor, entry: Ledger.OwnedEntry): Ledger.OwnedEntry => {
  if (entry.type !== "file") return entry
  try {
    const stat = fs.lstatSync(cursor.enter(parentOf(entry.path)).at(nameOf(entry.path)))
    return { ...entry, ...timesOf(stat) }
  } catch {
    // Without times it is read when it is compared.
    return entry
  }
}
