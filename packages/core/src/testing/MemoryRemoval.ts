/** How the double removes trees, owned entries and empty directories. */
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import { notOurs, type Removal, type RemoveTreeAction } from "../ports/HostFiles.ts"
import { byteLength } from "./Digest.ts"
import { locate } from "./MemoryPut.ts"
import type { MemoryTree } from "./MemoryTree.ts"

type IsMount = (path: HostPath.HostPath) => boolean

/** Removes each directory that is empty and no mount point, and reached through none that is a link now. */
export const prune = (
  tree: MemoryTree,
  directories: ReadonlyArray<HostPath.HostPath>,
  isMount: IsMount,
): ReadonlyArray<HostPath.HostPath> => {
  const links = directories.filter((directory) => {
    const at = tree.resolve(directory)
    return at._tag === "Place" && tree.get(at.path)._tag === "Link"
  })
  return directories.filter((directory) => {
    if (links.some((link) => HostPath.isWithin(directory, link))) return false
    const at = tree.resolve(directory)
    if (at._tag !== "Place" || isMount(at.path)) return false
    if (tree.get(at.path)._tag !== "Directory" || tree.names(at.path).length > 0) return false
    tree.set(at.path, { _tag: "Absent" })
    return true
  })
}

/** The path of an entry below `root` when no link is on the way to it. */
export const below = (
  tree: MemoryTree,
  root: HostPath.HostPath,
  path: string,
): HostPath.HostPath | undefined => {
  const at = HostPath.join(root, path)
  const between = HostPath.ancestors(at).filter((above) => HostPath.isBelow(above, root))
  return between.every((above) => tree.get(above)._tag === "Directory") ? at : undefined
}

/** Removes a tree or the owned part of one. */
export const removeTree = (tree: MemoryTree, action: RemoveTreeAction, isMount: IsMount): Removal => {
  // A name below the root makes a link at its last component resolve, too.
  const inside = tree.resolve(HostPath.join(action.root, "x"))
  if (inside._tag !== "Place") return { removed: 0, bytes: 0, left: [], failed: [] }
  const root = HostPath.parent(inside.path)
  const reserved = action.reserved.map((path) => locate(tree, path))
  const isReserved = (path: HostPath.HostPath): boolean =>
    reserved.some((one) => HostPath.isWithin(path, one))
  const holdsReserved = (path: HostPath.HostPath): boolean =>
    reserved.some((one) => HostPath.isBelow(one, path))
  const left: Array<{ path: HostPath.HostPath; why: string }> = []
  let removed = 0
  let bytes = 0

  const take = (path: HostPath.HostPath): void => {
    const state = tree.get(path)
    if (state._tag === "File" && action.entries === "everything") bytes += byteLength(state.text)
    tree.set(path, { _tag: "Absent" })
    removed++
  }
  const empty = (directory: HostPath.HostPath): void => {
    for (const name of tree.names(directory)) {
      const path = HostPath.join(directory, name)
      if (isReserved(path)) continue
      if (tree.get(path)._tag !== "Directory") {
        take(path)
        continue
      }
      if (action.mountPoints === "left-alone" && isMount(path)) {
        left.push({ path, why: "mount point" })
        continue
      }
      empty(path)
      if (isMount(path)) left.push({ path, why: "mount point" })
      else if (!holdsReserved(path) && tree.names(path).length === 0) take(path)
    }
  }
  if (action.entries === "everything") {
    empty(root)
    return { removed, bytes, left, failed: [] }
  }

  const ours = new Set(action.entries.map((entry) => HostPath.join(root, entry.path)))
  const files = action.entries.filter((entry) => entry.type !== "directory")
  const directories = action.entries.filter((entry) => entry.type === "directory").sort(deepestFirst)
  for (const entry of files) {
    const path = below(tree, root, entry.path)
    if (path !== undefined && isReserved(path)) continue
    const state = path === undefined ? FileState.absent : tree.get(path)
    if (path === undefined || state._tag === "Absent") removed++
    else if (state._tag === "Directory") left.push({ path, why: "it is a directory now" })
    else take(path)
  }
  for (const entry of directories) {
    const path = below(tree, root, entry.path)
    if (path !== undefined && isReserved(path)) continue
    const state = path === undefined ? FileState.absent : tree.get(path)
    if (path === undefined || state._tag === "Absent") removed++
    else if (state._tag !== "Directory") left.push({ path, why: "it is no directory now" })
    else if (isMount(path)) left.push({ path, why: "mount point" })
    else if (tree.names(path).length === 0) take(path)
  }
  for (const directory of [root, ...directories.map((entry) => HostPath.join(root, entry.path))]) {
    for (const name of tree.names(directory)) {
      const path = HostPath.join(directory, name)
      if (!ours.has(path) && !isReserved(path) && !holdsReserved(path))
        left.push({ path, why: isMount(path) ? "mount point" : notOurs })
    }
  }
  return { removed, bytes, left: left.sort((a, b) => (a.path < b.path ? -1 : 1)), failed: [] }
}

/** Children before their parents. */
export const deepestFirst = (a: OwnedEntry, b: OwnedEntry): number =>
  b.path.split("/").length - a.path.split("/").length || (a.path < b.path ? 1 : -1)
