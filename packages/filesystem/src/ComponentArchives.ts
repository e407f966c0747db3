/**
 * Answers: what is in the archives of an artifact directory, are they sound, and how is one made? For people who build
 * and check images; installing uses none of it.
 */
import type { KeyObject } from "node:crypto"
import fs from "node:fs"
import nodePath from "node:path"
import { ArchiveEntry, ArtifactSet, Checksums, HostError } from "@kata-deploy/core"
import { Effect } from "effect"
import type { EntryHeader } from "./ArchiveReader.ts"
import { Artifacts } from "./Artifacts.ts"
import { crews, type Crews } from "./Crew.ts"
import { attempt, toHostError } from "./Failure.ts"
import { pack as packTree, type Packed, type PackRequest } from "./Packing.ts"
import { publicKeyFrom } from "./Trust.ts"

/** One archive, by what can be told without unpacking it. */
export interface ArchiveSummary {
  readonly component: string
  /** Path relative to the artifact directory. */
  readonly archive: string
  /** Bytes of the archive. */
  readonly bytes: number
  /** Bytes that it unpacks to; `null` where it does not say. */
  readonly unpackedBytes: number | null
  /** Parts that can be unpacked at the same time; 1 for archives that others made. */
  readonly parts: number
}

/** One entry of an archive. */
export interface ListedEntry {
  /** Name as it stands in the archive. */
  readonly name: string
  readonly type: EntryHeader["type"]
  /** Permission bits as they stand in the archive. */
  readonly mode: number
  /** Bytes. */
  readonly size: number
  /** Target of a link, otherwise empty. */
  readonly target: string
}

/** What came of checking one archive. */
export interface ArchiveVerdict {
  readonly component: string
  readonly archive: string
  /** SHA-256, hexadecimal; `null` where the archive was refused before or could not be read. */
  readonly sha256: string | null
  /** Why it must not be used, as a sentence; `null` where it is sound. */
  readonly problem: string | null
}

/** What came of checking a directory. */
export interface Verification {
  /** `signed`: checksums with a fitting signature; `listed`: checksums only; `none`: archives were only read through. */
  readonly trust: "signed" | "listed" | "none"
  readonly archives: ReadonlyArray<ArchiveVerdict>
}

const nameOf = (file: string): string | undefined => /^kata-static-(.+)\.tar\.zst$/.exec(file)?.[1]

/** Components of which a directory has an archive, sorted. */
const componentsIn = (directory: string): ReadonlyArray<string> =>
  fs
    .readdirSync(nodePath.join(directory, "tarballs"))
    .flatMap((file) => nameOf(file) ?? [])
    .sort()

const withCrews = <A, E>(use: (workers: Crews) => Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => crews()),
    use,
    (workers) => Effect.promise(() => workers.close()),
  )

/** The archives of a directory. */
export const list = (directory: string): Effect.Effect<ReadonlyArray<ArchiveSummary>, HostError.HostError> =>
  attempt(`list the archives of ${directory}`, undefined, () => {
    const artifacts = new Artifacts(directory)
    return componentsIn(directory).map((component): ArchiveSummary => {
      const archive = ArtifactSet.archivePath(component)
      const { size } = fs.statSync(nodePath.join(directory, archive))
      return {
        component,
        archive,
        bytes: size,
        unpackedBytes: artifacts.unpackedBytes(archive) ?? null,
        parts: artifacts.parts(archive).length,
      }
    })
  })

const headersOf = (
  artifacts: Artifacts,
  workers: Crews,
  archive: string,
): Effect.Effect<ReadonlyArray<EntryHeader>, HostError.HostError> =>
  Effect.tryPromise({
    try: async () => {
      const parts = artifacts.parts(archive)
      const crew = workers.forBytes(fs.statSync(parts[0]!.path).size)
      return (await Promise.all(parts.map((part) => crew.run({ _tag: "List", part })))).flat()
    },
    catch: toHostError(`read ${archive}`, undefined),
  })

/** The entries of one component's archive, in its order. */
export const entries = (
  directory: string,
  component: string,
): Effect.Effect<ReadonlyArray<ListedEntry>, HostError.HostError> =>
  withCrews((workers) =>
    Effect.map(
      headersOf(new Artifacts(directory, workers), workers, ArtifactSet.archivePath(component)),
      (headers) => headers.map(({ mode, name, size, target, type }) => ({ name, type, mode, size, target })),
    ),
  )

/** Why an install would refuse an entry, by itself. */
const objection = ({ name, target, type }: EntryHeader): string | undefined => {
  const place = ArchiveEntry.place(name)
  if (place._tag === "Refused") return `${name}: ${place.why}`
  if (place._tag === "Outside") return undefined
  if (type === "other") return `${name}: it is no file, link or directory`
  const linked = type === "link" ? ArchiveEntry.hardLinkPlace(target) : undefined
  return linked?._tag === "Refused" ? `${name}: ${linked.why}` : undefined
}

/** Checks every archive: its checksum where there are checksums, and every byte of it by reading it through. */
export const verify = (
  directory: string,
  publicKey: KeyObject | undefined,
): Effect.Effect<Verification, HostError.HostError> =>
  withCrews((workers) =>
    Effect.gen(function* () {
      const artifacts = new Artifacts(directory, workers, publicKey)
      const names = yield* attempt(`list the archives of ${directory}`, undefined, () =>
        componentsIn(directory),
      )
      const archives = yield* Effect.forEach(names, (name) => verdict(artifacts, workers, name), {
        concurrency: "unbounded",
      })
      const isListed = fs.existsSync(nodePath.join(directory, Checksums.path))
      return { trust: publicKey !== undefined ? "signed" : isListed ? "listed" : "none", archives }
    }),
  )

/** A reason without the name of the archive, which stands beside it. */
const clauseOf = (reason: HostError.HostErrorReason): string => {
  if (reason._tag !== "BadArchive") return HostError.describe(reason)
  return reason.entry === undefined ? reason.detail : `${reason.entry}: ${reason.detail}`
}

const verdict = (artifacts: Artifacts, workers: Crews, component: string): Effect.Effect<ArchiveVerdict> => {
  const archive = ArtifactSet.archivePath(component)
  return Effect.gen(function* () {
    const facts = yield* artifacts.identify(archive, undefined)
    const sha256 = facts === undefined ? null : (facts.id.sha256 ?? (yield* artifacts.sha256(archive)))
    const headers = yield* headersOf(artifacts, workers, archive)
    const problem = headers.map(objection).find((why) => why !== undefined)
    return { component, archive, sha256, problem: problem ?? null }
  }).pipe(
    Effect.catch((error) =>
      Effect.succeed({ component, archive, sha256: null, problem: clauseOf(error.reason) }),
    ),
  )
}

/** Packs a directory. */
export const pack = (request: PackRequest): Effect.Effect<Packed, HostError.HostError> =>
  Effect.tryPromise({
    try: (signal) => packTree(request, signal),
    catch: toHostError(`pack ${request.tree} as ${request.component}`, undefined),
  })

/** Reads an Ed25519 public key (PEM, or its 32 bytes) from a file; `undefined` with what is wrong as a clause. */
export const readPublicKey = (
  file: string,
): { readonly key: KeyObject } | { readonly key: undefined; readonly why: string } => {
  try {
    return { key: publicKeyFrom(fs.readFileSync(file)) }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split("\n")[0]! : String(cause)
    return { key: undefined, why }
  }
}

export type { Packed, PackRequest } from "./Packing.ts"
