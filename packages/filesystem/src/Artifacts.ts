/**
 * Answers: what is in the artifact directory? It comes with the program and is trusted as a directory (links in it are
 * followed, as a mounted ConfigMap has them); what is in its archives is not.
 */
import { createHash } from "node:crypto"
import fs from "node:fs"
import nodePath from "node:path"
import { ArchiveEntry, FileState, type HostError, type HostFiles, type Ledger } from "@kata-deploy/core"
import { Effect } from "effect"
import { ArchiveReader, type EntryBody, type EntryHeader, type EntrySink } from "./ArchiveReader.ts"
import { attempt, errno, hasCode, Refusal, toHostError } from "./Failure.ts"
import { decodeText, largestText, stateAt } from "./Observation.ts"
import { contentBytes } from "./ZstdFrames.ts"

/** Bytes that are read at once when a digest is computed. */
const chunkBytes = 1024 * 1024

/** The artifact directory. */
export class Artifacts {
  /** Where it is, absolute. */
  readonly directory: string

  constructor(directory: string) {
    this.directory = nodePath.resolve(directory)
  }

  /** A text file by relative path. */
  text(relative: string): FileState.FileState {
    if (!isInside(relative)) return FileState.absent
    try {
      return stateAt(fs.realpathSync(this.at(relative)))
    } catch (cause) {
      if (hasCode(cause, "ENOENT", "ENOTDIR")) return FileState.absent
      return { _tag: "Unreadable", why: hasCode(cause, "EACCES") ? "denied" : "io", detail: String(cause) }
    }
  }

  /** Opens an archive for one pass. */
  open(relative: string, sink: EntrySink): ArchiveReader {
    if (!isInside(relative)) throw errno("ENOENT")
    return new ArchiveReader(this.at(relative), relative, sink)
  }

  /** Size and time of an archive, or `undefined` when there is none. */
  private stat(relative: string): { readonly size: number; readonly modifiedMs: number } | undefined {
    if (!isInside(relative)) return undefined
    const stat = fs.statSync(this.at(relative), { throwIfNoEntry: false })
    if (stat === undefined) return undefined
    if (!stat.isFile()) throw new Refusal({ _tag: "Refused", detail: `${relative} is no regular file` })
    return { size: stat.size, modifiedMs: stat.mtimeMs }
  }

  /** Identity of an archive; a known one is taken over while size and time agree. */
  identify(
    relative: string,
    known: Ledger.ArchiveId | undefined,
  ): Effect.Effect<HostFiles.ArchiveFacts | undefined, HostError.HostError> {
    const operation = `identify ${relative}`
    return Effect.gen({ self: this }, function* () {
      const stat = yield* attempt(operation, undefined, () => this.stat(relative))
      if (stat === undefined) return undefined
      const isKnown = known?.size === stat.size && known.modifiedMs === stat.modifiedMs
      const sha256 = isKnown
        ? known.sha256
        : yield* Effect.tryPromise({
            try: () => digestOf(this.at(relative)),
            catch: toHostError(operation, undefined),
          })
      const unpackedBytes = yield* attempt(operation, undefined, () => contentBytes(this.at(relative)))
      return { archive: relative, id: { sha256, ...stat }, unpackedBytes }
    })
  }

  /** Texts of the Kata configurations in an archive, by path relative to `opt/kata`. */
  configs(relative: string): Effect.Effect<ReadonlyMap<string, string>, HostError.HostError> {
    const operation = `read the configurations of ${relative}`
    const found = new Map<string, string>()
    const open = attempt(operation, undefined, () =>
      this.open(relative, (header) => configBody(relative, header, found)),
    )
    const readAll = Effect.fnUntraced(function* (reader: ArchiveReader) {
      const step = Effect.tryPromise({ try: () => reader.step(), catch: toHostError(operation, undefined) })
      for (let more = yield* step; more > 0;) more = yield* step
      return found
    })
    return Effect.acquireUseRelease(open, readAll, (reader) => Effect.sync(() => reader.close()))
  }

  private at(relative: string): string {
    return nodePath.join(this.directory, relative)
  }
}

const isInside = (relative: string): boolean =>
  relative !== "" && !nodePath.isAbsolute(relative) && !relative.split("/").includes("..")

const digestOf = async (path: string): Promise<string> => {
  const hash = createHash("sha256")
  for await (const chunk of fs.createReadStream(path, { highWaterMark: chunkBytes }))
    hash.update(chunk as Buffer)
  return hash.digest("hex")
}

/** Collects the text of a configuration; everything else is skipped. */
const configBody = (
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
    write: (chunk) => chunks.push(chunk),
    end: () => {
      const text = decodeText(Buffer.concat(chunks))
      if (text === undefined) throw refuse("it is not UTF-8 text")
      found.set(place.path, text)
    },
  }
}
