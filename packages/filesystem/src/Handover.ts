/**
 * Answers: how do two threads share one archive? One decompresses it, the other takes the entries out and writes them.
 * Pieces change hands with their memory and come back to be filled again, so that a few of them are enough.
 */
import { createHash } from "node:crypto"
import type { MessagePort } from "node:worker_threads"
import type { HostError } from "@kata-deploy/core"
import type { ArchivePart } from "./ArchiveReader.ts"
import type { UnpackJob } from "./Parts.ts"
import { errno, reasonOf, Refusal } from "./Refusal.ts"
import { openInPlace, type OpenZstd, type Reading, sizeOf, type ZstdSource } from "./ZstdSource.ts"

/** What the one who decompresses says. */
type Said =
  | { readonly _tag: "Piece"; readonly piece: Uint8Array; readonly read: number }
  | { readonly _tag: "End"; readonly read: number }
  | { readonly _tag: "Failed"; readonly reason: HostError.HostErrorReason }

/** What the other one answers for each piece: its memory, or that it was kept. */
type Returned = Uint8Array | "kept"

/** Pieces that may be under way at once: one is filled, one is read, one waits at either end. */
const mostPieces = 4

/** What goes along with a piece; nobody else looks at it. */
const memoryOf = (piece: Uint8Array): ArrayBuffer => piece.buffer as ArrayBuffer

/** Waits for something that another turn brings. */
class Signal {
  private wake: (() => void) | undefined

  give(): void {
    this.wake?.()
    this.wake = undefined
  }

  taken(): Promise<void> {
    return new Promise((resolve) => {
      this.wake = resolve
    })
  }
}

/** The memory that goes back and forth, as the one who fills it sees it. */
class Rooms {
  private readonly returned: Array<Uint8Array> = []
  private readonly changed = new Signal()
  private underWay = 0
  private isOver = false

  constructor(port: MessagePort) {
    port.on("message", (returned: Returned) => {
      this.underWay--
      if (returned !== "kept") this.returned.push(returned)
      this.changed.give()
    })
    port.on("close", () => {
      this.isOver = true
      this.changed.give()
    })
  }

  /** Waits until one more piece may be under way; false when nobody takes it any more. */
  async hasOne(): Promise<boolean> {
    while (this.underWay === mostPieces && !this.isOver) await this.changed.taken()
    return !this.isOver
  }

  /** Memory for the piece after the one that goes now, where some came back. */
  swap(): Uint8Array | undefined {
    this.underWay++
    return this.returned.pop()
  }
}

/** What the one who decompresses finds out. */
export interface Decompressed {
  /** SHA-256 of the compressed bytes, in hexadecimal, where somebody asked for it. */
  readonly sha256?: string
}

/**
 * Decompresses a part for whoever is at the other end of the port; ends early when nobody is there any more. What is
 * wrong with the part is told over there, where it is known in which entry.
 */
export const decompress = async (
  part: ArchivePart & Pick<UnpackJob, "isDigested">,
  port: MessagePort,
): Promise<Decompressed> => {
  const hash = part.isDigested ? createHash("sha256") : undefined
  const rooms = new Rooms(port)
  const say = (said: Said): void =>
    port.postMessage(said, said._tag === "Piece" ? [memoryOf(said.piece)] : [])
  let source: ZstdSource | undefined
  try {
    source = openInPlace(part.path, part.range, {
      refuse: (detail) =>
        new Refusal({ _tag: "BadArchive", archive: part.archive, entry: undefined, detail }),
      seen: (bytes) => hash?.update(bytes),
    })
    while (await rooms.hasOne()) {
      const piece = await source.next()
      if (piece === undefined) {
        say({ _tag: "End", read: source.read })
        return hash === undefined ? {} : { sha256: hash.digest("hex") }
      }
      source.keep(rooms.swap())
      say({ _tag: "Piece", piece, read: source.read })
    }
    return {}
  } catch (cause) {
    say({ _tag: "Failed", reason: reasonOf(cause) })
    return {}
  } finally {
    source?.close()
    port.close()
  }
}

/** Takes the pieces that come through a port for what is decompressed in this thread. */
class Received implements ZstdSource {
  readonly size: number
  read = 0
  private readonly port: MessagePort
  private readonly refuse: Reading["refuse"]
  private readonly waiting: Array<Said> = []
  private readonly changed = new Signal()
  private last: Uint8Array | undefined
  private isClosed = false

  constructor(port: MessagePort, size: number, { refuse }: Reading) {
    this.port = port
    this.size = size
    this.refuse = refuse
    port.on("message", (said: Said) => {
      this.waiting.push(said)
      this.changed.give()
    })
    port.on("close", () => {
      this.isClosed = true
      this.changed.give()
    })
  }

  async next(): Promise<Uint8Array | undefined> {
    this.giveBack()
    while (this.waiting.length === 0 && !this.isClosed) await this.changed.taken()
    const said = this.waiting.shift()
    // The other thread is gone, and why is told there.
    if (said === undefined) throw errno("ECANCELED")
    if (said._tag === "Failed") {
      throw said.reason._tag === "BadArchive" ? this.refuse(said.reason.detail) : new Refusal(said.reason)
    }
    this.read = said.read
    this.last = said._tag === "Piece" ? said.piece : undefined
    return this.last
  }

  keep(): void {
    this.last = undefined
    this.port.postMessage("kept" satisfies Returned, [])
  }

  close(): void {
    this.port.close()
  }

  private giveBack(): void {
    if (this.last === undefined) return
    this.port.postMessage(this.last satisfies Returned, [memoryOf(this.last)])
    this.last = undefined
  }
}

/** A part as another thread decompresses it. */
export const receive =
  (port: MessagePort): OpenZstd =>
  (path, range, reading) =>
    new Received(port, sizeOf(path, range), reading)
