/**
 * Answers: how does one path become what a plan wants, all at once? A file is written apart, synced and renamed; what
 * cannot be renamed over (a file that is itself a mount, another filesystem) is written in place. Source: decisions §9.
 */
import { randomBytes } from "node:crypto"
import fs from "node:fs"
import { type Change, FileState, type HostPath } from "@kata-deploy/core"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import type { Confinement, Place } from "./Confinement.ts"
import { errno, hasCode, Refusal } from "./Failure.ts"
import { drifted, stateAt } from "./Observation.ts"

type FileAfter = Extract<FileState.FileState, { readonly _tag: "File" }>

const temporaryName = (): string => `.kata-deploy-${randomBytes(8).toString("hex")}.tmp`

/** Makes one change of a path, provided that it still is what `change.before` says. */
export const put = (host: Confinement, change: Change.Change, temporaryIn: HostPath.HostPath): void => {
  if (change.after._tag === "Absent" && change.before._tag === "Absent" && isGone(host, change.path)) return
  host.within(change.path, (place) => {
    const found = stateAt(place.at)
    if (!FileState.equals(change.before, found)) throw drifted(change.before, found)
    switch (change.after._tag) {
      case "Absent":
        return remove(place, found)
      case "Directory":
        return putDirectory(place, found, change.after)
      case "Link":
        return putLink(host, place, change, temporaryIn)
      case "File":
        return putFile(host, place, change, change.after, temporaryIn)
      case "Unreadable":
        throw new Refusal({ _tag: "Refused", detail: "a state that could not be read cannot be written" })
    }
  })
}

/** Whether not even the directory of a path is there. */
const isGone = (host: Confinement, path: HostPath.HostPath): boolean => {
  try {
    return host.within(path, () => false)
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ENOTDIR")) return true
    throw cause
  }
}

const remove = (place: Place, found: FileState.FileState): void => {
  if (found._tag === "Absent") return
  if (found._tag === "Directory") fs.rmdirSync(place.at)
  else fs.unlinkSync(place.at)
  place.directory.sync()
}

const putDirectory = (
  place: Place,
  found: FileState.FileState,
  after: Extract<FileState.FileState, { readonly _tag: "Directory" }>,
): void => {
  if (found._tag !== "Absent" && found._tag !== "Directory") throw errno("EEXIST")
  if (found._tag === "Absent") fs.mkdirSync(place.at, { mode: after.mode })
  const directory = place.directory.open(place.name)
  try {
    // `mkdir` takes the umask off.
    fs.chmodSync(directory.at("."), after.mode)
    if (after.owner !== undefined) fs.chownSync(directory.at("."), after.owner.uid, after.owner.gid)
  } catch (cause) {
    if (found._tag === "Absent") fs.rmdirSync(place.at)
    throw cause
  } finally {
    directory.close()
  }
  place.directory.sync()
}

/** Renames `from` over the place unless what is there changed since it was looked at. */
const swapIn = (from: string, place: Place, change: Change.Change): void => {
  // Writing took its time; look again as late as possible.
  const found = stateAt(place.at)
  if (!FileState.equals(change.before, found)) throw drifted(change.before, found)
  fs.renameSync(from, place.at)
  place.directory.sync()
}

const putLink = (
  host: Confinement,
  place: Place,
  change: Change.Change,
  temporaryIn: HostPath.HostPath,
): void => {
  const target = change.after._tag === "Link" ? change.after.target : ""
  const from = (directory: DirectoryHandle): void => {
    const temporary = directory.at(temporaryName())
    orRemove(temporary, () => {
      fs.symlinkSync(target, temporary)
      swapIn(temporary, place, change)
    })
  }
  // A link has no bytes that could be written in place: on another filesystem it is made beside its place.
  if (!unless(["EXDEV"], () => host.inside(temporaryIn, from))) from(place.directory)
}

const putFile = (
  host: Confinement,
  place: Place,
  change: Change.Change,
  after: FileAfter,
  temporaryIn: HostPath.HostPath,
): void => {
  const owner = after.owner ?? ownerOf(place)
  const renamed = host.inside(temporaryIn, (directory) => {
    const temporary = directory.at(temporaryName())
    return orRemove(temporary, () =>
      // `EPERM`: not allowed to give a new file to its owner; in place it keeps the one that it has.
      unless(["EXDEV", "EBUSY", "EPERM"], () => {
        writeNew(temporary, after, owner)
        swapIn(temporary, place, change)
      }),
    )
  })
  if (!renamed) writeInPlace(place, change, after)
}

/** Runs `use`; the file at `temporary` is gone afterwards unless it was renamed. */
const orRemove = <A>(temporary: string, use: () => A): A => {
  try {
    return use()
  } finally {
    fs.rmSync(temporary, { force: true })
  }
}

/** Whether `use` went well; false for the errno names that mean "not this way". */
const unless = (codes: ReadonlyArray<string>, use: () => void): boolean => {
  try {
    use()
    return true
  } catch (cause) {
    if (hasCode(cause, ...codes)) return false
    throw cause
  }
}

const ownerOf = (place: Place): FileState.Owner | undefined => {
  const stat = fs.lstatSync(place.at, { throwIfNoEntry: false })
  return stat?.isFile() === true ? { uid: stat.uid, gid: stat.gid } : undefined
}

const writeNew = (at: string, after: FileAfter, owner: FileState.Owner | undefined): void => {
  const fd = fs.openSync(at, "wx", 0o600)
  try {
    writeAll(fd, Buffer.from(after.text))
    giveTo(fd, owner)
    // After the owner: changing that one clears set-user-ID bits.
    fs.fchmodSync(fd, after.mode)
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

const writeAll = (fd: number, bytes: Uint8Array): void => {
  for (let done = 0; done < bytes.length;) done += fs.writeSync(fd, bytes, done, bytes.length - done, done)
}

const giveTo = (fd: number, owner: FileState.Owner | undefined): void => {
  if (owner === undefined) return
  const stat = fs.fstatSync(fd)
  if (stat.uid !== owner.uid || stat.gid !== owner.gid) fs.fchownSync(fd, owner.uid, owner.gid)
}

/** Writes into the file that is there, or makes it; puts the old bytes back when that fails half-way. */
const writeInPlace = (place: Place, change: Change.Change, after: FileAfter): void => {
  const isNew = change.before._tag === "Absent"
  const { O_WRONLY, O_NOFOLLOW, O_CREAT, O_EXCL } = fs.constants
  const fd = fs.openSync(place.at, O_WRONLY | O_NOFOLLOW | (isNew ? O_CREAT | O_EXCL : 0), 0o600)
  try {
    overwrite(fd, after)
  } catch (cause) {
    const { before } = change
    if (before._tag === "File") asFarAsPossible(() => overwrite(fd, before))
    if (isNew) asFarAsPossible(() => fs.unlinkSync(place.at))
    throw cause
  } finally {
    fs.closeSync(fd)
  }
  if (isNew) place.directory.sync()
}

const overwrite = (fd: number, state: FileAfter): void => {
  const bytes = Buffer.from(state.text)
  writeAll(fd, bytes)
  fs.ftruncateSync(fd, bytes.length)
  giveTo(fd, state.owner)
  if ((fs.fstatSync(fd).mode & 0o7777) !== state.mode) fs.fchmodSync(fd, state.mode)
  fs.fsyncSync(fd)
}

/** Runs `use` on the way out of a failure, which is the one to be told. */
const asFarAsPossible = (use: () => void): void => {
  try {
    use()
  } catch {
    // The first failure says why; this one would hide it.
  }
}
