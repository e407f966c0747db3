/**
 * Answers: what is in the artifact directory? It comes with the program and is trusted as a directory (links in it are
 * followed, as a mounted ConfigMap has them); what is in its archives is not.
 */
import fs from "node:fs"
import nodePath from "node:path"
import type { KeyObject } from "node:crypto"
import { ArchiveIndex, FileState, HostError, type HostFiles, type Ledger } from "@kata-deploy/core"
import { Effect } from "effect"
import type { ArchivePart } from "./ArchiveReader.ts"
import { alone, crews, type Crews } from "./Crew.ts"
import { attempt, errno, hasCode, reasonOf, Refusal, toHostError } from "./Failure.ts"
import * as IndexFrame from "./IndexFrame.ts"
import { fingerprintAt, namesIn, stateAt } from "./Observation.ts"
import * as Trust from "./Trust.ts"
import { contentBytes } from "./ZstdFrames.ts"

/** What tells an archive from another one of the same name without reading it. */
interface Identity {
  readonly size: number
  readonly modifiedMs: number
  /** Inode number in decimal; it may be larger than a number holds exactly. */
  readonly inode: string
}

/** The artifact directory. */
export class Artifacts {
  /** Where it is, absolute. */
  readonly directory: string
  private readonly crews: Crews
  private readonly publicKey: KeyObject | undefined
  private readonly digests = new Map<string, Promise<string>>()
  private readonly texts = new Map<string, Promise<ReadonlyMap<string, string>>>()
  private readonly contents = new Map<string, number | undefined>()

