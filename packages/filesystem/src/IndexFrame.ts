/**
 * Answers: which parts does an archive of ours have? The index lies in a skippable frame at the very end, so the last
 * bytes of the file are enough to find it. Source: decisions §10.
 */
import fs from "node:fs"
import { ArchiveIndex } from "@kata-deploy/core"
import { Result } from "effect"
import { type ArchivePart, mostBytes, whole } from "./ArchiveReader.ts"
import { Refusal } from "./Refusal.ts"

/** Longest index that is looked for, in bytes. */
const longest = 1024 * 1024

/** Nearly every index is shorter than so many bytes. */
const usual = 16 * 1024

const headerBytes = 8

/** The bytes of a frame with an index. */
export const encode = (index: ArchiveIndex.ArchiveIndex): Buffer => {
  const text = Buffer.from(ArchiveIndex.encode(index))
  const header = Buffer.alloc(headerBytes)
  header.writeUInt32LE(ArchiveIndex.frameMagic, 0)
  header.writeUInt32LE(text.length, 4)
  return Buffer.concat([header, text])
}

/** Where the text of a frame begins that reaches exactly to the end of `tail`. */
const textStart = (tail: Buffer): number | undefined => {
  const magic = Buffer.alloc(4)
  magic.writeUInt32LE(ArchiveIndex.frameMagic)
  // JSON has no control characters, so these four bytes are nowhere inside of it.
  const at = tail.lastIndexOf(magic)
  if (at === -1 || at + headerBytes > tail.length) return undefined
  return at + headerBytes + tail.readUInt32LE(at + 4) === tail.length ? at + headerBytes : undefined
}

const closingBrace = "}".charCodeAt(0)

/** The text of an index of at most so many bytes with its header, and where its frame begins. */
const textOf = (
  fd: number,
  size: number,
  most: number,
): { readonly text: string; readonly before: number } | undefined => {
  const tail = Buffer.allocUnsafe(Math.min(size, most))
  const length = fs.readSync(fd, tail, 0, tail.length, size - tail.length)
  // What is not even the end of some JSON need not be searched.
  if (length < tail.length || tail.at(-1) !== closingBrace) return undefined
  const start = textStart(tail)
  if (start === undefined) return undefined
  return { text: tail.subarray(start).toString("utf8"), before: size - (tail.length - start) - headerBytes }
}

/** The index of an archive; `undefined` where it has none. An index that does not fit is refused. */
export const read = (path: string, archive: string): ArchiveIndex.ArchiveIndex | undefined => {
  const fd = fs.openSync(path, "r")
  try {
    const { size } = fs.fstatSync(fd)
    const found = textOf(fd, size, usual) ?? textOf(fd, size, longest)
    if (found === undefined) return undefined
    const { before, text } = found
    const refuse = (detail: string) => new Refusal({ _tag: "BadArchive", archive, entry: undefined, detail })
    const index = ArchiveIndex.decode(text, before)
    if (Result.isFailure(index)) throw refuse(index.failure)
    // Each part alone may be small enough, and all of them together not.
    if (ArchiveIndex.contentBytes(index.success) > mostBytes(size))
      throw refuse("by its index it unpacks to more than 200 times its size")
    return index.success
  } finally {
    fs.closeSync(fd)
  }
}

/** The parts of an archive that can be unpacked independently; one that others made is a single part. */
export const parts = (
  path: string,
  archive: string,
  only: "all" | "planned" = "all",
): ReadonlyArray<ArchivePart> => {
  const index = read(path, archive)
  if (index === undefined) return [{ path, archive, ...whole }]
  const ranges = ArchiveIndex.ranges(index)
  return ranges.flatMap(({ end, part, start }, at): ReadonlyArray<ArchivePart> => {
    if (only === "planned" && !part.planned) return []
    const isLast = at === ranges.length - 1
    const { content } = part
    return [{ path, archive, range: { start, end }, end: isLast ? "of-archive" : "of-part", content }]
  })
}
