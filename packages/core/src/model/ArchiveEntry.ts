/**
 * Answers: what becomes of an entry of a component archive? Names, link targets and modes only; contents are the
 * adapter's business. Source: spec 05 §4, decisions §10.
 */
import * as HostPath from "./HostPath.ts"

/** The directory that every entry of a component archive lies below, without a leading slash. */
export const prefix = "opt/kata"

/** Where an entry goes. */
export type Place =
  /** Not below `opt/kata`: skipped. */
  | { readonly _tag: "Outside" }
  /** The install directory itself. */
  | { readonly _tag: "Root" }
  /** A path relative to the install directory, normalised. */
  | { readonly _tag: "Inside"; readonly path: string }
  /** Refused, with the reason as a clause. */
  | { readonly _tag: "Refused"; readonly why: string }

const outside: Place = { _tag: "Outside" }
const refused = (why: string): Place => ({ _tag: "Refused", why })

const hasControl = (name: string): boolean => {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) < 32 || name.charCodeAt(i) === 127) return true
  return false
}

const placeBelow = (parts: ReadonlyArray<string>, name: string): Place => {
  if (parts.includes("..")) return refused("its path has a `..` component")
  if (hasControl(name)) return refused("its name has control characters")
  if (name.includes("\u{FFFD}")) return refused("its name is not UTF-8")
  return parts.length === 0 ? { _tag: "Root" } : { _tag: "Inside", path: parts.join("/") }
}

const split = (name: string): ReadonlyArray<string> =>
  name.split("/").filter((part) => part !== "" && part !== ".")

/** Where the entry called `name` goes; absolute names and everything not below `opt/kata` are outside. */
export const place = (name: string): Place => {
  if (name.startsWith("/")) return outside
  const [opt, kata, ...rest] = split(name)
  return opt === "opt" && kata === "kata" ? placeBelow(rest, name) : outside
}

/**
 * Where the target of a hard link is: relative to the install directory with or without the prefix. Anything that
 * leaves the tree is refused.
 */
export const hardLinkPlace = (target: string): Place => {
  if (target.startsWith("/")) return refused("its hard link has an absolute target")
  const parts = split(target)
  const below = parts[0] === "opt" && parts[1] === "kata" ? parts.slice(2) : parts
  return below.includes("..") ? refused("its hard link leaves the tree") : placeBelow(below, target)
}

/** A name as people may be shown it: what a terminal would obey stands as `\x0a`. */
export const shown = (name: string): string =>
  name.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, "0")}`)

/** The target that a symbolic link is written with: an absolute one at or below `/opt/kata` moves to `into`. */
export const linkTarget = (target: string, into: HostPath.HostPath): string => {
  if (target !== `/${prefix}` && !target.startsWith(`/${prefix}/`)) return target
  return into === HostPath.root
    ? target.slice(prefix.length + 1) || "/"
    : `${into}${target.slice(prefix.length + 1)}`
}

/** The mode that a file gets: programs are executable whatever the archive says, and no bit beyond `0o777` stays. */
export const fileMode = (path: string, mode: number): number =>
  /^(runtime-rs\/)?bin\/[^/]+$/.test(path) ? 0o755 : mode & 0o777

/** Where the developer image's component has the parameters of its verity tree, relative to the install directory. */
export const devkitRootHash = "share/kata-containers/root_hash_devkit-extension.txt"

/** Whether a path relative to the install directory is a text that planning needs before anything is unpacked. */
export const isPlanned = (path: string): boolean =>
  path === devkitRootHash ||
  /^share\/defaults\/kata-containers\/(?:[^/]+\/)*configuration-[^/]+\.toml$/.test(path)

/** The directories above a relative path, parents first: `a/b/c` gives `a`, `a/b`. */
export const parents = (path: string): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (let cut = path.indexOf("/"); cut !== -1; cut = path.indexOf("/", cut + 1))
    found.push(path.slice(0, cut))
  return found
}