  /** With a public key the checksums have to be there and signed with it. */
  constructor(directory: string, workers: Crews = crews(alone()), publicKey?: KeyObject) {
    this.directory = nodePath.resolve(directory)
    this.crews = workers
    this.publicKey = publicKey
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

  /** The names in a directory of it. */
  names(relative: string): HostFiles.Listing {
    if (!isInside(relative)) return { _tag: "Absent" }
    try {
      return { _tag: "Names", names: namesIn(this.at(relative)) }
    } catch (cause) {
      if (hasCode(cause, "ENOENT")) return { _tag: "Absent" }
      return { _tag: "Unreadable", detail: HostError.describe(reasonOf(cause)) }
    }
  }

  /** Size, permissions and digest of a file that is copied as it is; one that the checksums do not vouch for is refused. */
  program(relative: string): Effect.Effect<HostFiles.Fingerprint, HostError.HostError> {
    return attempt(`identify ${relative}`, undefined, () => {
      if (this.identity(relative) === undefined) return { _tag: "Absent" }
      const found = fingerprintAt(fs.realpathSync(this.at(relative)))
      if (found._tag === "File")
        Trust.check(Trust.checksums(this.directory, this.publicKey), relative, found.digest)
      return found
    })
  }

  /** Where a file of it is, as this process sees it. */
  pathOf(relative: string): string {
    if (!isInside(relative)) throw errno("ENOENT")
    return this.at(relative)
  }

  /** The parts of an archive that can be unpacked independently. */
  parts(relative: string): ReadonlyArray<ArchivePart> {
    if (!isInside(relative)) throw errno("ENOENT")
    return IndexFrame.parts(this.at(relative), relative)
  }

  /**
   * Identity of an archive; a known one is taken over while size, time and inode agree, and it is read where it may be
   * the known one all the same. An archive that the directory's checksums do not vouch for is refused.
   */
  identify(
    relative: string,
    known: Ledger.ArchiveId | undefined,
  ): Effect.Effect<HostFiles.ArchiveFacts | undefined, HostError.HostError> {
    const operation = `identify ${relative}`
    return Effect.gen({ self: this }, function* () {
      const identity = yield* attempt(operation, undefined, () => this.identity(relative))
      if (identity === undefined) return undefined
      const checksums = yield* attempt(operation, undefined, () =>
        Trust.checksums(this.directory, this.publicKey),
      )
      const { inode, modifiedMs, size } = identity
      const recorded = known?.size === size ? known : undefined
      const isKnown =
        recorded?.modifiedMs === modifiedMs && (recorded.inode === undefined || recorded.inode === inode)
      const isAsked = checksums !== undefined || (recorded !== undefined && recorded.sha256 !== null)
      const sha256 =
        isKnown && recorded.sha256 !== null ? recorded.sha256 : isAsked ? yield* this.sha256(relative) : null
      yield* attempt(operation, undefined, () => Trust.check(checksums, relative, sha256))
      const unpackedBytes = yield* attempt(operation, undefined, () => this.unpackedBytes(relative))
      return { archive: relative, id: { sha256, size, modifiedMs, inode }, unpackedBytes }
    })
  }

  /** Digest of an archive. */
  sha256(relative: string): Effect.Effect<string, HostError.HostError> {
    return Effect.tryPromise({
      try: () => {
        const identity = this.existing(relative)
        const path = this.at(relative)
        return this.once(this.digests, relative, identity, () =>
          this.crews.forBytes(identity.size).run({ _tag: "Digest", path }),
        )
      },
      catch: toHostError(`identify ${relative}`, undefined),
    })
  }

  /** Texts of the Kata configurations in an archive, by path relative to `opt/kata`. */
  configs(
    relative: string,
    wanted: "all" | ReadonlyArray<string>,
  ): Effect.Effect<ReadonlyMap<string, string>, HostError.HostError> {
    return Effect.tryPromise({
      try: async () => {
        const identity = this.existing(relative)
        const read = () => this.readTexts(relative, identity.size, wanted)
        return await this.once(this.texts, `${relative} ${String(wanted)}`, identity, read)
      },
      catch: toHostError(`read the configurations of ${relative}`, undefined),
    })
  }

  private async readTexts(
    relative: string,
    size: number,
    wanted: "all" | ReadonlyArray<string>,
  ): Promise<ReadonlyMap<string, string>> {
    const crew = this.crews.forBytes(size)
    const parts = IndexFrame.parts(this.at(relative), relative, "planned")
    const found = await Promise.all(parts.map((part) => crew.run({ _tag: "Texts", part, wanted })))
    return new Map(found.flatMap((texts) => [...texts]))
  }

  /** Bytes that an archive unpacks to, as far as it says. */
  unpackedBytes(relative: string): number | undefined {
    const identity = this.existing(relative)
    return this.once(this.contents, relative, identity, () => {
      const index = IndexFrame.read(this.at(relative), relative)
      return index === undefined ? contentBytes(this.at(relative)) : ArchiveIndex.contentBytes(index)
    })
  }

  /** What was read of an archive stays true while it is the same file; every stage of a run asks again. */
  private once<A>(
    known: Map<string, A>,
    relative: string,
    { inode, modifiedMs, size }: Identity,
    read: () => A,
  ): A {
    const key = [relative, size, modifiedMs, inode].join("\0")
    if (known.has(key)) return known.get(key)!
    const reading = read()
    known.set(key, reading)
    // A failure may be gone the next time.
    if (reading instanceof Promise) reading.catch(() => known.delete(key))
    return reading
  }

  private existing(relative: string): Identity {
    const identity = this.identity(relative)
    if (identity === undefined) throw errno("ENOENT")
    return identity
  }

  /** Size, time and inode of an archive, or `undefined` when there is none. */
  private identity(relative: string): Identity | undefined {
    if (!isInside(relative)) return undefined
    const stat = fs.statSync(this.at(relative), { throwIfNoEntry: false, bigint: true })
    if (stat === undefined) return undefined
    if (!stat.isFile()) throw new Refusal({ _tag: "Refused", detail: `${relative} is no regular file` })
    return {
      size: Number(stat.size),
      // As `mtimeMs` has it where numbers are no big ones.
      modifiedMs: Number(stat.mtimeNs / 1_000_000_000n) * 1000 + Number(stat.mtimeNs % 1_000_000_000n) / 1e6,
      inode: String(stat.ino),
    }
  }

  private at(relative: string): string {
    return nodePath.join(this.directory, relative)
  }
}

const isInside = (relative: string): boolean =>
  relative !== "" && !nodePath.isAbsolute(relative) && !relative.split("/").includes("..")
