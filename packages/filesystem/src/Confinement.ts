/**
 * Answers: which directory and name is a host path, with the links above its last component followed as if the
 * host's root were `/`? Directories are opened one by one and never through a link that was not looked at, so
 * nothing that is planted meanwhile leads a write elsewhere. Source: decisions §8, §9.
 */
import { type HostLayout, HostPath } from "@kata-deploy/core"
import fs from "node:fs"
import nodePath from "node:path"
import { type DirectoryHandle, type OpenDirectory, openBest } from "./DirectoryHandle.ts"
import { codeOf, errno, hasCode, OutOfSight, Refusal } from "./Failure.ts"

/** The last component of a host path in its open directory; `.` where the path is itself a mounted directory. */
export interface Place {
  readonly directory: DirectoryHandle
  readonly name: string
  /** The path for `fs` functions; valid while the place is in use. */
  readonly at: string
  /** The host path with every link above its last component resolved. */
  readonly host: HostPath.HostPath
}

const mostLinks = 40

const componentsOf = (path: string): ReadonlyArray<string> =>
  path.split("/").filter((part) => part !== "" && part !== ".")

/** The host's paths as this process may reach them. */
export class Confinement {
  readonly layout: HostLayout.HostLayout
  private readonly openDirectory: OpenDirectory

  constructor(layout: HostLayout.HostLayout, openDirectory: OpenDirectory = openBest) {
    this.layout = layout
    this.openDirectory = openDirectory
  }

  /** Uses the place of a path, whose last component is not followed; fails with `ENOENT` without its directory. */
  within<A>(path: HostPath.HostPath, use: (place: Place) => A): A {
    const walk = new Walk(this.layout, this.openDirectory)
    try {
      return use(walk.toPlace(path))
    } finally {
      walk.close()
    }
  }

  /** Holds the directory at a path, as `inside` does, until it is released. */
  hold(path: HostPath.HostPath): { readonly directory: DirectoryHandle; readonly release: () => void } {
    const walk = new Walk(this.layout, this.openDirectory)
    try {
      return { directory: walk.toDirectory(path).handle, release: () => walk.close() }
    } catch (cause) {
      walk.close()
      throw cause
    }
  }

  /** Uses the directory at a path, a link at its last component being followed, too. */
  inside<A>(path: HostPath.HostPath, use: (directory: DirectoryHandle, host: HostPath.HostPath) => A): A {
    const walk = new Walk(this.layout, this.openDirectory)
    try {
      const { handle, host } = walk.toDirectory(path)
      return use(handle, host)
    } finally {
      walk.close()
    }
  }
}

interface Opened {
  readonly host: HostPath.HostPath
  readonly handle: DirectoryHandle
}

/** One walk from the root to a path; owns the directories that it opened. */
class Walk {
  private readonly layout: HostLayout.HostLayout
  private readonly openDirectory: OpenDirectory
  /** From the mount that we are in down to where we are; empty above every mount. */
  private chain: Array<Opened> = []
  private extra: Array<DirectoryHandle> = []
  private host: HostPath.HostPath = HostPath.root
  private todo: Array<string> = []
  private links = 0
  private lastLink: string | undefined

  constructor(layout: HostLayout.HostLayout, openDirectory: OpenDirectory) {
    this.layout = layout
    this.openDirectory = openDirectory
  }

  close(): void {
    for (const { handle } of this.chain) handle.close()
    for (const handle of this.extra) handle.close()
    this.chain = []
    this.extra = []
  }

  /** Walks to the directory above the last component and names that component. */
  toPlace(path: HostPath.HostPath): Place {
    this.restart(componentsOf(path))
    while (this.todo.length > 1) this.step()
    const name = this.todo[0]
    if (name === undefined) return this.itself()
    const next = HostPath.join(this.host, name)
    const mount = this.mountAt(next)
    if (mount !== undefined) return this.mounted(mount)
    const here = this.here()
    return { directory: here, name, at: here.at(name), host: next }
  }

  /** Walks into the path itself. */
  toDirectory(path: HostPath.HostPath): Opened {
    this.restart(componentsOf(path))
    while (this.todo.length > 0) this.step()
    return { host: this.host, handle: this.here() }
  }

  private here(): DirectoryHandle {
    const deepest = this.chain.at(-1)
    if (deepest !== undefined) return deepest.handle
    throw this.lastLink === undefined
      ? new OutOfSight()
      : new Refusal({ _tag: "EscapesRoot", via: this.lastLink })
  }

  private itself(): Place {
    const here = this.here()
    return { directory: here, name: ".", at: here.at("."), host: this.host }
  }

  private mountAt(host: HostPath.HostPath): HostLayout.Mount | undefined {
    return this.layout.mounts.find((mount) => mount.host === host)
  }

  /** Starts over at the root of the host, with these components to go. */
  private restart(todo: ReadonlyArray<string>): void {
    for (const { handle } of this.chain) handle.close()
    this.chain = []
    this.host = HostPath.root
    this.todo = [...todo]
    const mount = this.mountAt(HostPath.root)
    if (mount !== undefined) this.enter(mount)
  }

  private enter(mount: HostLayout.Mount): void {
    const handle = this.openMount(mount.seen)
    for (const opened of this.chain) opened.handle.close()
    this.chain = [{ host: mount.host, handle }]
    this.host = mount.host
  }

  private openMount(seen: string): DirectoryHandle {
    try {
      return this.openDirectory(seen)
    } catch (cause) {
      throw codeOf(cause) === "ENOENT" ? new OutOfSight() : cause
    }
  }

  /** A path that is itself mounted: a directory, or a single file. */
  private mounted(mount: HostLayout.Mount): Place {
    try {
      this.enter(mount)
      return this.itself()
    } catch (cause) {
      if (!hasCode(cause, "ENOTDIR")) throw cause
      const directory = this.openDirectory(nodePath.dirname(mount.seen))
      this.extra.push(directory)
      const name = nodePath.basename(mount.seen)
      return { directory, name, at: directory.at(name), host: mount.host }
    }
  }

  private step(): void {
    const name = this.todo.shift() as string
    if (name === "..") return this.up()
    const next = HostPath.join(this.host, name)
    const mount = this.mountAt(next)
    if (mount !== undefined) return this.enter(mount)
    const deepest = this.chain.at(-1)
    if (deepest === undefined) {
      // Above every mount nothing can be seen, links neither; what is below may be mounted.
      this.host = next
      return
    }
    try {
      this.chain.push({ host: next, handle: deepest.handle.open(name) })
      this.host = next
    } catch (cause) {
      if (!hasCode(cause, "ENOTDIR", "ELOOP")) throw cause
      this.follow(deepest.handle.at(name), next)
    }
  }

  private up(): void {
    const parent = HostPath.parent(this.host)
    if (this.chain.length > 1) {
      this.chain.pop()?.handle.close()
      this.host = parent
    } else {
      this.restart([...componentsOf(parent), ...this.todo])
    }
  }

  private follow(at: string, link: HostPath.HostPath): void {
    const target = targetOf(at)
    this.links++
    if (this.links > mostLinks) throw errno("ELOOP")
    this.lastLink = link
    const parts = componentsOf(target)
    if (target.startsWith("/")) this.restart([...parts, ...this.todo])
    else this.todo.unshift(...parts)
  }
}

/** The target of a link; anything else in the middle of a path is `ENOTDIR`. */
const targetOf = (at: string): string => {
  try {
    return fs.readlinkSync(at)
  } catch (cause) {
    throw codeOf(cause) === "EINVAL" ? errno("ENOTDIR") : cause
  }
}
