/**
 * Answers: how does what is ours go, and only that? Links are removed, never followed; mount points are emptied and
 * kept; what somebody else put there stays and is named. A failure does not keep the rest from going.
 * Source: spec 05 §6, decisions §3.
 */
import fs from "node:fs"
import { HostError, HostFiles, HostPath, type Ledger } from "@kata-deploy/core"
import type { Confinement } from "./Confinement.ts"
import { deepestFirst, DirectoryCursor, nameOf, parentOf } from "./DirectoryCursor.ts"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import { hasCode, reasonOf } from "./Failure.ts"
import { namesIn } from "./Observation.ts"
import { isMounted } from "./PathFacts.ts"

type Left = HostFiles.Removal["left"][number]
type Failed = HostFiles.Removal["failed"][number]

const byPath = (a: Left | Failed, b: Left | Failed): number => (a.path < b.path ? -1 : 1)

/** Removes a tree or the owned part of one. */
export const removeTree = (host: Confinement, action: HostFiles.RemoveTreeAction): HostFiles.Removal => {
  try {
    return host.inside(action.root, (root, resolved) => {
      const removing = new Removing(root, action, reservedBelow(action, resolved))
      if (action.entries === "everything") removing.everythingIn(root, "")
      else removing.owned(action.entries)
      return removing.result()
    })
  } catch (cause) {
    if (hasCode(cause, "ENOENT", "ENOTDIR")) return { removed: 0, bytes: 0, left: [], failed: [] }
    throw cause
  }
}

/** Reserved paths relative to the root, whether they are given with its links resolved or not. */
const reservedBelow = (
  action: HostFiles.RemoveTreeAction,
  resolved: HostPath.HostPath,
): ReadonlyArray<string> =>
  action.reserved.flatMap((path) => {
    const base = [action.root, resolved].find((root) => HostPath.isBelow(path, root))
    return base === undefined ? [] : [HostPath.relativeTo(path, base)]
  })

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(`${directory}/`)

class Removing {
  private readonly root: DirectoryHandle
  private readonly action: HostFiles.RemoveTreeAction
  private readonly reserved: ReadonlyArray<string>
  private readonly left: Array<Left> = []
  private readonly failed: Array<Failed> = []
  private removed = 0
  private bytes = 0

  constructor(root: DirectoryHandle, action: HostFiles.RemoveTreeAction, reserved: ReadonlyArray<string>) {
    this.root = root
    this.action = action
    this.reserved = reserved
  }

  result(): HostFiles.Removal {
    return {
      removed: this.removed,
      bytes: this.bytes,
      left: this.left.sort(byPath),
      failed: this.failed.sort(byPath),
    }
  }

  /** Empties a directory; `relative` is its path below the root. */
  everythingIn(directory: DirectoryHandle, relative: string): void {
    for (const name of namesIn(directory.at("."))) {
      const path = relative === "" ? name : `${relative}/${name}`
      if (!this.isReserved(path)) this.goOn(path, () => this.everythingAt(directory, name, path))
    }
    this.goOn(relative, () => directory.sync())
  }

  private everythingAt(directory: DirectoryHandle, name: string, path: string): void {
    const stat = fs.lstatSync(directory.at(name))
    if (!stat.isDirectory()) {
      this.unlink(directory, name, path)
      if (stat.isFile()) this.bytes += stat.size
      return
    }
    const mounted = isMounted(directory, name)
    if (mounted && this.action.mountPoints === "left-alone") return this.keep(path, "mount point")
    const inner = directory.open(name)
    try {
      this.everythingIn(inner, path)
    } finally {
      inner.close()
    }
    if (mounted) this.keep(path, "mount point")
    else if (!this.holdsReserved(path)) this.rmdir(directory, name, path)
  }

  /** Removes what the ledger lists, and names what is left in our directories. */
  owned(entries: ReadonlyArray<Ledger.OwnedEntry>): void {
    const files = entries
      .filter((entry) => entry.type !== "directory")
      .sort((a, b) => (a.path < b.path ? -1 : 1))
    const directories = entries.filter((entry) => entry.type === "directory").sort(deepestFirst)
    const cursor = new DirectoryCursor(this.root)
    try {
      for (const { path } of files)
        this.visit(cursor, path, (parent, name) => this.ownedFile(parent, name, path))
      for (const { path } of directories) {
        this.visit(cursor, path, (parent, name) => this.ownedDirectory(parent, name, path))
      }
      const ours = new Set(entries.map((entry) => entry.path))
      for (const path of ["", ...directories.map((entry) => entry.path)])
        this.goOn(path, () => this.nameForeign(cursor, path, ours))
      this.goOn("", () => this.root.sync())
    } finally {
      cursor.close()
    }
  }

