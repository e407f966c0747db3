/**
 * Answers: where can one archive be taken apart? Archives of our own are made of parts, each a zstd frame of its own
 * that begins and ends between two entries of the tar, so that several threads unpack one archive. The index is JSON
 * in a skippable frame at the end, which every other reader skips. Source: decisions §10.
 */
import { Result, Schema } from "effect"

/** Number of the skippable frame that holds the index. */
export const frameMagic = 0x184d2a5e

/** One part; parts follow one another from the first byte on. */
export const Part = Schema.Struct({
  /** Bytes in the archive. */
  size: Schema.Int.check(Schema.isGreaterThan(0)),
  /** Bytes of tar that it unpacks to. */
  content: Schema.Int.check(Schema.isGreaterThan(0)),
  /** Whether texts that planning needs are in it (`ArchiveEntry.isPlanned`). */
  planned: Schema.Boolean,
})
/** One part of an archive. */
export type Part = typeof Part.Type

/** What the index says. */
export const ArchiveIndex = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  kind: Schema.Literal("archive-index"),
  component: Schema.String,
  /** Files, links and directories. */
  entries: Schema.Int,
  parts: Schema.Array(Part).check(Schema.isMinLength(1)),
})
/** What the index of an archive says. */
export type ArchiveIndex = typeof ArchiveIndex.Type

const decodeText = Schema.decodeUnknownResult(Schema.fromJsonString(ArchiveIndex))

/** Reads an index; `bytes` is where its frame begins, which is where the last part has to end. */
export const decode = (text: string, bytes: number): Result.Result<ArchiveIndex, string> =>
  decodeText(text).pipe(
    Result.mapError(() => "its index is not of a kind that this program knows"),
    Result.flatMap((index) =>
      index.parts.reduce((sum, part) => sum + part.size, 0) === bytes
        ? Result.succeed(index)
        : Result.fail("its index does not fit its length"),
    ),
  )

/** The text of an index, the same for the same index. */
export const encode = (index: ArchiveIndex): string => JSON.stringify(Schema.encodeSync(ArchiveIndex)(index))

/** Bytes of tar in all parts. */
export const contentBytes = (index: ArchiveIndex): number =>
  index.parts.reduce((sum, part) => sum + part.content, 0)

/** Where each part begins and ends (exclusive), in bytes of the archive. */
export const ranges = (
  index: ArchiveIndex,
): ReadonlyArray<{ readonly part: Part; readonly start: number; readonly end: number }> => {
  let at = 0
  return index.parts.map((part) => {
    const start = at
    at += part.size
    return { part, start, end: at }
  })
}
