/**
 * Answers: what does one part of an archive put down, and may it? Writes entries into a directory of its own below the
 * staging directory, which nobody else can enter, and remembers each path, so that no entry is ever written through a
 * link of an earlier one. Source: spec 05 §4, decisions §10.
 */
import { createHash } from "node:crypto"
import fs from "node:fs"
import type { HostPath, Ledger } from "@kata-deploy/core"
import { ArchiveEntry } from "@kata-deploy/core/archive"
import type { EntryBody, EntryHeader } from "./ArchiveReader.ts"
import { Refusal } from "./Refusal.ts"
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
  private readonly archive: string
  private readonly options: StagedTreeOptions
  private readonly syncs: SyncQueue
  private unfinished: SparseFile | undefined

  /** `archive` is how messages call it. */
  constructor(root: string, archive: string, syncs: SyncQueue, options: StagedTreeOptions) {
    this.root = root
    this.archive = archive
    this.syncs = syncs
    this.options = options
  }

  /** Closes the file that is being written when the unpacking stops in the middle of one. */
  abandon(): void {
    this.unfinished?.close()
    this.unfinished = undefined
  }

  /** Puts one entry down; the body of a file is answered. */
  add(header: EntryHeader): EntryBody | undefined {
    const adding = new Adding(this.archive, header)
    const place = ArchiveEntry.place(header.name)
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

  private own(entry: Staged): void {
    this.staged.set(entry.path, entry)
  }

  private directory(adding: Adding, path: string): void {
    const there = this.staged.get(path)
    if (there === undefined) fs.mkdirSync(this.at(path), { mode: 0o755 })
    else if (there.type !== "directory") {
      throw adding.refuse(`${path} is a ${there.type} elsewhere in it`)
    }
    this.own({ type: "directory", path })
  }

  private link(adding: Adding, path: string, target: string): void {
    if (target === "" || target.includes("\0")) throw adding.refuse("its link has no proper target")
    const there = this.staged.get(path)
    if (there !== undefined && !(there.type === "link" && there.target === target))
      throw adding.collision(path)
    if (there === undefined) fs.symlinkSync(target, this.at(path))
    this.own({ type: "link", path, target })
  }

  private hardLink(adding: Adding, path: string): void {
    const target = ArchiveEntry.hardLinkPlace(adding.header.target)
    if (target._tag === "Refused") throw adding.refuse(target.why)
    const known = target._tag === "Inside" ? this.staged.get(target.path) : undefined
    // Only what came before in the same archive: a link to another component's file would tie the two together.
    if (known === undefined || known.type === "directory") {
      throw adding.refuse("its hard link leads to nothing that came before it")
    }
    const there = this.staged.get(path)
    if (there !== undefined && !isSameContent(there, known)) throw adding.collision(path)
    if (there === undefined) fs.linkSync(this.at(known.path), this.at(path))
    this.own({ ...known, path })
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
        if (there !== undefined && !isSameContent(there, entry)) throw adding.collision(path)
        this.unfinished = undefined
        output?.finish(mode, adding.header.modified, this.syncs)
        this.own(entry)
      },
    }
  }
}

/** One entry of the archive, for messages. */
class Adding {
  readonly header: EntryHeader
  private readonly archive: string

  constructor(archive: string, header: EntryHeader) {
    this.archive = archive
    this.header = header
  }

  refuse(detail: string): Refusal {
    return new Refusal({ _tag: "BadArchive", archive: this.archive, entry: this.header.name, detail })
  }

  collision(path: string): Refusal {
    return this.refuse(`${path} is there twice and differs`)
  }
}

/** Whether two entries of the same path put down the same. */
export const isSameContent = (a: Staged, b: Staged): boolean =>
  a.type === "file"
    ? b.type === "file" && a.sha256 === b.sha256 && a.mode === b.mode
    : a.type === "link"
      ? b.type === "link" && a.target === b.target
      : b.type === "directory"

/** A new file that is written front to back; runs of zeros become holes. */
class SparseFile {
  private readonly at: string
  private readonly fd: number
  private position = 0

  constructor(at: string) {
    this.at = at
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
    syncs.syncAndClose(this.fd, this.position, this.at)
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
