/** Answers: what is at a host path? Looking never fails: what cannot be seen is an answer. */
import { createHash } from "node:crypto"
import fs from "node:fs"
import { FileState, HostError, type HostFiles, HostLayout, type HostPath } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { hasCode, OutOfSight, reasonOf, Refusal } from "./Failure.ts"

/** Files larger than this many bytes are not read whole. */
export const largestText = 16 * 1024 * 1024

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

/** The text of some bytes, a byte order mark kept; `undefined` when they are not UTF-8. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

type Unreadable = Extract<FileState.FileState, { readonly _tag: "Unreadable" }>

const unreadable = (why: Unreadable["why"], detail: string): Unreadable => ({
  _tag: "Unreadable",
  why,
  detail,
})

const whyOf = (cause: unknown): Unreadable => {
  if (cause instanceof OutOfSight) return unreadable("out-of-sight", cause.message)
  const reason = reasonOf(cause)
  const detail = HostError.describe(reason)
  if (reason._tag === "Denied") return unreadable("denied", detail)
  return unreadable(reason._tag === "EscapesRoot" ? "escapes-root" : "io", detail)
}

const isNothing = (cause: unknown): boolean => hasCode(cause, "ENOENT", "ENOTDIR")

/** Opens a file for reading; never through a link, and never waiting for the other end of a fifo. */
const openToRead = (at: string): number =>
  fs.openSync(
    at,
    fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW | fs.constants.O_NONBLOCK | fs.constants.O_NOCTTY,
  )

const fileState = (at: string): FileState.FileState => {
  const fd = openToRead(at)
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) return unreadable("not-a-file", "it is no regular file")
    if (stat.size > largestText) return unreadable("too-large", `it has ${stat.size} bytes`)
    const text = decodeText(fs.readFileSync(fd))
    if (text === undefined) return unreadable("not-utf8", "it is not UTF-8 text")
    return { _tag: "File", text, mode: stat.mode & 0o7777, owner: { uid: stat.uid, gid: stat.gid } }
  } finally {
    fs.closeSync(fd)
  }
}

/** The target of a link, or `undefined` when it is not UTF-8. */
const targetText = (at: string): string | undefined => decodeText(fs.readlinkSync(at, { encoding: "buffer" }))

/** What is at a path that `fs` reaches, a link at its last component not followed. */
export const stateAt = (at: string): FileState.FileState => {
  try {
    const stat = fs.lstatSync(at)
    if (stat.isDirectory()) {
      return { _tag: "Directory", mode: stat.mode & 0o7777, owner: { uid: stat.uid, gid: stat.gid } }
    }
    if (stat.isSymbolicLink()) {
      const target = targetText(at)
      return target === undefined
        ? unreadable("not-utf8", "its target is not UTF-8")
        : { _tag: "Link", target }
    }
    return stat.isFile() ? fileState(at) : unreadable("not-a-file", "it is no regular file")
  } catch (cause) {
    return isNothing(cause) ? { _tag: "Absent" } : whyOf(cause)
  }
}

/** Whether something below a path is mounted here: the host has it, so the path is a directory there. */
export const isAboveMount = ({ layout }: Confinement, path: HostPath.HostPath): boolean =>
  HostLayout.seenBelow(layout, path).some((seen) => fs.existsSync(seen))

/** What is at a host path. */
export const look = (host: Confinement, path: HostPath.HostPath): FileState.FileState => {
  try {
    return host.within(path, (place) => stateAt(place.at))
  } catch (cause) {
    if (cause instanceof OutOfSight && isAboveMount(host, path)) return FileState.directory()
    return isNothing(cause) ? { _tag: "Absent" } : whyOf(cause)
  }
}

