/**
 * Answers: where does this process find a host path, every link on the way followed as if the host's root were `/`?
 * For looking only: nothing is held open, so what is found may change at once. Source: decisions §8.
 */
import fs from "node:fs"
import { HostLayout, HostPath } from "@kata-deploy/core"
import { Predicate } from "effect"

/** Where a host path is. */
export type HostPlace =
  | {
      readonly _tag: "At"
      /** The path that this process uses. */
      readonly seen: string
      /** The host path without links. */
      readonly host: HostPath.HostPath
    }
  | { readonly _tag: "Absent" }
  /** The layout does not show it; `why` is a clause. */
  | { readonly _tag: "OutOfSight"; readonly why: string }
  /** Looking failed; `why` is a clause, `code` the errno name. */
  | { readonly _tag: "Failed"; readonly why: string; readonly code: string }

const mostLinks = 40

/** The errno name of a thrown value; rethrows what is a mistake of ours. */
export const codeOf = (cause: unknown): string => {
  if (Predicate.hasProperty(cause, "code") && typeof cause.code === "string") return cause.code
  throw cause
}

/** Whether an errno name says that nothing is there. */
export const isAbsence = (code: string): boolean => code === "ENOENT" || code === "ENOTDIR"

const componentsOf = (path: string): ReadonlyArray<string> =>
  path.split("/").filter((part) => part !== "" && part !== ".")

/** Follows a host path to where it is. */
export const follow = (layout: HostLayout.HostLayout, path: HostPath.HostPath): HostPlace => {
  const todo = [...componentsOf(path)]
  let host = HostPath.root
  let links = 0
  for (let name = todo.shift(); name !== undefined; name = todo.shift()) {
    const next = HostPath.join(host, name)
    const target = name === ".." ? undefined : linkAt(layout, next)
    if (target === undefined) {
      host = next
      continue
    }
    if (target._tag !== "Link") return target
    if (++links > mostLinks) return failed("ELOOP")
    todo.unshift(...componentsOf(target.to))
    if (target.to.startsWith("/")) host = HostPath.root
  }
  const seen = HostLayout.toSeen(layout, host)
  return seen === undefined ? outOfSight : { _tag: "At", seen, host }
}

const outOfSight: HostPlace = { _tag: "OutOfSight", why: "it is not mounted here" }

const failed = (code: string): HostPlace => ({
  _tag: "Failed",
  code,
  why: code === "EACCES" || code === "EPERM" ? "no permission" : `the operating system says ${code}`,
})

/** A link at a path without links above it; `undefined` for what is no link, and above everything that is mounted. */
const linkAt = (
  layout: HostLayout.HostLayout,
  path: HostPath.HostPath,
): { readonly _tag: "Link"; readonly to: string } | HostPlace | undefined => {
  const mount = HostLayout.mountOf(layout, path)
  const seen = HostLayout.toSeen(layout, path)
  if (mount === undefined || seen === undefined) return undefined
  const isMount = mount.host === path
  try {
    // Where something is mounted is the container's own affair, so a link there is followed by the kernel.
    if (isMount) fs.statSync(seen)
    else if (fs.lstatSync(seen).isSymbolicLink()) return { _tag: "Link", to: fs.readlinkSync(seen) }
    return undefined
  } catch (cause) {
    const code = codeOf(cause)
    if (!isAbsence(code)) return failed(code)
    return isMount ? outOfSight : { _tag: "Absent" }
  }
}
