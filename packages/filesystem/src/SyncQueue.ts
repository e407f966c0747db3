/**
 * Answers: when is everything that was written on the disk? Files are synced by the thread pool while the next ones
 * are unpacked; whoever needs them to be durable waits for all.
 */
import fs from "node:fs"

/** Descriptors that may be open at once, well below the usual limit of 1024. */
const mostOpen = 64

/** Files that are being synced. */
export class SyncQueue {
  private open = 0
  private failure: { readonly cause: unknown } | undefined
  private wake: (() => void) | undefined

  /** Makes a file durable and closes it. */
  syncAndClose(fd: number): void {
    if (this.open >= mostOpen) {
      this.now(fd)
      return
    }
    this.open++
    fs.fsync(fd, (error) => {
      if (error !== null) this.failure ??= { cause: error }
      fs.closeSync(fd)
      this.open--
      if (this.open === 0) this.wake?.()
    })
  }

  /** Waits for every file; fails if one could not be synced. */
  async settled(): Promise<void> {
    await this.closed()
    if (this.failure !== undefined) throw this.failure.cause
  }

  /** Waits until no file is open any more, whatever became of it. */
  async closed(): Promise<void> {
    if (this.open > 0) await new Promise<void>((resolve) => (this.wake = resolve))
  }

  private now(fd: number): void {
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  }
}
