/**
 * Answers: is this tree the same as it was? A snapshot holds what counts for a host: paths, types, permission bits,
 * owners, link targets and bytes. Times and inode numbers do not count: putting a file back makes new ones.
 */
import { createHash } from "node:crypto"
import { lstat, readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import { Effect } from "effect"
import { TrialError } from "./TrialError.ts"

/** What lies at one path. */
export interface SnapshotEntry {
  /** `other` is a socket, pipe or device. */
  readonly type: "file" | "directory" | "link" | "other"
  /** Permission bits including set-id and sticky; always 0 for links, which have none. */
  readonly mode: number
  /** Numeric owner, `uid:gid`. */
  readonly owner: string
  /** Bytes of a file, else 0. */
  readonly size: number
  /** SHA-256 of a file's bytes in hexadecimal, the target of a link, else empty. */
  readonly content: string
}

/** A tree at one moment: path relative to its root (`.` is the root itself), in order of paths. */
export type TreeSnapshot = ReadonlyMap<string, SnapshotEntry>

/** One way in which a path differs between two snapshots. */
export interface Difference {
  /** Path relative to the root of the tree. */
  readonly path: string
  /** What differs. */
  readonly kind: "appeared" | "disappeared" | "type" | "mode" | "owner" | "bytes" | "target"
  /** What it is, in a few words. */
  readonly detail: string
}

const entryOf = async (path: string): Promise<SnapshotEntry> => {
  const stat = await lstat(path)
  const owner = `${stat.uid}:${stat.gid}`
  if (stat.isSymbolicLink()) return { type: "link", mode: 0, owner, size: 0, content: await readlink(path) }
  const mode = stat.mode & 0o7777
  if (stat.isDirectory()) return { type: "directory", mode, owner, size: 0, content: "" }
  if (!stat.isFile()) return { type: "other", mode, owner, size: 0, content: "" }
  const bytes = await readFile(path)
  return {
    type: "file",
    mode,
    owner,
    size: bytes.length,
    content: createHash("sha256").update(bytes).digest("hex"),
  }
}

const byName = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const walk = async (root: string, relative: string, found: Map<string, SnapshotEntry>): Promise<void> => {
  const entry = await entryOf(join(root, relative))
  found.set(relative, entry)
  if (entry.type !== "directory") return
  // Sorted, because the order in which a file system lists is its own affair.
  for (const name of (await readdir(join(root, relative))).sort(byName)) {
    await walk(root, relative === "." ? name : `${relative}/${name}`, found)
  }
}

/** The tree below `root` as it is now. Links are recorded, never followed. */
export const take = (root: string): Effect.Effect<TreeSnapshot, TrialError> =>
  Effect.tryPromise({
    try: async () => {
      const found = new Map<string, SnapshotEntry>()
      await walk(root, ".", found)
      return found
    },
    catch: (cause) => new TrialError({ doing: `reading the tree ${root}`, cause }),
  })

const octal = (mode: number): string => mode.toString(8).padStart(4, "0")

const between = (path: string, before: SnapshotEntry, after: SnapshotEntry): ReadonlyArray<Difference> => {
  if (before.type !== after.type)
    return [{ path, kind: "type", detail: `was a ${before.type}, is a ${after.type}` }]
  const found: Array<Difference> = []
  if (before.mode !== after.mode) {
    found.push({ path, kind: "mode", detail: `mode was ${octal(before.mode)}, is ${octal(after.mode)}` })
  }
  if (before.owner !== after.owner) {
    found.push({ path, kind: "owner", detail: `owner was ${before.owner}, is ${after.owner}` })
  }
  if (before.content !== after.content) {
    found.push(
      before.type === "link"
        ? { path, kind: "target", detail: `pointed to ${before.content}, points to ${after.content}` }
        : { path, kind: "bytes", detail: `bytes differ (was ${before.size} bytes, is ${after.size})` },
    )
  }
  return found
}

/** Every difference between two snapshots, in order of paths; empty when the trees are the same. */
export const compare = (before: TreeSnapshot, after: TreeSnapshot): ReadonlyArray<Difference> => {
  const found: Array<Difference> = []
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort(byName)) {
    const was = before.get(path)
    const is = after.get(path)
    if (was === undefined) found.push({ path, kind: "appeared", detail: `a ${is!.type} that was not there` })
    else if (is === undefined) found.push({ path, kind: "disappeared", detail: `the ${was.type} is gone` })
    else found.push(...between(path, was, is))
  }
  return found
}

/** One line per difference, as people read it: `etc/hostname: mode was 0644, is 0600`. */
export const format = (differences: ReadonlyArray<Difference>): ReadonlyArray<string> =>
  differences.map((difference) => `${difference.path}: ${difference.detail}`)

/** How many files a snapshot holds, and how many bytes are in them. */
export const extent = (snapshot: TreeSnapshot): { readonly files: number; readonly bytes: number } => {
  let files = 0
  let bytes = 0
  for (const entry of snapshot.values()) {
    if (entry.type !== "file") continue
    files += 1
    bytes += entry.size
  }
  return { files, bytes }
}
