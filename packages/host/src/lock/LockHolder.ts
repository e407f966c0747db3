/**
 * Answers: who holds the lock on a file? What the kernel lists in `/proc/locks`, with the program's name; pure but for
 * the reading at the edge. Command lines are not repeated: they may hold secrets.
 */
import { readFileSync, statSync } from "node:fs"

/** Reads a file of `/proc`; `undefined` where it cannot be read. */
export type ReadProc = (path: string) => string | undefined

/** Which file is meant, as the kernel numbers it. */
export interface FileIdentity {
  readonly inode: bigint
  /** `major:minor` in hexadecimal, as in `/proc/locks`. */
  readonly device: string
}

/** What is said where the kernel does not tell. */
export const nobodyKnown = "somebody who cannot be seen from here"

const major = (device: bigint): bigint => ((device >> 8n) & 0xfffn) | ((device >> 32n) & ~0xfffn)
const minor = (device: bigint): bigint => (device & 0xffn) | ((device >> 12n) & ~0xffn)

const hex = (number: bigint): string => number.toString(16).padStart(2, "0")

/** The identity behind what `stat` says. */
export const identityOf = (stat: { readonly ino: bigint; readonly dev: bigint }): FileIdentity => ({
  inode: stat.ino,
  device: `${hex(major(stat.dev))}:${hex(minor(stat.dev))}`,
})

/**
 * Process ids of those that hold a lock on the file; 0 and below stand for a process outside of this PID namespace.
 * Where layers of a filesystem hide the device, the inode alone has to do. Source: proc_locks(5).
 */
export const pidsIn = (locks: string, file: FileIdentity): ReadonlyArray<number> => {
  const held = locks.split("\n").flatMap((line) => {
    // `1: FLOCK  ADVISORY  WRITE 708 00:17:16 0 EOF`; an arrow stands before those that wait.
    const found = /^\d+: FLOCK\s+\S+\s+\S+\s+(-?\d+) ([0-9a-f]+:[0-9a-f]+):(\d+) /.exec(line)
    if (found === null || BigInt(found[3]!) !== file.inode) return []
    return [{ pid: Number(found[1]), device: found[2]! }]
  })
  const exact = held.filter(({ device }) => device === file.device)
  return (exact.length > 0 ? exact : held).map(({ pid }) => pid)
}

const interpreters = /^(node|python[\d.]*|perl|sh|bash|dash|busybox)$/

/** Flags of interpreters with the program itself behind them, which is nobody's to read: `sh -ec '…'`. */
const inline = /^(?:-[a-z]*[cep]|--eval|--print)$/

const baseName = (path: string): string => path.slice(path.lastIndexOf("/") + 1)

/** The name of a program by its command line: `flock`, or the script that an interpreter runs. */
export const programOf = (commandLine: string): string | undefined => {
  const [program = "", ...args] = commandLine.split("\0").filter((word) => word !== "")
  const name = baseName(program)
  const first = args.findIndex((word) => !word.startsWith("-"))
  const isInline = args.slice(0, first).some((word) => inline.test(word))
  const script = interpreters.test(name) && !isInline ? args[first] : undefined
  return (script === undefined ? name : baseName(script)) || undefined
}

const parentOf = (status: string | undefined): number =>
  Number(/^PPid:\t(\d+)$/m.exec(status ?? "")?.[1] ?? 0)

/** Who holds the lock, as a noun phrase: `kata-deploy.mjs (process 4711)`. A `flock` is named by who started it. */
export const describe = (read: ReadProc, file: FileIdentity): string => {
  const [pid] = pidsIn(read("/proc/locks") ?? "", file)
  if (pid === undefined || pid <= 0) return nobodyKnown
  const named = (of: number): string | undefined => programOf(read(`/proc/${of}/cmdline`) ?? "")
  const parent = named(pid) === "flock" ? parentOf(read(`/proc/${pid}/status`)) : 0
  const who = parent > 1 && named(parent) !== undefined ? parent : pid
  return `${named(who) ?? "a program that has ended"} (process ${who})`
}

/** Reads `/proc` of this machine. */
export const readProc: ReadProc = (path) => {
  try {
    return readFileSync(path, "utf8")
  } catch {
    return undefined
  }
}

/** Who holds the lock on the file at `path` now. */
export const of = (path: string): string => {
  try {
    return describe(readProc, identityOf(statSync(path, { bigint: true })))
  } catch {
    return nobodyKnown
  }
}
