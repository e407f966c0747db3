/**
 * Answers: how does a staged tree become the installed one, and how does it go back? File by file, by renaming, so
 * that a running program keeps its inode; whatever has to make room is kept beside until the swap is committed.
 * Source: spec 05 §4, decisions §10, §11.
 */
import fs from "node:fs"
import { HostError, HostPath, type Ledger } from "@kata-deploy/core"
import { deepestFirst, DirectoryCursor, nameOf, parentOf } from "./DirectoryCursor.ts"
import type { DirectoryHandle } from "./DirectoryHandle.ts"
import { hasCode, reasonOf, Refusal } from "./Failure.ts"
import type { Placed } from "./Parts.ts"

/** One step that was done, with what undoing it takes. */
type Done =
  | { readonly _tag: "MadeDirectory"; readonly path: string }
  | {
      readonly _tag: "TookDirectory"
      readonly path: string
      readonly mode: number
      readonly uid: number
      readonly gid: number
    }
  /** Something is at `path` now where nothing was. */
  | { readonly _tag: "Added"; readonly path: string }
  /** What was at `path` lies beside. */
  | { readonly _tag: "PutBeside"; readonly path: string }

/** What a swap works on; paths are relative to the installed tree and the same below the two staging directories. */
export interface SwapInput {
  /** The installed tree, for messages. */
  readonly into: HostPath.HostPath
  /** The staged entries, and where each lies. */
  readonly staged: ReadonlyMap<string, Placed>
  /** Entries of earlier archives; those that are not staged any more go. */
  readonly replaces: ReadonlyArray<Ledger.OwnedEntry>
  /** Paths that are left alone. */
  readonly except: ReadonlySet<string>
}

/** The directories that a swap moves between, open. */
export interface SwapPlaces {
  /** The installed tree. */
  readonly root: DirectoryHandle
  /** The path of the directory with the staged parts, which only we can change. */
  readonly unpacked: string
  /** The path of an existing directory for what has to make room, likewise. */
  readonly beside: string
}

/** The swap of one tree. It remembers every step, so that it can go back as long as nothing beside was dropped. */
export class TreeSwap {
  private readonly input: SwapInput
  private readonly done: Array<Done> = []

  constructor(input: SwapInput) {
    this.input = input
  }

  /** Directories that were made, relative to the root, parents first. */
  get createdDirectories(): ReadonlyArray<string> {
    return this.done.flatMap((step) => (step._tag === "MadeDirectory" ? [step.path] : []))
  }

  /** Moves everything into the tree; when something is in the way, takes back what was done and fails. */
  apply(places: SwapPlaces): void {
    const cursor = new DirectoryCursor(places.root)
    try {
      const steps = new Steps(this.input.into, places, cursor, this.done)
      removeVanished(this.input, steps)
      const sorted = [...this.input.staged.values()].sort((a, b) => (a.entry.path < b.entry.path ? -1 : 1))
      for (const { entry } of sorted) if (entry.type === "directory") steps.makeDirectory(entry.path)
      for (const { directory, entry } of sorted) {
        if (entry.type !== "directory") steps.moveIn(entry.path, directory)
      }
      this.syncDirectories(cursor)
    } catch (cause) {
      this.revert(places)
      throw cause
    } finally {
      cursor.close()
    }
  }

  /** Takes every step back, last first. */
  revert(places: SwapPlaces): void {
    const cursor = new DirectoryCursor(places.root)
    try {
      for (let step = this.done.pop(); step !== undefined; step = this.done.pop()) undo(places, cursor, step)
      this.syncDirectories(cursor)
    } finally {
      cursor.close()
    }
  }

  private syncDirectories(cursor: DirectoryCursor): void {
    const { replaces, staged } = this.input
    const touched = new Set([""])
    for (const path of staged.keys()) touched.add(parentOf(path))
    for (const { path } of replaces) touched.add(parentOf(path))
    for (const path of [...touched].sort()) {
      ignoring(["ENOENT", "ENOTDIR", "ELOOP"], () => cursor.enter(path).sync())
    }
  }
}

/** What earlier archives brought and these do not, or as something else. */
const removeVanished = ({ except, replaces, staged }: SwapInput, steps: Steps): void => {
  const vanished = replaces
    .filter(({ path, type }) => {
      const now = staged.get(path)?.entry
      const changedKind = (now?.type === "directory") !== (type === "directory")
      return (now === undefined || changedKind) && !except.has(path)
    })
    .sort(deepestFirst)
  for (const { path, type } of vanished) if (type !== "directory") steps.takeFile(path)
  for (const { path, type } of vanished) if (type === "directory") steps.takeDirectory(path)
}

