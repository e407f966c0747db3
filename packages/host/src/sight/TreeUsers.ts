/**
 * Answers: which processes run, map or hold open files of a tree, or stand in it? One pass over `/proc`; processes
 * may come and go meanwhile. Source: decisions §2; the names are the kernel's, proc_pid_exe(5) and proc_pid_maps(5).
 */
import fs from "node:fs"
import { Fact, HostPath, type HostLayout, type HostSight, SandboxOf } from "@kata-deploy/core"
import { Effect } from "effect"
import { codeOf, follow, type HostPlace } from "./HostPlace.ts"
import * as HostProcesses from "./HostProcesses.ts"
import * as Processes from "./Processes.ts"

/** How a process uses the tree; `denied` is one that may not be looked at. */
type Use = HostSight.TreeUser | "denied" | undefined

/** Users of a tree, by process id; `ownProc` is this process's own `/proc`, for layouts that show none. */
export const look = Effect.fnUntraced(function* (
  layout: HostLayout.HostLayout,
  tree: HostPath.HostPath,
  ownProc: string,
) {
  const place = follow(layout, tree)
  if (place._tag === "OutOfSight") return Fact.unknown("out-of-sight", `${tree}: ${place.why}`)
  if (place._tag === "Failed") return Fact.unknown("failed", `${tree}: ${place.why}`)
  const proc = procOf(layout, ownProc)
  if (proc._tag === "Unknown") return proc
  const shown = HostProcesses.shown(layout, proc.value, place)
  if (shown._tag === "Unknown") return shown
  const ours = Processes.ourOwn(proc.value, shown.value)
  const search = new Search(proc.value, tree, place)
  const uses = yield* Effect.forEach(
    shown.value.filter((pid) => !ours.has(pid)),
    (pid) => Effect.sync(() => search.useOf(pid)),
  )
  const users = uses.filter((use) => use !== undefined && use !== "denied")
  const denied = uses.filter((use) => use === "denied").length
  if (users.length > 0 || denied === 0) return Fact.known<ReadonlyArray<HostSight.TreeUser>>(users)
  return Fact.unknown(
    "out-of-sight",
    `${denied} processes do not show their files (CAP_SYS_PTRACE is missing)`,
  )
})

/** The `/proc` of a whole root; in a pod our own, which is the host's with hostPID. */
const procOf = (layout: HostLayout.HostLayout, ownProc: string): Fact.Fact<string> => {
  const whole = layout.mounts.some(({ host }) => host === HostPath.root)
  if (!whole) return Fact.known(ownProc)
  const place = follow(layout, HostPath.make("/proc"))
  if (place._tag === "At") return Fact.known(place.seen)
  return place._tag === "Failed"
    ? Fact.unknown("failed", `/proc: ${place.why}`)
    : Fact.unknown("out-of-sight", "there is no /proc")
}

/** What the kernel writes behind the name of a file that was replaced or removed: an upgrade does that to a program. */
const removed = / \(deleted\)$/

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory === "/" ? "/" : `${directory}/`)

/** The search for users of one tree. */
class Search {
  private readonly proc: string
  private readonly seen: string | undefined
  /** Names of the tree: as asked, without links, and as this process has it. */
  private readonly names: ReadonlyArray<string>
  private filesOfTree: ReadonlySet<string> | undefined

  constructor(proc: string, tree: HostPath.HostPath, place: HostPlace) {
    this.proc = proc
    this.seen = place._tag === "At" ? place.seen : undefined
    this.names = place._tag === "At" ? [...new Set([tree, place.host, place.seen])] : [tree]
  }

  useOf(pid: number): Use {
    const exe = Processes.link(this.proc, pid, "exe")
    if (exe._tag === "Gone") return undefined
    const line = Processes.commandLine(this.proc, pid)
    const sandbox = SandboxOf.sandboxOf(line)
    if (exe._tag === "Denied") {
      const program = line[0] ?? ""
      return this.isNamedIn(line) ? { pid, program, sandbox, through: "arguments" } : "denied"
    }
    const program = exe.value.replace(removed, "")
    const through = this.through(pid, program)
    return through === undefined ? undefined : { pid, program, sandbox, through }
  }

  /** Whether a command line names something below the tree, as a Kata process that hides its files does. */
  private isNamedIn(line: ReadonlyArray<string>): boolean {
    return this.names.some((name) => line.some((argument) => argument.includes(`${name}/`)))
  }

  /** By what a process uses the tree; what tells most comes first. */
  private through(pid: number, program: string): HostSight.TreeUser["through"] {
    if (this.isRun(pid) || this.uses(pid, [program])) return "program"
    const maps = Processes.maps(this.proc, pid)
    // Most maps do not name the tree at all, so they are not taken apart.
    if (maps._tag === "Seen" && this.names.some((name) => maps.value.includes(name)))
      if (this.uses(pid, Processes.mappedFiles(maps.value))) return "mapped"
    const open = Processes.openFiles(this.proc, pid)
    if (open._tag === "Seen" && this.uses(pid, open.value)) return "open"
    const places = ["cwd", "root"].map((name) => Processes.link(this.proc, pid, name))
    return this.uses(
      pid,
      places.flatMap((at) => (at._tag === "Seen" ? [at.value] : [])),
    )
      ? "directory"
      : undefined
  }

  /** Whether one of the paths that a process uses lies in our tree. */
  private uses(pid: number, paths: ReadonlyArray<string>): boolean {
    return this.names.some(
      (name) =>
        paths.some((path) => isWithin(path.replace(removed, ""), name)) && !this.meansAnother(pid, name),
    )
  }

  /** Whether a name of our tree is another tree's for a process: a container has a root of its own. */
  private meansAnother(pid: number, name: string): boolean {
    if (this.seen === undefined) return false
    const [ours, theirs] = [Processes.fileId(this.seen), Processes.fileId(`${this.proc}/${pid}/root${name}`)]
    return ours._tag === "Seen" && theirs._tag === "Seen" && ours.value !== theirs.value
  }

  /** Whether the program of a process is a file of the tree by device and inode, however its own root names it. */
  private isRun(pid: number): boolean {
    const program = Processes.fileId(`${this.proc}/${pid}/exe`)
    if (program._tag !== "Seen" || this.seen === undefined) return false
    this.filesOfTree ??= filesBelow(this.seen)
    return this.filesOfTree.has(program.value)
  }
}

/** More files than any install has; a tree that goes on for ever is not walked to its end. */
const mostFiles = 200_000

/** Device and inode of every regular file below a directory, without following links. */
const filesBelow = (directory: string): ReadonlySet<string> => {
  const found = new Set<string>()
  const todo = [directory]
  for (let at = todo.pop(); at !== undefined && found.size < mostFiles; at = todo.pop()) {
    for (const child of childrenOf(at)) {
      const path = `${at}/${child.name}`
      if (child.isDirectory()) todo.push(path)
      else if (child.isFile()) {
        const id = Processes.fileId(path)
        if (id._tag === "Seen") found.add(id.value)
      }
    }
  }
  return found
}

const childrenOf = (directory: string): ReadonlyArray<fs.Dirent> => {
  try {
    return fs.readdirSync(directory, { withFileTypes: true })
  } catch (cause) {
    codeOf(cause)
    return []
  }
}
