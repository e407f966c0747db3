/**
 * Answers: where does a message of gRPC begin and end? Each has one byte that says whether it is compressed, and four
 * for its length; pieces come as the network likes.
 */

/** What has come of a message that is not complete. */
export interface Rest {
  /** In the order in which they came; put together once there are enough of them. */
  readonly pieces: ReadonlyArray<Uint8Array>
  /** Bytes in all pieces. */
  readonly length: number
  /** Bytes without which there is nothing to be done. */
  readonly needed: number
}

const headBytes = 5

/** Before anything has come. */
export const start: Rest = { pieces: [], length: 0, needed: headBytes }

/** A node can have thousands of blobs, and containerd 1.x lists some things in one message. */
export const largestMessage = 64 * 1024 * 1024

/** A message with its head. */
export const of = (message: Uint8Array): Uint8Array => {
  const framed = new Uint8Array(headBytes + message.length)
  new DataView(framed.buffer).setUint32(1, message.length)
  framed.set(message, headBytes)
  return framed
}

/** The messages that a piece completes; throws for one that is compressed, which we do not ask for, or too large. */
export const take = (
  before: Rest,
  piece: Uint8Array,
): { readonly messages: ReadonlyArray<Uint8Array>; readonly rest: Rest } => {
  const rest = { ...before, pieces: [...before.pieces, piece], length: before.length + piece.length }
  if (rest.length < rest.needed) return { messages: [], rest }
  const bytes = Buffer.concat(rest.pieces)
  const messages: Array<Uint8Array> = []
  let at = 0
  let needed = headBytes
  while (bytes.length - at >= headBytes) {
    needed = headBytes + lengthAt(bytes, at)
    if (bytes.length - at < needed) break
    messages.push(bytes.subarray(at + headBytes, at + needed))
    at += needed
    needed = headBytes
  }
  const left = bytes.subarray(at)
  return { messages, rest: { pieces: [left], length: left.length, needed } }
}

const lengthAt = (bytes: Buffer, at: number): number => {
  if (bytes[at] !== 0) throw new Error("it is compressed")
  const length = bytes.readUInt32BE(at + 1)
  if (length > largestMessage) throw new Error(`a message has ${length} bytes`)
  return length
}
