/**
 * Answers: what does a zstd file, or a range of one, unpack to? Always into the same buffer: with a fresh one for
 * every piece, as streams of `node:zlib` have it, the garbage alone takes more memory than everything else together.
 *
 * Node has no public way to decompress a stream synchronously. The handle behind its streams can; npm's own unpacker
 * relies on it too. Where a Node has it no more, the stream does the same work (`openStream`), held equal by tests.
 */
import fs from "node:fs"
import zlib from "node:zlib"
import { codeOf, type Refusal } from "./Refusal.ts"

/** Bytes of a file: `end` is exclusive, `undefined` the end of the file. */
export interface Range {
  readonly start: number
  readonly end: number | undefined
}

/** Decompressed bytes, piece by piece. */
export interface ZstdSource {
  /** Compressed bytes that the range has. */
  readonly size: number
  /** Compressed bytes that were read so far. */
  readonly read: number
  /**
   * The next piece, `undefined` at the end of a whole and sound stream. It is overwritten by the next call unless
   * `keep` is called before; every piece but the last is a multiple of 512 bytes, the unit of tar.
   */
  readonly next: () => Promise<Uint8Array | undefined>
  /** Leaves the last piece to whoever has it; another may be given to be filled instead. */
  readonly keep: (room?: Uint8Array) => void
  /** Ends the reading; may be called again. */
  readonly close: () => void
}

/** How a range is read. */
export interface Reading {
  /** The failure for what is wrong with it. */
  readonly refuse: (detail: string) => Refusal
  /** Is shown the compressed bytes in their order, each piece only during the call. */
  readonly seen?: ((compressed: Uint8Array) => void) | undefined
}

/** Opens a range of a file. */
export type OpenZstd = (path: string, range: Range, reading: Reading) => ZstdSource

/** Bytes of a range. */
export const sizeOf = (path: string, { end, start }: Range): number => (end ?? fs.statSync(path).size) - start

const inputBytes = 128 * 1024
const outputBytes = 512 * 1024

/** What of a zlib handle is used: writes, and tells by `state` how much room and input are left. */
interface Handle {
  writeSync(
    flush: number,
    input: Uint8Array,
    inputAt: number,
    inputLength: number,
    output: Uint8Array,
    outputAt: number,
    outputLength: number,
  ): void
  onerror: (message: string, errno: number, code: string) => void
}

