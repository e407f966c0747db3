/** Answers: how much memory does a process hold right now, as the kernel counts it? */
import { readFileSync } from "node:fs"

/** Memory of a process in MiB. */
export interface Memory {
  /** Everything that is resident. */
  readonly rss: number
  /** What only this process has and no file holds: `Private_Dirty`. */
  readonly private: number
  /** The rest: pages of files, which other processes share or the kernel can drop. */
  readonly shared: number
}

/** Memory of a process; `undefined` when it is gone. */
export const memoryOf = (pid: number): Memory | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8")
    const mebibytes = (name: string): number =>
      Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(text)?.[1] ?? Number.NaN) / 1024
    const rss = mebibytes("Rss")
    // A process that ends has an empty list.
    if (!(rss > 0)) return undefined
    return { rss, private: mebibytes("Private_Dirty"), shared: rss - mebibytes("Private_Dirty") }
  } catch {
    return undefined
  }
}

/** The higher of each figure. */
export const highest = (before: Memory | undefined, now: Memory): Memory =>
  before === undefined
    ? now
    : {
        rss: Math.max(before.rss, now.rss),
        private: Math.max(before.private, now.private),
        shared: Math.max(before.shared, now.shared),
      }

/** Processes that a process has started and that still run. */
export const childrenOf = (pid: number): ReadonlyArray<number> => {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
    return text === "" ? [] : text.split(" ").map(Number)
  } catch {
    return []
  }
}
