/**
 * Answers: what are the entries of a `.tar.zst`? Decompresses and splits it chunk by chunk; bodies go to the sink as
 * they come, so that memory does not depend on sizes. A damaged, cut or exploding stream is refused. Source:
 * decisions §10.
 */
import fs from "node:fs"
import zlib from "node:zlib"
import { extract, type ExtractEvents, type Header } from "tar-stream"
import { codeOf, Refusal } from "./Failure.ts"

/** The header of an entry, names as they stand in the archive. */
export interface EntryHeader {
  readonly name: string
  readonly type: "file" | "link" | "symlink" | "directory" | "other"
  /** Permission bits with set-user-ID and the like. */
  readonly mode: number
  readonly modified: Date
  readonly size: number
  readonly target: string
}

/** Takes the bytes of one file. */
export interface EntryBody {
  readonly write: (chunk: Uint8Array) => void
  readonly end: () => void
}

/** Takes the entries of an archive; what it throws ends the reading. */
export type EntrySink = (header: EntryHeader) => EntryBody | undefined

/** How much an archive may yield: 200 times its size and 64 MiB. Source: decisions §10. */
export const mostBytes = (compressed: number): number => 200 * compressed + 64 * 1024 * 1024

/** Bytes that are read and decompressed at once. */
const chunkBytes = 1024 * 1024

const blockBytes = 512

const typeOf = (header: Header): EntryHeader["type"] => {
  switch (header.type) {
    case "file":
    case "contiguous-file":
      return "file"
    case "link":
    case "symlink":
    case "directory":
      return header.type
    default:
      return "other"
  }
}

/** One pass over an archive. Call `step` until it answers false, then `close`. */
export class ArchiveReader {
  /** Compressed bytes that the file has. */
  readonly size: number
  private readonly archive: string
  private readonly sink: EntrySink
  private readonly source: fs.ReadStream
  private readonly unzipped: zlib.ZstdDecompress
  private readonly chunks: AsyncIterator<Buffer>
  private readonly entries = extract()
  private failure: { readonly cause: unknown } | undefined
  private wake: (() => void) | undefined
  private entry: string | undefined
  private lastBlock: Uint8Array = new Uint8Array(blockBytes)
  /** Bytes that came out so far. */
  private yielded = 0

  /** Opens the archive at a trusted path; `archive` is how messages call it. */
  constructor(path: string, archive: string, sink: EntrySink) {
    this.archive = archive
    this.sink = sink
    const fd = fs.openSync(path, "r")
    this.size = fs.fstatSync(fd).size
    this.source = fs.createReadStream(path, { fd, highWaterMark: chunkBytes })
    this.unzipped = zlib.createZstdDecompress({ chunkSize: chunkBytes })
    this.source.on("error", (cause) => this.unzipped.destroy(cause))
    this.source.pipe(this.unzipped)
    this.chunks = this.unzipped[Symbol.asyncIterator]()
    this.entries.on("entry", (header, body, next) => this.onEntry(header, body, next))
    this.entries.on("error", (cause) => this.fail(cause))
    this.entries.on("drain", () => this.wake?.())
    this.entries.on("close", () => this.wake?.())
  }

  /** Compressed bytes that were read so far. */
  get read(): number {
    return this.source.bytesRead
  }

  /** Handles the next chunk and answers its length; 0 at the end of a whole and sound archive. */
  async step(): Promise<number> {
    const chunk = await this.next()
    if (chunk === undefined) {
      await this.finish()
      return 0
    }
    this.yielded += chunk.length
    if (this.yielded > mostBytes(this.size)) throw this.bad("it unpacks to more than 200 times its size")
    this.remember(chunk)
    if (!this.entries.write(chunk)) await this.awake()
    this.orFail()
    return chunk.length
  }

  /** Ends the reading, wherever it is. */
  close(): void {
    this.source.destroy()
    this.unzipped.destroy()
    this.entries.destroy()
  }

  private async next(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.chunks.next()
      return done === true ? undefined : value
    } catch (cause) {
      const code = codeOf(cause) ?? ""
      if (!code.startsWith("Z_") && !code.startsWith("ZSTD_")) throw cause
      throw this.bad(
        code === "Z_BUF_ERROR" ? "it ends too early" : `it is damaged or no zstd stream (${code})`,
      )
    }
  }

  /** A tar ends with blocks of zeros; without them somebody cut it before it was compressed. */
  private async finish(): Promise<void> {
    this.entries.end(null)
    await this.awake()
    this.orFail()
    const isWhole = this.yielded >= blockBytes && this.lastBlock.every((byte) => byte === 0)
    if (!isWhole) throw this.bad("it ends too early")
  }

  private remember(chunk: Uint8Array): void {
    const both = chunk.length >= blockBytes ? chunk : Buffer.concat([this.lastBlock, chunk])
    this.lastBlock = Uint8Array.from(both.subarray(-blockBytes))
  }

  /** Resolves when the tar reader has handled everything, has closed, or has failed. */
  private awake(): Promise<void> {
    if (this.failure !== undefined || this.entries.destroyed) return Promise.resolve()
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }

  private onEntry(header: Header, body: ExtractEvents["entry"][1], next: () => void): void {
    this.entry = header.name
    let taken: EntryBody | undefined
    try {
      taken = this.sink(this.headerOf(header))
    } catch (cause) {
      this.fail(cause)
      return
    }
    body.on("data", (chunk) => this.guarded(() => taken?.write(chunk as Uint8Array)))
    body.on("end", () => {
      this.guarded(() => taken?.end())
      next()
    })
    body.on("error", (cause: unknown) => this.fail(cause))
  }

  private headerOf(header: Header): EntryHeader {
    if (Object.keys(header.pax ?? {}).some((key) => key.startsWith("GNU.sparse."))) {
      throw this.bad("it is stored as a sparse file")
    }
    return {
      name: header.name,
      type: typeOf(header),
      mode: header.mode,
      modified: header.mtime,
      size: header.size,
      target: header.linkname ?? "",
    }
  }

  private guarded(run: () => void): void {
    if (this.failure !== undefined) return
    try {
      run()
    } catch (cause) {
      this.fail(cause)
    }
  }

  private fail(cause: unknown): void {
    this.failure ??= { cause }
    this.entries.destroy()
    this.wake?.()
  }

  private orFail(): void {
    if (this.failure === undefined) return
    const { cause } = this.failure
    // Failures of the sink speak for themselves; what has no code comes from the tar reader.
    if (cause instanceof Refusal || codeOf(cause) !== undefined) throw cause
    throw this.bad(cause instanceof Error ? `it is no sound tar (${cause.message})` : "it is no sound tar")
  }

  private bad(detail: string): Refusal {
    return new Refusal({ _tag: "BadArchive", archive: this.archive, entry: this.entry, detail })
  }
}
