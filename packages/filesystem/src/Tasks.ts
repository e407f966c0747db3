/**
 * Answers: what can be asked of a thread, and what comes of it? Tasks and results are plain data. The same functions
 * run in the program's own thread where there is little to do.
 */
import { createHash } from "node:crypto"
import fs from "node:fs"
import type { MessagePort } from "node:worker_threads"
import { ArchiveEntry } from "@kata-deploy/core/archive"
import { type ArchivePart, ArchiveReader, type EntryBody, type EntryHeader } from "./ArchiveReader.ts"
import { decompress, type Decompressed, receive } from "./Handover.ts"
import { Allowance, readThrough, unpack, type Unpacked, type UnpackJob } from "./Parts.ts"
import { Refusal } from "./Refusal.ts"
import { openBestZstd } from "./ZstdSource.ts"

/** What goes over to the thread that is given a task. */
export const handedOver = (task: Task): ReadonlyArray<MessagePort> => {
  if (task._tag === "Decompress") return [task.to]
  return task._tag === "Unpack" && task.from !== undefined ? [task.from] : []
}

/** Something to do with an archive. */
export type Task =
  /** Put a part down in the staging directory; another thread may decompress it and hand it over. */
  | {
      readonly _tag: "Unpack"
      readonly job: UnpackJob
      readonly allowance: SharedArrayBuffer
      readonly from?: MessagePort
    }
  /** Decompress a part for another thread. */
  | { readonly _tag: "Decompress"; readonly job: UnpackJob; readonly to: MessagePort }
  /** SHA-256 of a file, in hexadecimal. */
  | { readonly _tag: "Digest"; readonly path: string }
  /** The texts of a part that planning needs, by path relative to `opt/kata`; all of them, or those that are enough. */
  | { readonly _tag: "Texts"; readonly part: ArchivePart; readonly wanted: "all" | ReadonlyArray<string> }
  /** Every entry of a part, bodies left out. */
  | { readonly _tag: "List"; readonly part: ArchivePart }

/** What comes of each task. */
export interface Results {
  readonly Unpack: Unpacked
  readonly Decompress: Decompressed
  readonly Digest: string
  readonly Texts: ReadonlyMap<string, string>
  readonly List: ReadonlyArray<EntryHeader>
}

/** Is told the compressed bytes read so far, now and then. */
export type Tell = (read: number) => void

/** Those who are told how a task goes. */
export interface Listeners {
  readonly tell: Tell
  /** Is told when what is left only waits for the disk, so that the next task can begin. */
  readonly free: () => void
}

const digestBytes = 1024 * 1024

/** Texts larger than this many bytes are no configurations. */
const largestText = 16 * 1024 * 1024

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const digest = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  const buffer = Buffer.allocUnsafeSlow(digestBytes)
  const fd = fs.openSync(path, "r")
  try {
    for (let read = fs.readSync(fd, buffer); read > 0; read = fs.readSync(fd, buffer)) {
      hash.update(buffer.subarray(0, read))
      await turn()
    }
    return hash.digest("hex")
  } finally {
    fs.closeSync(fd)
  }
}

const readAll = async (
  part: ArchivePart,
  sink: (header: EntryHeader) => EntryBody | undefined,
  isEnough?: () => boolean,
): Promise<void> => {
  const reader = new ArchiveReader(part, sink)
  try {
    // Nothing is written, so only the archive's own size limits what comes out.
    await readThrough(reader, Allowance.of(Number.POSITIVE_INFINITY), () => undefined, isEnough)
  } finally {
    reader.close()
  }
}

/** Collects the text of a configuration; everything else is skipped. */
const textBody = (
  archive: string,
  header: EntryHeader,
  found: Map<string, string>,
): EntryBody | undefined => {
  const place = ArchiveEntry.place(header.name)
  if (header.type !== "file" || place._tag !== "Inside" || !ArchiveEntry.isPlanned(place.path))
    return undefined
  const refuse = (detail: string) => new Refusal({ _tag: "BadArchive", archive, entry: header.name, detail })
  if (header.size > largestText) throw refuse("it is too large for a configuration")
  const chunks: Array<Uint8Array> = []
  return {
    write: (chunk) => chunks.push(Uint8Array.from(chunk)),
    end: () => {
      try {
        found.set(
          place.path,
          new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks)),
        )
      } catch {
        throw refuse("it is not UTF-8 text")
      }
    },
  }
}

const texts = async (
  part: ArchivePart,
  wanted: "all" | ReadonlyArray<string>,
): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>()
  // The rest of an archive is read when it is unpacked; whatever is wrong with it is found then.
  const isEnough = (): boolean => wanted !== "all" && wanted.every((path) => found.has(path))
  await readAll(part, (header) => textBody(part.archive, header, found), isEnough)
  return found
}

const list = async (part: ArchivePart): Promise<ReadonlyArray<EntryHeader>> => {
  const found: Array<EntryHeader> = []
  await readAll(part, (header) => {
    found.push(header)
    return undefined
  })
  return found
}

const unpackFrom = async (
  { allowance, from, job }: Extract<Task, { readonly _tag: "Unpack" }>,
  listeners: Listeners,
): Promise<Unpacked> => {
  try {
    const open = from === undefined ? openBestZstd : receive(from)
    return await unpack(job, new Allowance(allowance), listeners, open)
  } finally {
    // Whoever decompresses waits for us otherwise.
    from?.close()
  }
}

/** Carries a task out on the calling thread. */
export const perform = (task: Task, listeners: Listeners): Promise<Results[Task["_tag"]]> => {
  switch (task._tag) {
    case "Unpack":
      return unpackFrom(task, listeners)
    case "Decompress":
      return decompress(task.job, task.to)
    case "Digest":
      return digest(task.path)
    case "Texts":
      return texts(task.part, task.wanted)
    case "List":
      return list(task.part)
  }
}