/** The names in a directory, sorted bytewise. */
export const list = (host: Confinement, path: HostPath.HostPath): HostFiles.Listing => {
  try {
    const names = host.inside(path, (directory) => namesIn(directory.at(".")))
    return { _tag: "Names", names }
  } catch (cause) {
    if (hasCode(cause, "ENOENT")) return { _tag: "Absent" }
    return {
      _tag: "Unreadable",
      detail: hasCode(cause, "ENOTDIR") ? "not a directory" : HostError.describe(reasonOf(cause)),
    }
  }
}

/** The names in a directory that `fs` reaches, sorted bytewise. */
export const namesIn = (at: string): ReadonlyArray<string> =>
  fs
    .readdirSync(at, { encoding: "buffer" })
    .sort(Buffer.compare)
    .map((name) => name.toString("utf8"))

/** Bytes that are read at once when a digest is computed. */
const chunkBytes = 1024 * 1024

const digestOf = (at: string): HostFiles.Fingerprint => {
  const fd = openToRead(at)
  try {
    const stat = fs.fstatSync(fd)
    if (!stat.isFile()) return { _tag: "Unreadable", detail: "it is no regular file" }
    const hash = createHash("sha256")
    const chunk = Buffer.allocUnsafe(Math.min(chunkBytes, Math.max(stat.size, 4096)))
    for (let read = fs.readSync(fd, chunk); read > 0; read = fs.readSync(fd, chunk)) {
      hash.update(read === chunk.length ? chunk : chunk.subarray(0, read))
    }
    return { _tag: "File", size: stat.size, mode: stat.mode & 0o7777, digest: hash.digest("hex") }
  } finally {
    fs.closeSync(fd)
  }
}

/** The times of a file; a number of milliseconds holds them to a quarter of a microsecond, finer than clocks tick. */
export const timesOf = ({ ctimeMs, mtimeMs }: fs.Stats): HostFiles.FileTimes => ({
  modifiedMs: mtimeMs,
  changedMs: ctimeMs,
})

/** What can be told without reading: the digest of a file is left empty, and its times are told. */
export const metadataAt = (at: string): HostFiles.Fingerprint => {
  const stat = fs.lstatSync(at)
  return stat.isFile()
    ? { _tag: "File", size: stat.size, mode: stat.mode & 0o7777, digest: "", times: timesOf(stat) }
    : fingerprintAt(at)
}

/** Size, mode and digest of what is at a path that `fs` reaches. */
export const fingerprintAt = (at: string): HostFiles.Fingerprint => {
  const stat = fs.lstatSync(at)
  if (stat.isDirectory()) return { _tag: "Directory" }
  if (!stat.isSymbolicLink()) return digestOf(at)
  const target = targetText(at)
  return target === undefined
    ? { _tag: "Unreadable", detail: "its target is not UTF-8" }
    : { _tag: "Link", target }
}

/** Size, mode and digest of what is at a host path. */
export const fingerprint = (host: Confinement, path: HostPath.HostPath): HostFiles.Fingerprint => {
  try {
    return host.within(path, (place) => fingerprintAt(place.at))
  } catch (cause) {
    if (isNothing(cause)) return { _tag: "Absent" }
    return { _tag: "Unreadable", detail: HostError.describe(reasonOf(cause)) }
  }
}

/** A state in a few words, for `Drifted`. */
export const summary = (state: FileState.FileState): string => {
  switch (state._tag) {
    case "Absent":
      return "nothing"
    case "File": {
      const digest = createHash("sha256").update(state.text).digest("hex").slice(0, 12)
      return `a file with mode ${state.mode.toString(8).padStart(4, "0")} and digest ${digest}`
    }
    case "Link":
      return `a link to ${state.target}`
    case "Directory":
      return "a directory"
    case "Unreadable":
      return `something that could not be read (${state.why})`
  }
}

/** A refusal because the disk is no longer what a plan was made for. */
export const drifted = (expected: FileState.FileState, found: FileState.FileState): Refusal =>
  new Refusal({ _tag: "Drifted", expected: summary(expected), found: summary(found) })
