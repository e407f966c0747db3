/**
 * Answers: what are the entries of a `.tar.zst`, or of one part of it? Decompresses and splits it chunk by chunk;
 * bodies go to the sink as they come, so that memory does not depend on sizes. A damaged, cut or exploding stream is
 * refused. Source: decisions §10.
 */
import { extract, type ExtractEvents, type Header } from "tar-stream"
import { codeOf, Refusal } from "./Refusal.ts"
import { openBestZstd, type OpenZstd, type Range, type Reading, type ZstdSource } from "./ZstdSource.ts"

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

/** Takes the bytes of one file; a chunk is only valid during the call. */
export interface EntryBody {
  readonly write: (chunk: Uint8Array) => void
  readonly end: () => void
}

/** Takes the entries of an archive; what it throws ends the reading. */
export type EntrySink = (header: EntryHeader) => EntryBody | undefined

/** How much an archive may yield: 200 times its size and 64 MiB. Source: decisions §10. */
export const mostBytes = (compressed: number): number => 200 * compressed + 64 * 1024 * 1024

const blockBytes = 512

/** What is read: an archive at a trusted path, or a part of it that begins and ends between two entries. */
export interface ArchivePart {
  readonly path: string
  /** How messages call the archive. */
  readonly archive: string
  readonly range: Range
  /** Whether the part ends as a tar does, with blocks of zeros. */
  readonly end: "of-archive" | "of-part"
  /** Bytes that it unpacks to, where an index says so, which was held against the size of the whole archive. */
  readonly content?: number
}

/** The whole of an archive. */
export const whole: Pick<ArchivePart, "range" | "end"> = {
  range: { start: 0, end: undefined },
  end: "of-archive",
}

/** Where the body of an entry begins in the tar; the reader's types do not tell. */
const bodyStart = (header: Header): number => (header as Header & { readonly byteOffset: number }).byteOffset

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

/** How an archive is read where the usual way will not do. */
export interface ReaderOptions {
  readonly open?: OpenZstd
  /** Is shown the compressed bytes as they are read; by the end, all of the part's. */
  readonly seen?: Reading["seen"]
}

/** One pass over an archive. Call `step` until it answers 0, then `close`. */
export class ArchiveReader {
  private readonly part: ArchivePart
  private readonly sink: EntrySink
  private readonly source: ZstdSource
  private readonly entries = extract()
  private failure: { readonly cause: unknown } | undefined
  private wake: (() => void) | undefined
  private entry: string | undefined
  private readonly lastBlock = new Uint8Array(blockBytes)
  /** Bytes that came out so far. */
  private yielded = 0
  /** Bytes of the tar that the tar reader has handed on or left behind. */
  private handled = 0

  /** Opens the archive. */
  constructor(part: ArchivePart, sink: EntrySink, { open = openBestZstd, seen }: ReaderOptions = {}) {
    this.part = part
    this.sink = sink
    this.source = open(part.path, part.range, { refuse: (detail) => this.bad(detail), seen })
    this.entries.on("entry", (header, body, next) => this.onEntry(header, body, next))
    this.entries.on("error", (cause) => this.fail(cause))
    this.entries.on("drain", () => this.wake?.())
    this.entries.on("close", () => this.wake?.())
  }

  /** Compressed bytes that there are. */
  get size(): number {
    return this.source.size
  }

  /** Compressed bytes that were read so far. */
  get read(): number {
    return this.source.read
  }

  /** Handles the next chunk and answers its length; 0 at the end of a whole and sound archive. */
  async step(): Promise<number> {
    const chunk = await this.source.next()
    if (chunk === undefined) {
      await this.finish()
      return 0
    }
    this.yielded += chunk.length
    const { content } = this.part
    if (this.yielded > (content ?? mostBytes(this.size)))
      throw this.bad(
        content === undefined
          ? "it unpacks to more than 200 times its size"
          : "it unpacks to more than its index says",
      )
    this.remember(chunk)
    if (!this.entries.write(chunk)) await this.awake()
    this.orFail()
    // What is left of the chunk, such as the first half of a long name, belongs to the tar reader now.
    if (this.handled !== this.yielded) this.source.keep()
    return chunk.length
  }

  /** Ends the reading, wherever it is. */
  close(): void {
    this.source.close()
    this.entries.destroy()
  }

  private async finish(): Promise<void> {
    this.entries.end(null)
    await this.awake()
    this.orFail()
    const isWhole = this.part.end === "of-part" ? this.isBetweenEntries() : this.endsInZeros()
    if (!isWhole) throw this.bad("it ends too early")
  }

  /** A tar ends with blocks of zeros; without them somebody cut it before it was compressed. */
  private endsInZeros(): boolean {
    return this.yielded >= blockBytes && this.lastBlock.every((byte) => byte === 0)
  }

  private isBetweenEntries(): boolean {
    return this.handled === this.yielded
  }

  private remember(chunk: Uint8Array): void {
    if (chunk.length < blockBytes) this.lastBlock.copyWithin(0, chunk.length)
    const tail = chunk.subarray(-blockBytes)
    this.lastBlock.set(tail, blockBytes - tail.length)
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
    this.handled = bodyStart(header)
    let taken: EntryBody | undefined
    try {
      taken = this.sink(this.headerOf(header))
    } catch (cause) {
      this.fail(cause)
      return
    }
    body.on("data", (chunk: unknown) => {
      const bytes = chunk as Uint8Array
      this.handled += bytes.length
      this.guarded(() => taken?.write(bytes))
    })
    body.on("end", () => {
      this.handled = Math.ceil(this.handled / blockBytes) * blockBytes
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
    return new Refusal({ _tag: "BadArchive", archive: this.part.archive, entry: this.entry, detail })
  }
}
