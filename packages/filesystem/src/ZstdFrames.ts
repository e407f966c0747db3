/**
 * Answers: how many bytes does a zstd file unpack to, as far as its frame headers say? Only headers are read: frames
 * and blocks are jumped over. Format: RFC 8878 §3.1.
 */
import fs from "node:fs"

const magic = 0xfd2fb528
/** Skippable frames have the numbers 0x184D2A50 to 0x184D2A5F. */
const skippable = 0x184d2a50

class Cursor {
  position = 0
  private readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  /** The next `length` bytes, or `undefined` when there are fewer. */
  take(length: number): Buffer | undefined {
    const bytes = Buffer.alloc(length)
    if (fs.readSync(this.fd, bytes, 0, length, this.position) < length) return undefined
    this.position += length
    return bytes
  }
}

/** Bytes of the content size field by the flag's value; a single segment without one has a byte. */
const sizeBytes = (descriptor: number): number => {
  const flag = descriptor >> 6
  return flag === 0 ? (descriptor >> 5) & 1 : 1 << flag
}

const contentSize = (bytes: Buffer): number => {
  switch (bytes.length) {
    case 1:
      return bytes.readUInt8()
    case 2:
      return bytes.readUInt16LE() + 256
    case 4:
      return bytes.readUInt32LE()
    default:
      return Number(bytes.readBigUInt64LE())
  }
}

/** Jumps over the blocks of a frame and its checksum; false when the file ends before them. */
const skipBlocks = (cursor: Cursor, hasChecksum: boolean): boolean => {
  for (;;) {
    const header = cursor.take(3)?.readUIntLE(0, 3)
    if (header === undefined) return false
    // Type 1 is a run of one byte; the reserved type 3 cannot be jumped over.
    const type = (header >> 1) & 3
    if (type === 3) return false
    cursor.position += type === 1 ? 1 : header >> 3
    if ((header & 1) === 1) break
  }
  if (hasChecksum) cursor.position += 4
  return true
}

const dictionaryBytes = [0, 1, 2, 4] as const

/** The content sizes of all frames together; `undefined` when a frame has none, or it is no whole zstd file. */
export const contentBytes = (path: string): number | undefined => {
  const fd = fs.openSync(path, "r")
  try {
    const end = fs.fstatSync(fd).size
    const cursor = new Cursor(fd)
    let sum = 0
    while (cursor.position < end) {
      const number = cursor.take(4)?.readUInt32LE()
      if (number === undefined) return undefined
      if ((number & 0xfffffff0) >>> 0 === skippable) {
        const length = cursor.take(4)?.readUInt32LE()
        if (length === undefined) return undefined
        cursor.position += length
        continue
      }
      if (number !== magic) return undefined
      const descriptor = cursor.take(1)?.readUInt8()
      if (descriptor === undefined) return undefined
      const hasWindow = (descriptor & 0x20) === 0
      cursor.position += (hasWindow ? 1 : 0) + (dictionaryBytes[descriptor & 3] ?? 0)
      const field = cursor.take(sizeBytes(descriptor))
      if (field === undefined || field.length === 0) return undefined
      sum += contentSize(field)
      if (!skipBlocks(cursor, (descriptor & 4) !== 0)) return undefined
    }
    return cursor.position === end && end > 0 ? sum : undefined
  } finally {
    fs.closeSync(fd)
  }
}
