/**
 * Answers: where is unpacked what is not yet installed? In the staging directory, which is ours alone: it is emptied
 * before and after, and whatever an earlier run left in it goes. Source: decisions §4.
 */
import fs from "node:fs"
import { HostPath } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { DirectoryCursor } from "./DirectoryCursor.ts"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import { hasCode, OutOfSight } from "./Failure.ts"
import { isAboveMount, namesIn } from "./Observation.ts"
import { isMounted } from "./PathFacts.ts"

/** Name of the tree that is being unpacked, below the staging directory. */
export const unpackedName = "unpacked"

/** Name of the place for what the swap replaces, below the staging directory. */
export const besideName = "replaced"

/** Makes a directory and those above it; answers the ones that were not there, parents first. */
export const ensureDirectory = (
  host: Confinement,
  path: HostPath.HostPath,
  mode: number,
): ReadonlyArray<HostPath.HostPath> => {
  const created: Array<HostPath.HostPath> = []
  for (const directory of [...HostPath.ancestors(path), path]) {
    if (isThere(host, directory)) continue
    host.within(directory, (place) => {
      fs.mkdirSync(place.at)
      fs.chmodSync(place.at, directory === path ? mode : 0o755)
      place.directory.sync()
    })
    created.push(directory)
  }
  return created
}

const isThere = (host: Confinement, directory: HostPath.HostPath): boolean => {
  try {
    return host.inside(directory, () => true)
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return false
    if (cause instanceof OutOfSight && isAboveMount(host, directory)) return true
    throw cause
  }
}

/** Removes everything in the staging directory, links as links; what is mounted in it is left alone. */
export const empty = (staging: DirectoryHandle): void => {
  for (const name of namesIn(staging.at("."))) {
    const at = staging.at(name)
    if (!fs.lstatSync(at).isDirectory()) {
      fs.unlinkSync(at)
      continue
    }
    if (isMounted(staging, name)) continue
    const inner = new DirectoryCursor(staging)
    try {
      empty(inner.enter(name))
    } finally {
      inner.close()
    }
    fs.rmdirSync(at)
  }
}

/** Empties the staging directory and makes its two fresh parts, for nobody but us; both of them or none. */
export const prepare = (staging: DirectoryHandle): void => {
  empty(staging)
  try {
    for (const name of [unpackedName, besideName]) fs.mkdirSync(staging.at(name), { mode: 0o700 })
  } catch (cause) {
    empty(staging)
    throw cause
  }
}
