/**
 * Is a host tree what it was? Every path is recorded with its type, mode, owner, bytes and link target, and two records are
 * compared into a list of differences that a person can read.
 */
import { createHash } from "node:crypto"
import { lstat, readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"

/** One path of a tree, as text: equal texts mean nothing changed. */
export interface TreeEntry {
  /** Type, mode, owner, content. */
  readonly what: string
  /** Inode and modification time, which change when a file is written again with the same bytes. */
  readonly identity: string
  readonly directory: boolean
}

/** A whole tree: paths as on the host (`/etc/containerd`), sorted. */
export type TreeSnapshot = ReadonlyMap<string, TreeEntry>

const describe = async (path: string): Promise<TreeEntry> => {
  const stat = await lstat(path, { bigint: true })
  const kind = stat.isDirectory()
    ? "directory"
    : stat.isSymbolicLink()
      ? `link to ${await readlink(path)}`
      : stat.isFile()
        ? `file of ${stat.size} bytes, sha256 ${createHash("sha256")
            .update(await readFile(path))
            .digest("hex")
            .slice(0, 16)}`
        : "special file"
  // The mode of a link is always 0777.
  const mode = (Number(stat.mode) & 0o7777).toString(8).padStart(4, "0")
  return {
    what: `${kind}, mode ${mode}, owner ${stat.uid}:${stat.gid}`,
    identity: `inode ${stat.ino}, modified ${stat.mtimeNs}`,
    directory: stat.isDirectory(),
  }
}

/** Records everything below `dir`, and `dir` itself as `/`. */
export const snapshot = async (dir: string): Promise<TreeSnapshot> => {
  const entries = new Map<string, TreeEntry>()
  const visit = async (host: string): Promise<void> => {
    const entry = await describe(join(dir, host))
    entries.set(host, entry)
    if (!entry.directory) return
    for (const name of (await readdir(join(dir, host))).sort()) await visit(join(host, name))
  }
  await visit("/")
  return entries
}

/** What may be there after a cleanup although it was not there before (the design's list of residues). */
export const residues: ReadonlyArray<string> = ["/run/lock/kata-deploy.lock"]

/** How strictly two records are compared. */
export interface Strictness {
  /**
   * What counts as touched although type, mode, owner and content are the same: nothing (default), a file that was written
   * again, or also a folder in which something came and went.
   */
  readonly identity?: "files" | "everything"
  /** Paths that may differ; one that ends in `/` stands for everything below it. Default {@link residues}. */
  readonly ignore?: ReadonlyArray<string>
}

/** Every difference between two records, one line each; empty when they are the same tree. */
export const differences = (
  before: TreeSnapshot,
  after: TreeSnapshot,
  options: Strictness = {},
): ReadonlyArray<string> => {
  const ignore = options.ignore ?? residues
  const ignored = (path: string): boolean =>
    ignore.some((entry) => (entry.endsWith("/") ? path.startsWith(entry) : path === entry))
  const compared = (entry: TreeEntry): boolean =>
    options.identity === "everything" || (options.identity === "files" && !entry.directory)
  const lines: Array<string> = []
  for (const [path, was] of before) {
    const now = after.get(path)
    if (ignored(path)) continue
    if (!now) lines.push(`gone: ${path} (${was.what})`)
    else if (now.what !== was.what) lines.push(`changed: ${path}\n  was ${was.what}\n  is  ${now.what}`)
    else if (now.identity !== was.identity && compared(was)) {
      lines.push(`written again: ${path}\n  was ${was.identity}\n  is  ${now.identity}`)
    }
  }
  for (const [path, now] of after) {
    if (!before.has(path) && !ignored(path)) lines.push(`new: ${path} (${now.what})`)
  }
  return lines
}

/** The part of a record at and below `folder`. */
export const below = (tree: TreeSnapshot, folder: string): TreeSnapshot =>
  new Map([...tree].filter(([path]) => path === folder || path.startsWith(`${folder}/`)))
