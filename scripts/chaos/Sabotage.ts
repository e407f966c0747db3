/**
 * Answers: how does one call to the filesystem go wrong, or be the last one of a process? Puts itself around the
 * functions of `node:fs` that the adapters use, counts the calls, and lets the chosen one fail or end the process.
 *
 * Loaded with `node --import` it sabotages a whole program, which knows nothing of it: `CHAOS` holds the orders as JSON,
 * and `CHAOS_LOG` names a file that gets a line for each counted call.
 */
import fs from "node:fs"
import { syncBuiltinESMExports } from "node:module"
import process from "node:process"
import { Worker } from "node:worker_threads"

/** What an error of the operating system is called. */
export type Errno = "ENOSPC" | "EIO" | "EROFS" | "EACCES"

/** What happens at the call with this number, counted from 1. */
export type Orders =
  /** The process gets a signal just before the call. */
  | { readonly kind: "signal"; readonly at: number; readonly signal: "SIGKILL" | "SIGTERM" }
  /** The call fails. */
  | { readonly kind: "fails"; readonly at: number; readonly code: Errno; readonly calls: Calls }
  /** This call and every later one fails: nothing reaches the disk any more, as after SIGKILL. */
  | { readonly kind: "dead"; readonly at: number }
  /** The process gets a signal this many milliseconds after its start, in the middle of whatever it does. */
  | { readonly kind: "moment"; readonly milliseconds: number; readonly signal: "SIGKILL" | "SIGTERM" }
  | { readonly kind: "none"; readonly calls: Calls }

/** Which calls are counted. */
export type Calls = "changes" | "looks"

/** A sabotage that is going on. */
export interface Sabotage {
  /** The counted calls so far, as `name path`. */
  readonly calls: ReadonlyArray<string>
  /** Whether the chosen call was reached. */
  readonly reached: () => boolean
  /** Takes the sabotage back. */
  readonly end: () => void
}

const changing = [
  "chmodSync",
  "chownSync",
  "copyFileSync",
  "fchmodSync",
  "fchownSync",
  "fsyncSync",
  "ftruncateSync",
  "futimesSync",
  "lchownSync",
  "linkSync",
  "lutimesSync",
  "mkdirSync",
  "openSync",
  "renameSync",
  "rmSync",
  "rmdirSync",
  "symlinkSync",
  "unlinkSync",
  "writeFileSync",
  "writeSync",
] as const

const looking = [
  "fstatSync",
  "lstatSync",
  "openSync",
  "readFileSync",
  "readSync",
  "readdirSync",
  "readlinkSync",
  "statSync",
  "statfsSync",
] as const

type Name = (typeof changing)[number] | (typeof looking)[number]
type AnyFunction = (...args: ReadonlyArray<unknown>) => unknown

const writes = fs.constants.O_WRONLY | fs.constants.O_RDWR | fs.constants.O_CREAT | fs.constants.O_TRUNC

const opensForWriting = (flags: unknown): boolean =>
  typeof flags === "number" ? (flags & writes) !== 0 : typeof flags === "string" && /[wa+]/.test(flags)

/** Whether a call is one of those that are counted; what people are shown is none. */
const counts = (name: Name, args: ReadonlyArray<unknown>, calls: Calls): boolean => {
  if (name === "openSync") return opensForWriting(args[1]) === (calls === "changes")
  return typeof args[0] !== "number" || args[0] > 2
}

const failure = (code: string, name: string): Error =>
  Object.assign(new Error(`${code}: sabotaged ${name}`), { code, syscall: name })

/** Sabotages this process. */
export const begin = (orders: Orders, told: (call: string) => void = () => undefined): Sabotage => {
  const calls: Array<string> = []
  const kind: Calls = orders.kind === "fails" || orders.kind === "none" ? orders.calls : "changes"
  const at = "at" in orders ? orders.at : Number.POSITIVE_INFINITY
  const originals = new Map<string, unknown>()
  const module = fs as unknown as Record<string, AnyFunction>
  const strike = (name: string, args: ReadonlyArray<unknown>): Error | undefined => {
    const call = `${name} ${args.filter((arg) => typeof arg === "string").join(" ")}`.slice(0, 300)
    const number = calls.push(call)
    told(call)
    if (orders.kind === "dead" && number >= at) return failure("EIO", name)
    if (number !== at) return undefined
    if (orders.kind === "fails") return failure(orders.code, name)
    if (orders.kind === "signal") process.kill(process.pid, orders.signal)
    return undefined
  }
  const wrap = (name: string, made: AnyFunction): void => {
    originals.set(name, module[name])
    module[name] = made
  }
  for (const name of kind === "changes" ? changing : looking) {
    const original = module[name]!
    wrap(name, (...args) => {
      const error = counts(name, args, kind) ? strike(name, args) : undefined
      if (error !== undefined) throw error
      return original(...args)
    })
  }
  if (kind === "changes") {
    const original = module["fsync"]!
    wrap("fsync", (...args) => {
      const error = strike("fsync", args)
      const callback = args[1] as (cause: Error) => void
      return error === undefined ? original(...args) : setImmediate(() => callback(error))
    })
  }
  syncBuiltinESMExports()
  return {
    calls,
    reached: () => calls.length >= at,
    end: () => {
      for (const [name, original] of originals) module[name] = original as AnyFunction
      syncBuiltinESMExports()
    },
  }
}

/** A thread of its own keeps the time: the program's may be busy. */
const signalAt = (milliseconds: number, signal: string): void => {
  const text = `setTimeout(() => process.kill(process.pid, "${signal}"), ${milliseconds})`
  new Worker(text, { eval: true, execArgv: [] }).unref()
}

const ordered = process.env["CHAOS"]
if (ordered !== undefined) {
  const log = process.env["CHAOS_LOG"]
  const file = log === undefined ? undefined : fs.openSync(log, "a")
  const write = fs.writeSync
  const orders = JSON.parse(ordered) as Orders
  if (orders.kind === "moment") signalAt(orders.milliseconds, orders.signal)
  begin(orders, (call) => {
    if (file !== undefined) write(file, `${call}\n`)
  })
}