  private visit(
    cursor: DirectoryCursor,
    path: string,
    use: (parent: DirectoryHandle, name: string) => void,
  ): void {
    if (this.isReserved(path)) return
    this.goOn(path, () => {
      try {
        use(cursor.enter(parentOf(path)), nameOf(path))
      } catch (cause) {
        // Its directory is gone, or is a link or a file now: what we put there is no more.
        if (!hasCode(cause, "ENOENT", "ENOTDIR", "ELOOP")) throw cause
        this.removed++
      }
    })
  }

  private ownedFile(parent: DirectoryHandle, name: string, path: string): void {
    if (isDirectory(parent, name)) this.keep(path, "it is a directory now")
    else this.unlink(parent, name, path)
  }

  private ownedDirectory(parent: DirectoryHandle, name: string, path: string): void {
    if (!isDirectory(parent, name)) this.keep(path, "it is no directory now")
    else if (isMounted(parent, name)) this.keep(path, "mount point")
    else this.rmdir(parent, name, path)
  }

  private unlink(parent: DirectoryHandle, name: string, path: string): void {
    try {
      fs.unlinkSync(parent.at(name))
      this.removed++
    } catch (cause) {
      // A file, too, may have another one mounted on it.
      if (!hasCode(cause, "EBUSY")) throw cause
      this.keep(path, "mount point")
    }
  }

  private rmdir(parent: DirectoryHandle, name: string, path: string): void {
    try {
      fs.rmdirSync(parent.at(name))
      this.removed++
    } catch (cause) {
      if (hasCode(cause, "EBUSY")) this.keep(path, "mount point")
      else if (!hasCode(cause, "ENOTEMPTY", "EEXIST")) throw cause
    }
  }

  private nameForeign(cursor: DirectoryCursor, directory: string, ours: ReadonlySet<string>): void {
    try {
      const inside = cursor.enter(directory)
      for (const name of namesIn(inside.at("."))) {
        const path = directory === "" ? name : `${directory}/${name}`
        if (ours.has(path) || this.isReserved(path) || this.holdsReserved(path)) continue
        this.keep(
          path,
          isDirectory(inside, name) && isMounted(inside, name) ? "mount point" : HostFiles.notOurs,
        )
      }
    } catch (cause) {
      if (!hasCode(cause, "ENOENT", "ENOTDIR", "ELOOP")) throw cause
    }
  }

  private keep(path: string, why: string): void {
    this.left.push({ path: HostPath.join(this.action.root, path), why })
  }

  private isReserved(path: string): boolean {
    return this.reserved.some((reserved) => isWithin(path, reserved))
  }

  private holdsReserved(path: string): boolean {
    return this.reserved.some((reserved) => isWithin(reserved, path))
  }

  /** Does one thing about a path; that it failed is told when everything else is done. */
  private goOn(path: string, run: () => void): void {
    try {
      run()
    } catch (cause) {
      const at = path === "" ? this.action.root : HostPath.join(this.action.root, path)
      this.failed.push({ path: at, reason: reasonOf(cause) })
    }
  }
}

const isDirectory = (parent: DirectoryHandle, name: string): boolean =>
  fs.lstatSync(parent.at(name)).isDirectory()

/**
 * Removes each directory that is empty and no mount point; tells which ones went. One that cannot be removed does not
 * keep the others from going. What lies below one of them that is a link now is somebody else's.
 */
export const prune = (
  host: Confinement,
  directories: ReadonlyArray<HostPath.HostPath>,
): ReadonlyArray<HostPath.HostPath> => {
  let failure: HostError.HostError | undefined
  const links = directories.filter((path) => isLink(host, path))
  const gone = directories.filter((path) => {
    try {
      return !links.some((link) => HostPath.isWithin(path, link)) && pruneOne(host, path)
    } catch (cause) {
      failure ??= new HostError.HostError({ operation: "remove", path, reason: reasonOf(cause) })
      return false
    }
  })
  if (failure !== undefined) throw failure
  return gone
}

const isLink = (host: Confinement, path: HostPath.HostPath): boolean => {
  try {
    return host.within(path, (place) => fs.lstatSync(place.at).isSymbolicLink())
  } catch {
    // It is told when it is to go.
    return false
  }
}

const stays = ["ENOTEMPTY", "EEXIST", "EBUSY", "EINVAL", "ENOENT", "ENOTDIR"]

const pruneOne = (host: Confinement, path: HostPath.HostPath): boolean => {
  try {
    return host.within(path, (place) => {
      if (place.name === "." || !isDirectory(place.directory, place.name)) return false
      if (isMounted(place.directory, place.name)) return false
      fs.rmdirSync(place.at)
      place.directory.sync()
      return true
    })
  } catch (cause) {
    if (hasCode(cause, ...stays)) return false
    throw cause
  }
}
