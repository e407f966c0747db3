/**
 * Answers: what is one piece of work of an extraction, and how is it done? A part of an archive is unpacked into a
 * directory of its own; what two parts must not both bring is found when they are put together.
 */
import { createHash } from "node:crypto"
import type { HostPath } from "@kata-deploy/core"
import { type ArchivePart, ArchiveReader } from "./ArchiveReader.ts"
import { errno, Refusal } from "./Refusal.ts"
import { isSameContent, type Staged, StagedTree } from "./StagedTree.ts"
import { SyncQueue } from "./SyncQueue.ts"
import type { OpenZstd } from "./ZstdSource.ts"

/** Where a piece of a component is put down, and what of it is left out. */
export interface StagingJob {
  readonly component: string
  /** How messages call what it comes from. */
  readonly archive: string
  /** The directory that it is unpacked into, as this process reaches it during the extraction. */
  readonly root: string
  /** Name of that directory. */
  readonly directory: string
  /** The install directory, for absolute link targets. */
  readonly into: HostPath.HostPath
  /** Relative paths that are left out. */
  readonly except: ReadonlySet<string>
  /** Relative path of the state directory when it lies in the install directory. */
  readonly reserved: string | undefined
}

/** A part to unpack; plain data, so that it can be handed to a thread. */
export interface UnpackJob extends ArchivePart, StagingJob {
  /** Whether the part is a whole archive whose digest nobody knows yet. */
  readonly isDigested: boolean
}

/** What became of a part. */
export interface Unpacked {
  readonly staged: ReadonlyMap<string, Staged>
  readonly skipped: number
  /** Files that are written, but maybe not on the disk yet. */
  readonly unsynced: ReadonlyArray<string>
  /** SHA-256 of the archive, where the job asks for it. */
  readonly sha256?: string
}

/** What all threads of one extraction share: the bytes that may still be written, and whether it was called off. */
export class Allowance {
  readonly shared: SharedArrayBuffer
  private readonly left: BigInt64Array
  private readonly stopped: Int32Array

  constructor(shared: SharedArrayBuffer) {
    this.shared = shared
    this.left = new BigInt64Array(shared, 0, 1)
    this.stopped = new Int32Array(shared, 8, 1)
  }

  /** Bytes that may come out of the archives of one action. */
  static of(bytes: number): Allowance {
    const allowance = new Allowance(new SharedArrayBuffer(16))
    allowance.left[0] = BigInt(Math.min(bytes, Number.MAX_SAFE_INTEGER))
    return allowance
  }

  /** Takes bytes; fails when there are not so many left, or when nobody wants the result any more. */
  spend(bytes: number): void {
    if (Atomics.load(this.stopped, 0) !== 0) throw errno("ECANCELED")
    if (Atomics.sub(this.left, 0, BigInt(bytes)) < BigInt(bytes)) throw new Refusal({ _tag: "NoSpace" })
  }

  /** Lets every thread end at its next chunk. */
  stop(): void {
    Atomics.store(this.stopped, 0, 1)
  }
}

/** Progress is told again after this many compressed bytes. */
const toldBytes = 1024 * 1024

/** Reads a part to its end, or until it is enough; `tell` is given the compressed bytes read so far. */
export const readThrough = async (
  reader: ArchiveReader,
  allowance: Allowance,
  tell: (read: number) => void,
  isEnough: () => boolean = () => false,
): Promise<void> => {
  let told = 0
  for (;;) {
    const bytes = await reader.step()
    if (bytes === 0 || isEnough()) break
    allowance.spend(bytes)
    if (reader.read - told < toldBytes) continue
    told = reader.read
    tell(told)
  }
  tell(reader.size)
}

/** Unpacks a part; `free` is called when only the disk has still to do with it. */
export const unpack = async (
  job: UnpackJob,
  allowance: Allowance,
  { free, tell }: { readonly tell: (read: number) => void; readonly free: () => void },
  open: OpenZstd,
): Promise<Unpacked> => {
  const syncs = new SyncQueue()
  const tree = new StagedTree(job.root, job.archive, syncs, job)
  const hash = job.isDigested ? createHash("sha256") : undefined
  let reader: ArchiveReader | undefined
  try {
    const seen = (bytes: Uint8Array): void => void hash?.update(bytes)
    reader = new ArchiveReader(job, (header) => tree.add(header), { open, seen })
    await readThrough(reader, allowance, tell)
    // What it decompresses with takes megabytes, and the disk may take its time.
    reader.close()
    free()
    await syncs.settled()
    const { skipped, staged } = tree
    const digest = hash === undefined ? {} : { sha256: hash.digest("hex") }
    return { staged, skipped, unsynced: syncs.unsynced, ...digest }
  } finally {
    reader?.close()
    tree.abandon()
    await syncs.closed()
  }
}

/** A staged entry, and the part that it lies in. */
export interface Placed {
  readonly entry: Staged
  /** Name of the part's directory. */
  readonly directory: string
}

/** All parts together: where each path lies, and which component brought it. */
export interface Assembled {
  readonly placed: ReadonlyMap<string, Placed>
  /** What each component put down, sorted by path. */
  readonly entries: ReadonlyMap<string, ReadonlyArray<Staged>>
}

/** Puts parts together; the same path twice is the same content or refused. */
export const assemble = (
  parts: ReadonlyArray<{ readonly job: StagingJob; readonly unpacked: Unpacked }>,
): Assembled => {
  const placed = new Map<string, Placed>()
  const paths = new Map<string, Set<string>>()
  for (const { job, unpacked } of parts) {
    const own = paths.get(job.component) ?? new Set()
    paths.set(job.component, own)
    for (const [path, entry] of unpacked.staged) {
      const there = placed.get(path)
      if (there !== undefined && !isSameContent(there.entry, entry)) {
        const detail = `it is there twice and differs (${there.entry.type} in another archive or part)`
        throw new Refusal({ _tag: "BadArchive", archive: job.archive, entry: path, detail })
      }
      own.add(path)
      if (there === undefined) placed.set(path, { entry, directory: job.directory })
    }
  }
  const entries = new Map(
    Array.from(paths, ([component, own]) => [
      component,
      [...own].sort().map((path) => placed.get(path)!.entry),
    ]),
  )
  return { placed, entries }
}
