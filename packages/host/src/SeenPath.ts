/**
 * Answers: at which path does this process reach a host path, without leaving the host's root? For what is opened by
 * path and not read as a file: sockets, the lock, directories of the journal.
 */
import { lstatSync } from "node:fs"
import { HostLayout, HostPath } from "@kata-deploy/core"

/** Where a host path is reached. */
export type SeenPath =
  | { readonly _tag: "At"; readonly path: string }
  /** No mount of the layout shows it. */
  | { readonly _tag: "OutOfSight" }
  /** A link below another root than `/`; it could lead to this machine's own. */
  | { readonly _tag: "ThroughLink"; readonly link: string }

/** Whether the layout shows a whole root that is not this machine's own. */
export const isForeignRoot = (layout: HostLayout.HostLayout): boolean => {
  const mount = HostLayout.mountOf(layout, HostPath.root)
  return mount !== undefined && mount.seen !== "/"
}

const isLink = (path: string): boolean => {
  try {
    return lstatSync(path).isSymbolicLink()
  } catch {
    return false
  }
}

/** Where `path` is reached; below a foreign root no component may be a link. */
export const resolve = (layout: HostLayout.HostLayout, path: HostPath.HostPath): SeenPath => {
  const seen = HostLayout.toSeen(layout, path)
  if (seen === undefined) return { _tag: "OutOfSight" }
  if (!isForeignRoot(layout)) return { _tag: "At", path: seen }
  for (const part of [...HostPath.ancestors(path), path]) {
    const at = HostLayout.toSeen(layout, part)
    if (at !== undefined && isLink(at)) return { _tag: "ThroughLink", link: at }
  }
  return { _tag: "At", path: seen }
}
