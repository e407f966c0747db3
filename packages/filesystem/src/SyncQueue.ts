/**
 * Answers: when is everything that was written on the disk? Large files are synced by the thread pool while the next
 * ones are unpacked, so that the disk works all the time. Small ones are only counted: one `sync -f` of the filesystem
 * at the end takes a fraction of what thousands of `fsync` take where each waits for the disk.
 */
import { execFile } from "node:child_process"
import fs from "node:fs"
import process from "node:process"

/** Descriptors that may be open at once, well below the usual limit of 1024 even with several threads. */
const mostOpen = 64

/** Descriptors that the queues of this thread have open; several parts may wait for the disk at once. */
let openHere = 0

/** From this size on a file is synced by itself. */
const largeBytes = 1024 * 1024

/** So many small files are synced one by one, without a program. */
const fewFiles = 16

/** Files that are being synced. */
export class SyncQueue {
  /** Paths of the files that are not synced yet, and nobody works on it. */
  readonly unsynced: Array<string> = []
  private open = 0
  private failure: { readonly cause: unknown } | undefined
  private wake: (() => void) | undefined

  /** Makes a large file durable, notes a small one; closes both. */
  syncAndClose(fd: number, size: number, path: string): void {
    if (size < largeBytes) {
      this.unsynced.push(path)
      fs.closeSync(fd)
    } else if (openHere >= mostOpen) this.now(fd)
    else this.later(fd)
  }

  /** Waits for every large file; fails if one could not be synced. */
  async settled(): Promise<void> {
    await this.closed()
    if (this.failure !== undefined) throw this.failure.cause
  }

  /** Waits until no file is open any more, whatever became of it. */
  async closed(): Promise<void> {
    if (this.open > 0) await new Promise<void>((resolve) => (this.wake = resolve))
  }

  private later(fd: number): void {
    this.open++
    openHere++
    fs.fsync(fd, (error) => {
      if (error !== null) this.failure ??= { cause: error }
      fs.closeSync(fd)
      this.open--
      openHere--
      if (this.open === 0) this.wake?.()
    })
  }

  private now(fd: number): void {
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  }
}

const syncOne = (path: string): Promise<void> =>
  new Promise((resolve, reject) => {
    const fd = fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW)
    fs.fsync(fd, (error) => {
      fs.closeSync(fd)
      if (error === null) resolve()
      else reject(error)
    })
  })

/** Whether the filesystem below `directory` was synced as a whole; not every image has the program. */
const syncedAsWhole = (directory: string): Promise<boolean> =>
  new Promise((resolve) => {
    // A descriptor of ours, seen from a child.
    const seen = directory.replace(/^\/proc\/self\//, `/proc/${process.pid}/`)
    execFile("sync", ["-f", seen], (error) => resolve(error === null))
  })

/** Makes small files durable; all of them lie on the filesystem of `directory`. */
export const syncSmall = async (directory: string, paths: ReadonlyArray<string>): Promise<void> => {
  if (paths.length > fewFiles && (await syncedAsWhole(directory))) return
  for (const path of paths) await syncOne(path)
}
