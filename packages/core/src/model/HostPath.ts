/**
 * Answers one question: where on the *host* is this?
 *
 * A `HostPath` is absolute, has no empty, `.` or `..` component and no trailing slash. It is never a path
 * as this process sees it: `HostLayout` translates.
 */

/** An absolute, normalised path on the host. */
export type HostPath = string & { readonly HostPath: unique symbol }

/** The host's root directory. */
export const root = "/" as HostPath

/** Whether nothing in an absolute path has to be put right; nearly every path that we make is so. */
const isNormal = (path: string): boolean => path.startsWith("/") && !/\/\.{0,2}(?:\/|$)/.test(path)

/** Names of which none begins with a dot, as nearly all are; told without making a path of them. */
const plainNames = /^[^/.][^/]*(?:\/[^/.][^/]*)*$/

/** Whether nothing has to be put right below a directory. */
const isNormalPart = (part: string): boolean => plainNames.test(part) || isNormal(`/${part}`)

/**
 * Normalises an absolute path: `/a//b/./c/` becomes `/a/b/c`. A `..` takes its parent away and never
 * leaves the root. A relative path is taken below `/`.
 */
export const make = (path: string): HostPath => {
  if (isNormal(path)) return path as HostPath
  const parts: Array<string> = []
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue
    if (part === "..") parts.pop()
    else parts.push(part)
  }
  return `/${parts.join("/")}` as HostPath
}

/** `base` with `parts` below it; `..` in `parts` is resolved as in `make`. */
export const join = (base: HostPath, ...parts: ReadonlyArray<string>): HostPath => {
  let path: string = base === root ? "" : base
  for (const part of parts) {
    if (!isNormalPart(part)) return make([base, ...parts].join("/"))
    path += `/${part}`
  }
  return (path === "" ? root : path) as HostPath
}

/** The directory that holds `path`; the root is its own parent. */
export const parent = (path: HostPath): HostPath => {
  const cut = path.lastIndexOf("/")
  return (cut <= 0 ? "/" : path.slice(0, cut)) as HostPath
}

/** The last component of `path`; empty for the root. */
export const baseName = (path: HostPath): string => path.slice(path.lastIndexOf("/") + 1)

/** Whether `path` lies below `directory` (a directory does not lie below itself). */
export const isBelow = (path: HostPath, directory: HostPath): boolean =>
  directory === root ? path !== root : path.startsWith(`${directory}/`)

/** Whether `path` is `directory` or lies below it. */
export const isWithin = (path: HostPath, directory: HostPath): boolean =>
  path === directory || isBelow(path, directory)

/** `path` relative to `directory`, without a leading slash. Only meaningful when `isWithin` holds. */
export const relativeTo = (path: HostPath, directory: HostPath): string =>
  directory === root ? path.slice(1) : path.slice(directory.length + 1)

/** The directories above `path`, nearest last, the root left out: `/a/b/c` gives `/a`, `/a/b`. */
export const ancestors = (path: HostPath): ReadonlyArray<HostPath> => {
  const found: Array<HostPath> = []
  for (let at = parent(path); at !== root; at = parent(at)) found.unshift(at)
  return found
}
