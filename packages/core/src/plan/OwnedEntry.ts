/**
 * Answers: is what is there what we put there? Adapters and doubles compare by this one rule. A file whose times are the
 * recorded ones has not been written to, since nobody can set the time of change; other times prove nothing (a backup
 * brings them, too), so then its bytes are read.
 */
import type { FileTimes, Fingerprint } from "../ports/HostFiles.ts"
import type { OwnedEntry } from "./Ledger.ts"

/** How closely an entry is compared: `metadata` reads a file where its times differ only, `contents` reads all of them. */
export type Depth = "metadata" | "contents"

/** An entry of a file. */
type OwnedFile = Extract<OwnedEntry, { readonly type: "file" }>

/** What comparing an entry comes to. */
export type Verdict =
  | { readonly _tag: "Same" }
  /** The very same bytes and permissions, at other times than recorded; `entry` has those of now. */
  | { readonly _tag: "Renewed"; readonly entry: OwnedEntry }
  | { readonly _tag: "Drifted"; readonly found: Fingerprint }

const same: Verdict = { _tag: "Same" }

/**
 * Compares an entry with what is there. `seen` tells what can be told without reading (a file's digest is not looked
 * at), `read` answers the same with the digest and is asked only where that decides.
 */
export const compare = (
  entry: OwnedEntry,
  seen: Fingerprint,
  depth: Depth,
  read: () => Fingerprint,
): Verdict => {
  if (entry.type === "file" && seen._tag === "File") return compareFile(entry, seen, depth, read)
  const isSame =
    entry.type === "link"
      ? seen._tag === "Link" && seen.target === entry.target
      : entry.type === "directory" && seen._tag === "Directory"
  return isSame ? same : { _tag: "Drifted", found: seen }
}

const compareFile = (
  entry: OwnedFile,
  seen: Extract<Fingerprint, { readonly _tag: "File" }>,
  depth: Depth,
  read: () => Fingerprint,
): Verdict => {
  // A file of another size need not be read to know that it differs.
  if (seen.size !== entry.size || seen.mode !== entry.mode) return { _tag: "Drifted", found: seen }
  const untouched = hasTimes(entry, seen.times)
  if (untouched && depth === "metadata") return same
  const found = read()
  const isSame =
    found._tag === "File" &&
    found.size === entry.size &&
    found.mode === entry.mode &&
    found.digest === entry.sha256
  if (!isSame) return { _tag: "Drifted", found }
  // The times from before the bytes were read: whoever wrote meanwhile made them others.
  return untouched || seen.times === undefined
    ? same
    : { _tag: "Renewed", entry: { ...entry, ...seen.times } }
}

const hasTimes = (entry: OwnedFile, times: FileTimes | undefined): boolean =>
  times !== undefined && entry.modifiedMs === times.modifiedMs && entry.changedMs === times.changedMs

/** Entries in which those with the same path as a renewed one are that one. */
export const withRenewed = (
  entries: ReadonlyArray<OwnedEntry>,
  renewed: ReadonlyArray<OwnedEntry>,
): ReadonlyArray<OwnedEntry> => {
  if (renewed.length === 0) return entries
  const byPath = new Map(renewed.map((entry) => [entry.path, entry]))
  return entries.map((entry) => byPath.get(entry.path) ?? entry)
}
