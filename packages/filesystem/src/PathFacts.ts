/** Answers: is this a mount point, how much may still be written here, and may we write at all? */
import fs from "node:fs"
import { Fact, HostError, HostPath } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import { hasCode, OutOfSight, reasonOf } from "./Failure.ts"

const unknown = (cause: unknown): Fact.Fact<never> =>
  Fact.unknown(cause instanceof OutOfSight ? "out-of-sight" : "failed", HostError.describe(reasonOf(cause)))

/** Whether `name` in an open directory is a directory on which another filesystem, or part of one, is mounted. */
export const isMounted = (directory: DirectoryHandle, name: string): boolean => {
  const handle = directory.open(name)
  try {
    return handle.mount() !== directory.mount()
  } finally {
    handle.close()
  }
}

/** Whether a host path is a mount point; the host's root is one. */
export const isMountPoint = (host: Confinement, path: HostPath.HostPath): Fact.Fact<boolean> => {
  try {
    return Fact.known(
      host.within(path, (place) => {
        if (place.host === HostPath.root) return true
        if (!fs.lstatSync(place.at).isDirectory()) return false
        // Of a directory that is mounted into our view by itself, `..` is the container's side of the mount.
        return place.name === "." ? isMounted(place.directory, "..") : isMounted(place.directory, place.name)
      }),
    )
  } catch (cause) {
    return hasCode(cause, "ENOENT", "ENOTDIR") ? Fact.known(false) : unknown(cause)
  }
}

/** Uses the nearest directory at or above a path that is there. */
const nearest = <A>(host: Confinement, path: HostPath.HostPath, use: (at: string) => A): A => {
  for (let directory = path; ; directory = HostPath.parent(directory)) {
    try {
      return host.inside(directory, (handle) => use(handle.at(".")))
    } catch (cause) {
      if (directory === HostPath.root || !hasCode(cause, "ENOENT", "ENOTDIR")) throw cause
    }
  }
}

/** Bytes that may still be written to the filesystem of a path or of its nearest existing directory. */
export const freeBytes = (host: Confinement, path: HostPath.HostPath): Fact.Fact<number> => {
  try {
    return Fact.known(
      nearest(host, path, (at) => {
        const stat = fs.statfsSync(at)
        return stat.bavail * stat.bsize
      }),
    )
  } catch (cause) {
    return unknown(cause)
  }
}

const mayAccess = (at: string): boolean => {
  try {
    fs.accessSync(at, fs.constants.W_OK | fs.constants.X_OK)
    return true
  } catch (cause) {
    if (hasCode(cause, "EACCES", "EPERM", "EROFS")) return false
    throw cause
  }
}

/** Whether something may be created at a path, or be put in the place of what is there. */
export const mayWrite = (host: Confinement, path: HostPath.HostPath): Fact.Fact<boolean> => {
  try {
    const isDirectory = host.within(path, (place) => fs.lstatSync(place.at).isDirectory())
    // A file is replaced by renaming, so it is the directory that has to allow it.
    const directory = isDirectory ? path : HostPath.parent(path)
    return Fact.known(nearest(host, directory, mayAccess))
  } catch (cause) {
    if (!hasCode(cause, "ENOENT", "ENOTDIR")) return unknown(cause)
  }
  try {
    return Fact.known(nearest(host, HostPath.parent(path), mayAccess))
  } catch (cause) {
    return unknown(cause)
  }
}
