/**
 * Answers: what do the archives put down, and may they? Writes entries into the staging directory, which nobody else
 * can enter, and remembers each path, so that no entry is ever written through a link of an earlier one. Source: spec
 * 05 §4, decisions §10.
 */
import { createHash } from "node:crypto"
import fs from "node:fs"
import { ArchiveEntry, type HostPath, type Ledger } from "@kata-deploy/core"
import type { EntryBody, EntryHeader } from "./ArchiveReader.ts"
import { Refusal } from "./Failure.ts"
import type { SyncQueue } from "./SyncQueue.ts"

/** What is staged at a relative path. */
export type Staged = Ledger.OwnedEntry

/** Where the entries are to go, and what is not to be touched there. */
export interface StagedTreeOptions {
  /** The install directory, for absolute link targets. */
  readonly into: HostPath.HostPath
  /** Relative paths that are left out. */
  readonly except: ReadonlySet<string>
  /** Relative path of the state directory when it lies in the install directory. */
  readonly reserved: string | undefined
}

/** A component while it is unpacked. */
export interface StagedComponent {
  readonly name: string
  readonly archive: string
}

/** Longest run of bytes that is looked at for being a hole. */
const holeBytes = 64 * 1024
const zeros = Buffer.alloc(holeBytes)

/** The tree that is being built up below `root`, a path that only we can change. */
export class StagedTree {
  /** Everything that is staged, by relative path. */
  readonly staged = new Map<string, Staged>()
  /** Entries outside `opt/kata`. */
  skipped = 0
  private readonly root: string
  private readonly options: StagedTreeOptions
  private readonly syncs: SyncQueue
  private readonly paths = new Map<string, Set<string>>()
  private unfinished: SparseFile | undefined

  constructor(root: string, syncs: SyncQueue, options: StagedTreeOptions) {
    this.root = root
    this.syncs = syncs
    this.options = options
  }

  /** What each component put down, sorted by path. */
  entries(): ReadonlyMap<string, ReadonlyArray<Staged>> {
    return new Map(
      Array.from(this.paths, ([component, paths]) => [
        component,
        [...paths].sort().map((path) => this.staged.get(path) as Staged),
      ]),
    )
  }

  /** Closes the file that is being written when the unpacking stops in the middle of one. */
  abandon(): void {
    this.unfinished?.close()
    this.unfinished = undefined
  }

  /** Puts one entry down; the body of a file is answered. */
  add(component: StagedComponent, header: EntryHeader): EntryBody | undefined {
    const adding = new Adding(component, header)
    const place = ArchiveEntry.place(header.name)
    if (!this.paths.has(component.name)) this.paths.set(component.name, new Set())
    if (place._tag === "Outside") {
      this.skipped++
      return undefined
    }
    if (place._tag === "Refused") throw adding.refuse(place.why)
    if (header.type === "other") throw adding.refuse("it is no file, link or directory")
    if (place._tag === "Root") {
      if (header.type !== "directory") throw adding.refuse("it replaces the install directory itself")
      return undefined
    }
    const { path } = place
    const { except, reserved } = this.options
    if (reserved !== undefined && (path === reserved || path.startsWith(`${reserved}/`))) {
      throw adding.refuse("it lies in the state directory")
    }
    if (except.has(path)) return undefined
    for (const above of ArchiveEntry.parents(path)) this.directory(adding, above)
    switch (header.type) {
      case "directory":
        this.directory(adding, path)
        return undefined
      case "symlink":
        this.link(adding, path, ArchiveEntry.linkTarget(header.target, this.options.into))
        return undefined
      case "link":
        this.hardLink(adding, path)
        return undefined
      case "file":
        return this.file(adding, path)
    }
  }

  private at(path: string): string {
    return `${this.root}/${path}`
  }

  private own(adding: Adding, entry: Staged): void {
    this.staged.set(entry.path, entry)
    this.paths.get(adding.component.name)?.add(entry.path)
  }

  private directory(adding: Adding, path: string): void {
    const there = this.staged.get(path)
    if (there === undefined) fs.mkdirSync(this.at(path), { mode: 0o755 })
    else if (there.type !== "directory") {
      throw adding.refuse(`${path} is a ${there.type} elsewhere in the archives`)
    }
    this.own(adding, { type: "directory", path })
  }

