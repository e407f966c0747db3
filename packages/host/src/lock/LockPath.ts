/**
 * Answers: what is locked? The file that every installer of Kata Containers locks, or, below a root without the directory
 * for it, the nearest directory above: two of us still exclude one another, and nothing is left behind.
 * Source: spec 09 §8; decisions §3 (the file is a residue, its directory would be none).
 */
import { accessSync, constants, existsSync, statSync } from "node:fs"
import { HostLayout, HostPath } from "@kata-deploy/core"
import * as SeenPath from "../SeenPath.ts"

/** The lock's place on the host. */
export const lockFile = HostPath.make("/run/lock/kata-deploy.lock")

/** What is locked. */
export type LockPath =
  | { readonly _tag: "At"; readonly path: string }
  /** Nothing can be; `why` is a clause with what to do. */
  | { readonly _tag: "Nowhere"; readonly why: string }

const isDirectory = (path: string): boolean => {
  try {
    return statSync(path).isDirectory()
  } catch {
    return false
  }
}

const isWritable = (path: string): boolean => {
  try {
    accessSync(path, constants.W_OK)
    return true
  } catch {
    return false
  }
}

/** What is locked on the host that a layout shows. */
export const of = (layout: HostLayout.HostLayout): LockPath => {
  const seen = SeenPath.resolve(layout, lockFile)
  if (seen._tag === "ThroughLink")
    return { _tag: "Nowhere", why: `${seen.link} is a link, which may lead out of the host tree` }
  if (seen._tag === "OutOfSight")
    return { _tag: "Nowhere", why: `${HostPath.parent(lockFile)} of the host is not mounted here` }
  const directory = HostLayout.toSeen(layout, HostPath.parent(lockFile))!
  if (isDirectory(directory)) {
    // Whoever may not make the file in somebody's host tree is to hear of what he wants to change, not of the lock.
    const isOutOfReach = SeenPath.isForeignRoot(layout) && !existsSync(seen.path) && !isWritable(directory)
    return { _tag: "At", path: isOutOfReach ? directory : seen.path }
  }
  const above = [...HostPath.ancestors(HostPath.parent(lockFile)).toReversed(), HostPath.root]
    .map((path) => HostLayout.toSeen(layout, path))
    .find((path) => path !== undefined && isDirectory(path))
  return above === undefined
    ? {
        _tag: "Nowhere",
        why: `${directory} is no directory; mount ${HostPath.parent(lockFile)} of the host there`,
      }
    : { _tag: "At", path: above }
}
