/**
 * Answers: how are many paths below one directory reached without following a link? The directories between are kept
 * open as long as the next path lies below them, so sorted paths cost one `open` per directory.
 */
import type { DirectoryHandle } from "./DirectoryHandle.ts"

/** A walk over directories below a root; close it after use, the root stays open. */
export class DirectoryCursor {
  private readonly root: DirectoryHandle
  private readonly names: Array<string> = []
  private readonly handles: Array<DirectoryHandle> = []

  constructor(root: DirectoryHandle) {
    this.root = root
  }

  /** The directory at a relative path (`""` is the root); fails with `ENOENT`, or `ENOTDIR` at links and files. */
  enter(relative: string): DirectoryHandle {
    const parts = relative === "" ? [] : relative.split("/")
    let same = 0
    while (same < this.names.length && this.names[same] === parts[same]) same++
    this.leave(same)
    for (const name of parts.slice(same)) {
      const handle = (this.handles.at(-1) ?? this.root).open(name)
      this.handles.push(handle)
      this.names.push(name)
    }
    return this.handles.at(-1) ?? this.root
  }

  /** Closes everything that this walk opened. */
  close(): void {
    this.leave(0)
  }

  private leave(depth: number): void {
    this.names.length = Math.min(depth, this.names.length)
    while (this.handles.length > depth) this.handles.pop()?.close()
  }
}

/** The directory part of a relative path, `""` at the top. */
export const parentOf = (relative: string): string => {
  const cut = relative.lastIndexOf("/")
  return cut === -1 ? "" : relative.slice(0, cut)
}

/** The last component of a relative path. */
export const nameOf = (relative: string): string => relative.slice(relative.lastIndexOf("/") + 1)

/** Children before their parents. */
export const deepestFirst = (a: { readonly path: string }, b: { readonly path: string }): number =>
  b.path.split("/").length - a.path.split("/").length || (a.path < b.path ? 1 : -1)