  private link(adding: Adding, path: string, target: string): void {
    if (target === "" || target.includes("\0")) throw adding.refuse("its link has no proper target")
    const there = this.staged.get(path)
    if (there !== undefined && !(there.type === "link" && there.target === target))
      throw adding.collision(path)
    if (there === undefined) fs.symlinkSync(target, this.at(path))
    this.own(adding, { type: "link", path, target })
  }

  private hardLink(adding: Adding, path: string): void {
    const target = ArchiveEntry.hardLinkPlace(adding.header.target)
    if (target._tag === "Refused") throw adding.refuse(target.why)
    const known = target._tag === "Inside" ? this.staged.get(target.path) : undefined
    // Only what this archive itself brought: a link to another component's file would tie the two together.
    const isOwn = known !== undefined && this.paths.get(adding.component.name)?.has(known.path) === true
    if (!isOwn || known.type === "directory") {
      throw adding.refuse("its hard link leads to nothing that came before it")
    }
    const there = this.staged.get(path)
    if (there !== undefined && !isSame(there, known)) throw adding.collision(path)
    if (there === undefined) fs.linkSync(this.at(known.path), this.at(path))
    this.own(adding, { ...known, path })
  }

  private file(adding: Adding, path: string): EntryBody {
    const there = this.staged.get(path)
    if (there !== undefined && there.type !== "file") throw adding.collision(path)
    const mode = ArchiveEntry.fileMode(path, adding.header.mode)
    const hash = createHash("sha256")
    const output = there === undefined ? new SparseFile(this.at(path)) : undefined
    this.unfinished = output
    let size = 0
    return {
      write: (chunk) => {
        hash.update(chunk)
        output?.write(chunk)
        size += chunk.length
      },
      end: () => {
        if (size !== adding.header.size) throw adding.refuse("it has not the size that its header says")
        const entry: Staged = { type: "file", path, sha256: hash.digest("hex"), mode, size }
        if (there !== undefined && !isSame(there, entry)) throw adding.collision(path)
        this.unfinished = undefined
        output?.finish(mode, adding.header.modified, this.syncs)
        this.own(adding, entry)
      },
    }
  }
}

/** One entry of one component, for messages. */
class Adding {
  readonly component: StagedComponent
  readonly header: EntryHeader

  constructor(component: StagedComponent, header: EntryHeader) {
    this.component = component
    this.header = header
  }

  refuse(detail: string): Refusal {
    const { archive } = this.component
    return new Refusal({ _tag: "BadArchive", archive, entry: this.header.name, detail })
  }

  collision(path: string): Refusal {
    return this.refuse(`${path} is there twice and differs`)
  }
}

const isSame = (a: Staged, b: Staged): boolean =>
  a.type === "file"
    ? b.type === "file" && a.sha256 === b.sha256 && a.mode === b.mode
    : a.type === "link" && b.type === "link" && a.target === b.target

/** A new file that is written front to back; runs of zeros become holes. */
class SparseFile {
  private readonly fd: number
  private position = 0

  constructor(at: string) {
    this.fd = fs.openSync(at, "wx", 0o600)
  }

  write(chunk: Uint8Array): void {
    let from = 0
    for (let at = 0; at < chunk.length; at += holeBytes) {
      const end = Math.min(at + holeBytes, chunk.length)
      if (!isZero(chunk, at, end)) continue
      this.put(chunk, from, at)
      from = end
    }
    this.put(chunk, from, chunk.length)
    this.position += chunk.length
  }

  finish(mode: number, modified: Date, syncs: SyncQueue): void {
    fs.ftruncateSync(this.fd, this.position)
    fs.fchmodSync(this.fd, mode)
    fs.futimesSync(this.fd, modified, modified)
    syncs.syncAndClose(this.fd)
  }

  close(): void {
    fs.closeSync(this.fd)
  }

  private put(chunk: Uint8Array, from: number, end: number): void {
    for (let at = from; at < end;) at += fs.writeSync(this.fd, chunk, at, end - at, this.position + at)
  }
}

const isZero = (chunk: Uint8Array, start: number, end: number): boolean =>
  chunk[start] === 0 && zeros.compare(chunk, start, end, 0, end - start) === 0
