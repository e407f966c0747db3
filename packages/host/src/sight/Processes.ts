/**
 * Answers: what does `/proc` say of a process? One look at one thing; a process that has gone meanwhile, and one
 * that we may not look at, are answers.
 */
import fs from "node:fs"
import { codeOf } from "./HostPlace.ts"

/** What a look at a process gave. */
export type Look<A> =
  | { readonly _tag: "Seen"; readonly value: A }
  /** It has gone, or it has no such thing, as threads of the kernel have no program. */
  | { readonly _tag: "Gone" }
  | { readonly _tag: "Denied" }

const look = <A>(run: () => A): Look<A> => {
  try {
    return { _tag: "Seen", value: run() }
  } catch (cause) {
    const code = codeOf(cause)
    return code === "EACCES" || code === "EPERM" ? { _tag: "Denied" } : { _tag: "Gone" }
  }
}

/** Ids of all processes that a `/proc` shows, ascending. */
export const ids = (proc: string): Look<ReadonlyArray<number>> =>
  look(() =>
    fs
      .readdirSync(proc)
      .filter((name) => /^[0-9]+$/.test(name))
      .map(Number)
      .sort((a, b) => a - b),
  )

/** The target of one of a process's links as the kernel words it: `exe`, `cwd`, `root`, `ns/mnt`, `fd/3`. */
export const link = (proc: string, pid: number | "self", name: string): Look<string> =>
  look(() => fs.readlinkSync(`${proc}/${pid}/${name}`))

/** Device and inode behind a path; two paths with the same are the same file. */
export const fileId = (path: string): Look<string> =>
  look(() => {
    const { dev, ino } = fs.statSync(path, { bigint: true })
    return `${dev}:${ino}`
  })

/** Targets of all open files of a process. */
export const openFiles = (proc: string, pid: number): Look<ReadonlyArray<string>> =>
  look(() => {
    const directory = `${proc}/${pid}/fd`
    return fs.readdirSync(directory).flatMap((name) => {
      const target = link(proc, pid, `fd/${name}`)
      return target._tag === "Seen" ? [target.value] : []
    })
  })

/** Text of the memory map of a process, one mapping per line, its file at the end. */
export const maps = (proc: string, pid: number): Look<string> =>
  look(() => fs.readFileSync(`${proc}/${pid}/maps`, "utf8"))

/** Files that are mapped, by the text of a memory map. */
export const mappedFiles = (text: string): ReadonlyArray<string> =>
  text.split("\n").flatMap((line) => {
    const at = line.indexOf("/")
    return at < 0 ? [] : [line.slice(at)]
  })

/** Its arguments, the program first; empty for threads of the kernel. */
export const commandLine = (proc: string, pid: number): ReadonlyArray<string> => {
  const text = look(() => fs.readFileSync(`${proc}/${pid}/cmdline`, "utf8"))
  return text._tag === "Seen" ? text.value.split("\0").slice(0, -1) : []
}

/** The name that the kernel has of it; empty where it has gone. */
export const nameOf = (proc: string, pid: number): string => {
  const text = look(() => fs.readFileSync(`${proc}/${pid}/comm`, "utf8"))
  return text._tag === "Seen" ? text.value.trimEnd() : ""
}

/** Its parent. The program's name stands in parentheses and may hold anything, so what counts is behind the last one. */
export const parentOf = (proc: string, pid: number): number | undefined => {
  const text = look(() => fs.readFileSync(`${proc}/${pid}/stat`, "utf8"))
  if (text._tag !== "Seen") return undefined
  const parent = Number(
    text.value
      .slice(text.value.lastIndexOf(")") + 1)
      .trim()
      .split(" ")[1],
  )
  return Number.isInteger(parent) ? parent : undefined
}

/** The processes of this run: our own, whatever started it, and whatever it started. */
export const ourOwn = (proc: string, all: ReadonlyArray<number>): ReadonlySet<number> => {
  const self = look(() => fs.readlinkSync(`${proc}/self`))
  const own = self._tag === "Seen" ? Number(self.value) : Number.NaN
  if (!Number.isInteger(own)) return new Set()
  const parents = new Map(all.map((pid) => [pid, parentOf(proc, pid)] as const))
  const ours = new Set([own])
  for (const pid of all) {
    const chain: Array<number> = []
    for (let at: number | undefined = pid; at !== undefined && !chain.includes(at); at = parents.get(at))
      chain.push(at)
    if (chain.includes(own)) chain.slice(0, chain.indexOf(own)).forEach((below) => ours.add(below))
    if (pid === own) chain.forEach((above) => ours.add(above))
  }
  return ours
}