/** The handle behind a stream, where this Node has one of the known kind. */
const handleOf = (
  stream: zlib.ZstdDecompress,
): { readonly handle: Handle; readonly state: Uint32Array } | undefined => {
  const { _handle: handle, _writeState: state } = stream as unknown as {
    readonly _handle?: Partial<Handle>
    readonly _writeState?: unknown
  }
  return typeof handle?.writeSync === "function" && state instanceof Uint32Array && state.length === 2
    ? { handle: handle as Handle, state }
    : undefined
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const decodingFailure = (code: string, refuse: (detail: string) => Refusal): Refusal =>
  refuse(code === "Z_BUF_ERROR" ? "it ends too early" : `it is damaged or no zstd stream (${code})`)

/** Decompresses on the calling thread, in place. */
class InPlace implements ZstdSource {
  readonly size: number
  read = 0
  private readonly fd: number
  private readonly start: number
  private readonly refuse: Reading["refuse"]
  private readonly seen: Reading["seen"]
  private readonly stream = zlib.createZstdDecompress()
  private readonly handle: Handle
  private readonly state: Uint32Array
  private readonly input = Buffer.allocUnsafeSlow(inputBytes)
  private output = Buffer.allocUnsafeSlow(outputBytes)
  private at = 0
  private left = 0
  private failure: string | undefined
  private isClosed = false

  constructor(path: string, range: Range, { refuse, seen }: Reading) {
    const found = handleOf(this.stream)
    if (found === undefined) throw new Error("this Node has no synchronous zstd")
    this.handle = found.handle
    this.state = found.state
    const onerror: Handle["onerror"] = (_message, _errno, code) => {
      this.failure = code
    }
    Object.assign(this.handle, { onerror })
    this.refuse = refuse
    this.seen = seen
    this.fd = fs.openSync(path, "r")
    this.start = range.start
    this.size = (range.end ?? fs.fstatSync(this.fd).size) - range.start
  }

  async next(): Promise<Uint8Array | undefined> {
    // Whoever shares this thread gets a turn, and files that were synced are closed.
    await turn()
    let filled = 0
    while (filled < this.output.length) {
      const isEnd = this.left === 0 && !this.refill()
      const before = filled
      filled += this.decode(filled, isEnd ? zlib.constants.ZSTD_e_end : zlib.constants.ZSTD_e_continue)
      if (isEnd && filled === before) break
    }
    return filled === 0 ? undefined : this.output.subarray(0, filled)
  }

  keep(room?: Uint8Array): void {
    this.output =
      room === undefined ? Buffer.allocUnsafeSlow(outputBytes) : Buffer.from(room.buffer as ArrayBuffer)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.stream.destroy()
    fs.closeSync(this.fd)
  }

  private refill(): boolean {
    const length = Math.min(inputBytes, this.size - this.read)
    this.at = 0
    this.left = length <= 0 ? 0 : fs.readSync(this.fd, this.input, 0, length, this.start + this.read)
    this.read += this.left
    if (this.left > 0) this.seen?.(this.input.subarray(0, this.left))
    return this.left > 0
  }

  /** Decompresses what fits behind `from` in the output, and answers how much came. */
  private decode(from: number, flush: number): number {
    const { at, left, output } = this
    const room = output.length - from
    this.handle.writeSync(flush, this.input, at, left, output, from, room)
    if (this.failure !== undefined) throw decodingFailure(this.failure, this.refuse)
    const [roomLeft = 0, inputLeft = 0] = this.state
    this.at += left - inputLeft
    this.left = inputLeft
    const came = room - roomLeft
    if (came === 0 && left > 0 && inputLeft === left) throw this.refuse("something that is no zstd follows")
    return came
  }
}

/** Decompresses with the streams of `node:zlib`, for a Node without the handle. */
class Streaming implements ZstdSource {
  readonly size: number
  private readonly source: fs.ReadStream
  private readonly unzipped = zlib.createZstdDecompress({ chunkSize: outputBytes })
  private readonly chunks: AsyncIterator<Buffer>
  private readonly refuse: Reading["refuse"]
  private waiting: Array<Buffer> = []
  private isEnd = false

  constructor(path: string, range: Range, { refuse, seen }: Reading) {
    const fd = fs.openSync(path, "r")
    this.size = (range.end ?? fs.fstatSync(fd).size) - range.start
    const end = range.end === undefined ? {} : { end: range.end - 1 }
    this.source = fs.createReadStream(path, { fd, highWaterMark: inputBytes, start: range.start, ...end })
    this.source.on("error", (cause) => this.unzipped.destroy(cause))
    if (seen !== undefined) this.source.on("data", (chunk) => seen(chunk as Buffer))
    this.source.pipe(this.unzipped)
    this.chunks = this.unzipped[Symbol.asyncIterator]()
    this.refuse = refuse
  }

  get read(): number {
    return this.source.bytesRead
  }

  async next(): Promise<Uint8Array | undefined> {
    let length = 0
    for (const chunk of this.waiting) length += chunk.length
    while (!this.isEnd && length < outputBytes) {
      const chunk = await this.pull()
      if (chunk === undefined) this.isEnd = true
      else {
        this.waiting.push(chunk)
        length += chunk.length
      }
    }
    if (length === 0) return undefined
    const all = this.waiting.length === 1 ? this.waiting[0]! : Buffer.concat(this.waiting)
    const whole = this.isEnd ? length : length - (length % 512)
    this.waiting = whole === length ? [] : [all.subarray(whole)]
    return all.subarray(0, whole)
  }

  keep(): void {
    // Every piece is a buffer of its own.
  }

  close(): void {
    this.source.destroy()
    this.unzipped.destroy()
  }

  private async pull(): Promise<Buffer | undefined> {
    try {
      const { done, value } = await this.chunks.next()
      return done === true ? undefined : value
    } catch (cause) {
      const code = codeOf(cause) ?? ""
      if (!code.startsWith("Z_") && !code.startsWith("ZSTD_")) throw cause
      throw decodingFailure(code, this.refuse)
    }
  }
}

/** Decompresses on the calling thread. */
export const openInPlace: OpenZstd = (path, range, reading) => new InPlace(path, range, reading)

/** Decompresses with the streams of `node:zlib`. */
export const openStream: OpenZstd = (path, range, reading) => new Streaming(path, range, reading)

/** Whether this Node decompresses in place. */
export const isInPlace = ((): boolean => {
  const probe = zlib.createZstdDecompress()
  const found = handleOf(probe)
  probe.destroy()
  return found !== undefined
})()

/** The better one of this Node. */
export const openBestZstd: OpenZstd = isInPlace ? openInPlace : openStream
