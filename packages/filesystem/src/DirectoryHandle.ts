/**
 * Answers: how is one directory held so that nobody can exchange it under our hands? Node has no `openat`; on Linux
 * an open descriptor reached through `/proc/self/fd/N/name` does the same. Elsewhere paths are checked instead,
 * which is correct but not safe against somebody who plants links at the same moment. Source: decisions §9.
 */
import fs from "node:fs"
import nodePath from "node:path"
import { errno, hasCode } from "./Failure.ts"

/** An open directory. Names given to it are single components. */
export interface DirectoryHandle {
  /** The path that reaches `name` in this directory, nothing on the way being followed. */
  readonly at: (name: string) => string
  /** Opens a directory in this one; a link or anything else is `ENOTDIR`. */
  readonly open: (name: string) => DirectoryHandle
  /** The mount that this directory is on; two directories on one mount have equal answers. */
  readonly mount: () => string
  /** Makes renames and removals in this directory durable. */
  readonly sync: () => void
  /** Ends the use of the handle. */
  readonly close: () => void
}

/** Opens a directory by a path that is trusted as it is. */
export type OpenDirectory = (path: string) => DirectoryHandle

// Not among Node's constants; the same number on every architecture that Kata runs on.
const O_PATH = 0o10000000
const pathOnly = O_PATH | fs.constants.O_DIRECTORY

const syncDirectory = (path: string): void => {
  let fd: number | undefined
  try {
    fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY)
    fs.fsyncSync(fd)
  } catch (cause) {
    // Directories that may be written but not read, and filesystems that cannot sync one: the change is made.
    if (!hasCode(cause, "EACCES", "EINVAL", "ENOTSUP")) throw cause
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}

const held = (fd: number): DirectoryHandle => {
  const self = `/proc/self/fd/${fd}`
  return {
    at: (name) => `${self}/${name}`,
    open: (name) => held(fs.openSync(`${self}/${name}`, pathOnly | fs.constants.O_NOFOLLOW)),
    mount: () => {
      const id = /^mnt_id:\s*(\d+)$/m.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, "utf8"))
      return id?.[1] ?? String(fs.statSync(`${self}/.`).dev)
    },
    sync: () => syncDirectory(`${self}/.`),
    close: () => fs.closeSync(fd),
  }
}

const checked = (path: string): DirectoryHandle => ({
  at: (name) => `${path}/${name}`,
  open: (name) => {
    const next = nodePath.join(path, name)
    if (name !== "." && !fs.lstatSync(next).isDirectory()) throw errno("ENOTDIR")
    return checked(next)
  },
  mount: () => String(fs.statSync(path).dev),
  sync: () => syncDirectory(path),
  close: () => undefined,
})

/** Holds a directory by descriptor (Linux with `/proc`). */
export const openHeld: OpenDirectory = (path) => held(fs.openSync(path, pathOnly))

/** Holds a directory by its checked path (everything else). */
export const openChecked: OpenDirectory = (path) => {
  if (!fs.statSync(path).isDirectory()) throw errno("ENOTDIR")
  return checked(fs.realpathSync(path))
}

/** The best way that this machine offers. */
export const openBest: OpenDirectory =
  process.platform === "linux" && fs.existsSync("/proc/self/fd") ? openHeld : openChecked
