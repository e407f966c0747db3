/** How the double makes one change, and what its operations throw inside. */
import * as FileState from "../model/FileState.ts"
import type * as HostPath from "../model/HostPath.ts"
import type { Change } from "../plan/Change.ts"
import type { HostErrorReason } from "../ports/HostError.ts"
import type { MemoryTree } from "./MemoryTree.ts"

/** Thrown inside the double only; becomes a `HostError`. */
export class Refusal extends Error {
  readonly reason: HostErrorReason
  constructor(reason: HostErrorReason) {
    super(reason._tag)
    this.reason = reason
  }
}

const io = (code: string): Refusal => new Refusal({ _tag: "Io", code })

/** A state in a few words, as in the real adapter's `Drifted`. */
export const summary = (state: FileState.FileState): string => {
  switch (state._tag) {
    case "Absent":
      return "nothing"
    case "File":
      return `a file with mode ${state.mode.toString(8)}`
    case "Link":
      return `a link to ${state.target}`
    case "Directory":
      return "a directory"
    case "Unreadable":
      return `something that could not be read (${state.why})`
  }
}

/** Resolves a path whose parent has to be there. */
export const locate = (tree: MemoryTree, path: HostPath.HostPath): HostPath.HostPath => {
  const at = tree.resolve(path)
  switch (at._tag) {
    case "Place":
      return at.path
    case "NoParent":
      throw io("ENOENT")
    case "NotADirectory":
      throw io("ENOTDIR")
    case "Loop":
      throw io("ELOOP")
  }
}

const isDirectory = (tree: MemoryTree, path: HostPath.HostPath): boolean =>
  tree.get(locate(tree, path))._tag === "Directory"

/** Makes one change. */
export const put = (tree: MemoryTree, change: Change, temporaryIn: HostPath.HostPath): void => {
  const { before, after } = change
  const at = locateOrNothing(tree, change)
  if (at === undefined) return
  const found = tree.get(at)
  if (!FileState.equals(before, found)) {
    throw new Refusal({ _tag: "Drifted", expected: summary(before), found: summary(found) })
  }
  const fromDirectory = found._tag === "Directory"
  switch (after._tag) {
    case "Unreadable":
      throw new Refusal({ _tag: "Refused", detail: "an unreadable state cannot be written" })
    case "Absent":
      if (fromDirectory && tree.names(at).length > 0) throw io("ENOTEMPTY")
      return tree.set(at, after)
    case "Directory":
      if (found._tag !== "Absent" && !fromDirectory) throw io("EEXIST")
      return tree.set(at, after)
    case "File":
    case "Link": {
      if (fromDirectory) throw io("EISDIR")
      if (!isDirectory(tree, temporaryIn)) throw io("ENOTDIR")
      const keepsOwner = after._tag === "File" && found._tag === "File" && found.owner !== undefined
      return tree.set(at, keepsOwner ? { owner: found.owner, ...after } : after)
    }
  }
}

/** Where a change is made; nowhere when nothing is to be taken away from a directory that is not there. */
const locateOrNothing = (tree: MemoryTree, change: Change): HostPath.HostPath | undefined => {
  const nothing = change.before._tag === "Absent" && change.after._tag === "Absent"
  return nothing && tree.resolve(change.path)._tag !== "Place" ? undefined : locate(tree, change.path)
}