const undo = ({ beside }: SwapPlaces, cursor: DirectoryCursor, step: Done): void => {
  const at = cursor.enter(parentOf(step.path)).at(nameOf(step.path))
  switch (step._tag) {
    case "Added":
      return ignoring(["ENOENT"], () => fs.unlinkSync(at))
    case "PutBeside":
      return fs.renameSync(`${beside}/${step.path}`, at)
    case "MadeDirectory":
      cursor.close()
      // Somebody may have put something in it meanwhile; then it stays.
      return ignoring(["ENOENT", "ENOTEMPTY", "EEXIST"], () =>
        fs.rmdirSync(cursor.enter(parentOf(step.path)).at(nameOf(step.path))),
      )
    case "TookDirectory":
      fs.mkdirSync(at, { mode: 0o700 })
      fs.lchownSync(at, step.uid, step.gid)
      return fs.chmodSync(at, step.mode)
  }
}

/** The single steps of a swap; each is written down as soon as it is done. */
class Steps {
  private readonly into: HostPath.HostPath
  private readonly places: SwapPlaces
  private readonly cursor: DirectoryCursor
  private readonly done: Array<Done>

  constructor(into: HostPath.HostPath, places: SwapPlaces, cursor: DirectoryCursor, done: Array<Done>) {
    this.into = into
    this.places = places
    this.cursor = cursor
    this.done = done
  }

  /** Puts a file or link aside, if that is what is there. */
  takeFile(path: string): void {
    this.ifReachable(path, (at) => {
      const stat = fs.lstatSync(at)
      if (!stat.isFile() && !stat.isSymbolicLink()) return
      this.naming(path, () => this.putBeside(path, (beside) => fs.renameSync(at, beside)))
    })
  }

  /** Removes a directory unless somebody else's files are in it or something is mounted on it. */
  takeDirectory(path: string): void {
    this.ifReachable(path, (at) => {
      const stat = fs.lstatSync(at)
      if (!stat.isDirectory()) return
      ignoring(["ENOTEMPTY", "EEXIST", "EBUSY"], () => {
        fs.rmdirSync(at)
        this.done.push({
          _tag: "TookDirectory",
          path,
          mode: stat.mode & 0o7777,
          uid: stat.uid,
          gid: stat.gid,
        })
      })
    })
  }

  /** Makes a directory unless it is there. */
  makeDirectory(path: string): void {
    const at = this.at(path)
    const stat = fs.lstatSync(at, { throwIfNoEntry: false })
    if (stat === undefined) {
      fs.mkdirSync(at)
      this.done.push({ _tag: "MadeDirectory", path })
      // `mkdir` takes the umask off.
      fs.chmodSync(at, 0o755)
    } else if (!stat.isDirectory()) {
      const what = stat.isSymbolicLink() ? "link" : "file"
      throw inTheWay(`${path} has to be a directory, and a ${what} of somebody else is there`)
    }
  }

  /** Moves a file or link that is staged in a part's directory into its place. */
  moveIn(path: string, directory: string): void {
    this.naming(path, () => {
      const at = this.at(path)
      const stat = fs.lstatSync(at, { throwIfNoEntry: false })
      if (stat?.isDirectory() === true)
        throw inTheWay(`a directory of somebody else is in the way of ${path}`)
      if (stat !== undefined) this.putBeside(path, (beside) => keep(at, beside))
      fs.renameSync(`${this.places.unpacked}/${directory}/${path}`, at)
      if (stat === undefined) this.done.push({ _tag: "Added", path })
    })
  }

  private at(path: string): string {
    return this.cursor.enter(parentOf(path)).at(nameOf(path))
  }

  private ifReachable(path: string, use: (at: string) => void): void {
    // Where a link or a file has taken a directory's place, nothing of ours is left below.
    ignoring(["ENOENT", "ENOTDIR", "ELOOP"], () => use(this.at(path)))
  }

  /** Does something about one of thousands of files; a failure names it. */
  private naming(path: string, use: () => void): void {
    try {
      use()
    } catch (cause) {
      if (cause instanceof Refusal) throw cause
      const reason = hasCode(cause, "EXDEV", "EBUSY") ? mountedOn : reasonOf(cause)
      throw new HostError.HostError({ operation: "replace", path: HostPath.join(this.into, path), reason })
    }
  }

  private putBeside(path: string, move: (beside: string) => void): void {
    const { beside } = this.places
    fs.mkdirSync(`${beside}/${parentOf(path)}`, { recursive: true, mode: 0o700 })
    move(`${beside}/${path}`)
    this.done.push({ _tag: "PutBeside", path })
  }
}

const mountedOn = { _tag: "Refused", detail: "something is mounted on it" } as const

const inTheWay = (detail: string): Refusal => new Refusal({ _tag: "Refused", detail })

/** Keeps what is at `at` under a second name, so that there is no moment without it; moves it where that fails. */
const keep = (at: string, beside: string): void => {
  try {
    fs.linkSync(at, beside)
  } catch (cause) {
    if (!hasCode(cause, "EPERM", "EMLINK", "ENOTSUP", "EOPNOTSUPP")) throw cause
    fs.renameSync(at, beside)
  }
}

const ignoring = (codes: ReadonlyArray<string>, use: () => void): void => {
  try {
    use()
  } catch (cause) {
    if (!hasCode(cause, ...codes)) throw cause
  }
}
