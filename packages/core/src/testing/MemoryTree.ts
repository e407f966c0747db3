/**
 * Answers: what does a host's file tree look like in memory? Links above the last component are followed as the
 * kernel does, with `/` as the root; `..` never leaves it.
 */
import type { FileState } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { FileTimes } from "../ports/HostFiles.ts"

/** States by host path; directories above a path may be left out and have mode `0o755` then. */
export type TreeOf = Readonly<Record<string, FileState | string>>

/** Where a path leads once the links above its last component are followed. */
export type Resolved =
  | { readonly _tag: "Place"; readonly path: HostPath.HostPath }
  | { readonly _tag: "NoParent" }
  | { readonly _tag: "NotADirectory"; readonly path: HostPath.HostPath }
  | { readonly _tag: "Loop" }

const mostLinks = 40

/** A mutable file tree; not a service, and not for programs. */
export class MemoryTree {
  private readonly states = new Map<HostPath.HostPath, FileState>()
  private readonly changes = new Map<HostPath.HostPath, number>()

  constructor(initial: TreeOf = {}) {
    for (const [path, state] of Object.entries(initial)) {
      const at = HostPath.make(path)
      for (const above of HostPath.ancestors(at)) {
        if (!this.states.has(above)) this.states.set(above, { _tag: "Directory", mode: 0o755 })
      }
      this.states.set(at, typeof state === "string" ? { _tag: "File", text: state, mode: 0o644 } : state)
    }
  }

  /** What is at an already resolved path. */
  get(path: HostPath.HostPath): FileState {
    if (path === HostPath.root) return { _tag: "Directory", mode: 0o755 }
    return this.states.get(path) ?? { _tag: "Absent" }
  }

  /** Puts a state at a resolved path, or takes away what is there. */
  set(path: HostPath.HostPath, state: FileState): void {
    this.changes.set(path, (this.changes.get(path) ?? 0) + 1)
    if (state._tag === "Absent") this.states.delete(path)
    else this.states.set(path, state)
  }

  /** When a resolved path last changed. Its own changes are the clock, so that those of others do not show. */
  times(path: HostPath.HostPath): FileTimes {
    const at = this.changes.get(path) ?? 0
    return { modifiedMs: at, changedMs: at }
  }

  /** Names in a resolved directory, sorted. */
  names(directory: HostPath.HostPath): ReadonlyArray<string> {
    const found: Array<string> = []
    for (const path of this.states.keys())
      if (HostPath.parent(path) === directory) found.push(HostPath.baseName(path))
    return found.sort()
  }

  /** Follows the links above the last component of `path`. */
  resolve(path: HostPath.HostPath): Resolved {
    const todo = path.split("/").filter((part) => part !== "")
    let at = HostPath.root
    let links = 0
    while (todo.length > 0) {
      const name = todo.shift() as string
      if (name === "." || name === "") continue
      if (name === "..") {
        at = HostPath.parent(at)
        continue
      }
      const next = HostPath.join(at, name)
      if (todo.length === 0) return { _tag: "Place", path: next }
      const state = this.get(next)
      if (state._tag === "Absent") return { _tag: "NoParent" }
      if (state._tag === "Link") {
        if (++links > mostLinks) return { _tag: "Loop" }
        todo.unshift(...state.target.split("/"))
        if (state.target.startsWith("/")) at = HostPath.root
        continue
      }
      if (state._tag !== "Directory") return { _tag: "NotADirectory", path: next }
      at = next
    }
    return { _tag: "Place", path: at }
  }

  /** Everything in the tree by path, sorted; for comparing before and after. */
  snapshot(): Record<string, FileState> {
    return Object.fromEntries([...this.states].sort(([a], [b]) => (a < b ? -1 : 1)))
  }

  /** A copy that shares nothing. */
  copy(): MemoryTree {
    return new MemoryTree(this.snapshot())
  }
}
