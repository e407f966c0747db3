/**
 * Answers: which paths that archives are about to put something at are taken by somebody else? What the archives hold
 * is unknown while a plan is made, so this is decided once they are unpacked and before the first rename, by the rule
 * that a plan's own files go by (`Ownership.ours`). Source: decisions §3.
 */
import * as HostPath from "../model/HostPath.ts"
import type { Ledger, OwnedEntry } from "../plan/Ledger.ts"
import type { HostErrorReason } from "../ports/HostError.ts"
import type { Fingerprint } from "../ports/HostFiles.ts"

/** Relative paths below the install directory that are ours; `everything` where an older install was taken over. */
export type Owned = "everything" | ReadonlyArray<string>

/** What a ledger owns below its install directory. */
export const ownedBelow = (ledger: Ledger, installDir: HostPath.HostPath): Owned => {
  if (ledger.adopted === "everything") return "everything"
  const files = [...ledger.files.map((file) => file.path), ...ledger.directories]
  return [
    ...ledger.components.flatMap((component) => component.entries.map((entry) => entry.path)),
    ...files.flatMap((path) =>
      HostPath.isBelow(path, installDir) ? [HostPath.relativeTo(path, installDir)] : [],
    ),
  ]
}

/** What is there now. */
export interface Sight {
  /** What is at a relative path; the digest of a file may be left empty. */
  readonly look: (path: string) => Fingerprint
  /** The same with the digest of a file, which means reading it. */
  readonly read: (path: string) => Fingerprint
}

/** What is to be put down, and whose the tree is. */
export interface Arrival {
  /** Everything that is put down, each path once. */
  readonly entries: Iterable<OwnedEntry>
  /** What an earlier archive put down; it makes room. */
  readonly replaces: ReadonlyArray<OwnedEntry>
  readonly owned: Owned
}

/** The relative paths that are taken, sorted. What cannot be looked at is not known to be free. */
export const takenBy = ({ entries, owned, replaces }: Arrival, sight: Sight): ReadonlyArray<string> => {
  if (owned === "everything") return []
  const ours = new Set([...owned, ...replaces.map((entry) => entry.path)])
  const sorted = [...entries].sort((a, b) => (a.path < b.path ? -1 : 1))
  // Below a path where no directory is there is nothing: most of a fresh install need not be looked at.
  const bare = new Set<string>()
  const taken: Array<string> = []
  for (const entry of sorted) {
    if (bare.has(parentOf(entry.path))) {
      bare.add(entry.path)
      continue
    }
    if (entry.type !== "directory" && ours.has(entry.path)) continue
    const found = sight.look(entry.path)
    if (found._tag !== "Directory") bare.add(entry.path)
    if (!ours.has(entry.path) && !isFree(entry, found, sight)) taken.push(entry.path)
  }
  return taken
}

/** So many paths are named; where there are more, moving them one by one is no remedy any more. */
const mostNamed = 20

/** Why the entries must not be moved into place; `undefined` where nothing of somebody else is in the way. */
export const refusal = (
  arrival: Arrival,
  into: HostPath.HostPath,
  sight: Sight,
): HostErrorReason | undefined => {
  const taken = takenBy(arrival, sight)
  if (taken.length === 0) return undefined
  const paths = taken.slice(0, mostNamed).map((path) => HostPath.join(into, path))
  return { _tag: "Taken", paths, count: taken.length }
}

const isFree = (entry: OwnedEntry, found: Fingerprint, sight: Sight): boolean => {
  switch (found._tag) {
    case "Absent":
      return true
    case "Directory":
      return entry.type === "directory"
    case "Link":
      return entry.type === "link" && found.target === entry.target
    case "File":
      return entry.type === "file" && found.size === entry.size && hasDigest(sight.read(entry.path), entry)
    case "Unreadable":
      return false
  }
}

const hasDigest = (found: Fingerprint, entry: Extract<OwnedEntry, { readonly type: "file" }>): boolean =>
  found._tag === "File" && found.digest === entry.sha256

const parentOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))
