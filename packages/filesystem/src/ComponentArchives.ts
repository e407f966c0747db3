/**
 * Answers: what is in the archives of an artifact directory, are they sound, and how is one made? For people who build
 * and check images; installing uses none of it.
 */
import type { KeyObject } from "node:crypto"
import fs from "node:fs"
import nodePath from "node:path"
import { ArchiveEntry, ArtifactSet, Checksums, HostError, NydusMode } from "@kata-deploy/core"
import { Effect } from "effect"
import type { EntryHeader } from "./ArchiveReader.ts"
import { Artifacts } from "./Artifacts.ts"
import { crews, type Crews } from "./Crew.ts"
import * as EntryChecks from "./EntryChecks.ts"
import { attempt, codeOf, reasonOf, toHostError } from "./Failure.ts"
import { pack as packTree, type Packed, type PackRequest } from "./Packing.ts"
import * as Trust from "./Trust.ts"

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
  /** Why this cannot be told of it, as a clause; `null` where it can. */
  readonly problem: string | null
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

/** What came of checking a file that is no component archive. */
export type FileVerdict = Omit<ArchiveVerdict, "component" | "archive"> & {
  /** Path relative to the artifact directory. */
  readonly path: string
}

/** What came of checking a directory. */
export interface Verification {
  /** `signed`: checksums with a fitting signature; `listed`: checksums only; `none`: archives were only read through. */
  readonly trust: "signed" | "listed" | "none"
  readonly archives: ReadonlyArray<ArchiveVerdict>
  /** Where there are checksums: whatever else they list, and the programs that an install would hold against them. */
  readonly files: ReadonlyArray<FileVerdict>
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

const names = (directory: string): Effect.Effect<ReadonlyArray<string>, HostError.HostError> =>
  attempt(`list the archives in ${nodePath.join(directory, "tarballs")}`, undefined, () =>
    componentsIn(directory),
  )

/** The archives of a directory; one that cannot be looked into does not hide the others. */
export const list = (directory: string): Effect.Effect<ReadonlyArray<ArchiveSummary>, HostError.HostError> =>
  Effect.map(names(directory), (components) => {
    const artifacts = new Artifacts(directory)
    return components.map((component) => summary(artifacts, component))
  })

const summary = (artifacts: Artifacts, component: string): ArchiveSummary => {
  const archive = ArtifactSet.archivePath(component)
  const path = nodePath.join(artifacts.directory, archive)
  const bytes = fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0
  try {
    const unpackedBytes = artifacts.unpackedBytes(archive) ?? null
    const parts = artifacts.parts(archive).length
    return { component, archive, bytes, unpackedBytes, parts, problem: null }
  } catch (cause) {
    return { component, archive, bytes, unpackedBytes: null, parts: 0, problem: clauseOf(reasonOf(cause)) }
  }
}

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
    catch: toHostError(`read ${nodePath.join(artifacts.directory, archive)}`, undefined),
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

/**
 * Checks every archive: its checksum where there are checksums, and every byte of it by reading it through. Whatever else
 * the checksums list is held against them, too. Checksums that cannot be relied on are a failure: nothing can be said
 * of the archives then.
 */
export const verify = (
  directory: string,
  publicKey: KeyObject | undefined,
): Effect.Effect<Verification, HostError.HostError> =>
  withCrews((workers) =>
    Effect.gen(function* () {
      const components = yield* names(directory)
      const known = yield* attempt(`rely on the checksums of ${directory}`, undefined, () =>
        Trust.checksums(directory, publicKey),
      )
      const artifacts = new Artifacts(directory, workers, publicKey)
      const archives = yield* Effect.forEach(components, (name) => verdict(artifacts, workers, name), {
        concurrency: "unbounded",
      })
      const files =
        known === undefined
          ? []
          : yield* Effect.forEach(otherFiles(artifacts, known, components), (path) =>
              fileVerdict(artifacts, known, path),
            )
      const trust = publicKey !== undefined ? "signed" : known !== undefined ? "listed" : "none"
      return { trust, archives, files }
    }),
  )

/** Paths that the checksums list besides archives that are there, and programs that an install would look for there. */
const otherFiles = (
  artifacts: Artifacts,
  known: Checksums.Checksums,
  components: ReadonlyArray<string>,
): ReadonlyArray<string> => {
  const archives = new Set(components.map(ArtifactSet.archivePath))
  const programs = NydusMode.all
    .flatMap((mode) => NydusMode.modes[mode].programs.map((program) => `nydus-snapshotter/${program}`))
    .filter((path) => fs.existsSync(nodePath.join(artifacts.directory, path)))
  return [...new Set([...known.keys(), ...programs])].filter((path) => !archives.has(path)).sort()
}

const fileVerdict = (
  artifacts: Artifacts,
  known: Checksums.Checksums,
  path: string,
): Effect.Effect<FileVerdict> =>
  artifacts.sha256(path).pipe(
    Effect.match({
      onFailure: ({ reason }) => ({ path, sha256: null, problem: clauseOf(reason) }),
      onSuccess: (sha256) => ({ path, sha256, problem: Checksums.objection(known, path, sha256) ?? null }),
    }),
  )

/** A reason without the name of the archive, which stands beside it. */
const clauseOf = (reason: HostError.HostErrorReason): string => {
  if (reason._tag !== "BadArchive") return HostError.describe(reason)
  const { detail, entry } = reason
  return ArchiveEntry.shown(entry === undefined ? detail : `${entry}: ${detail}`)
}

const verdict = (artifacts: Artifacts, workers: Crews, component: string): Effect.Effect<ArchiveVerdict> => {
  const archive = ArtifactSet.archivePath(component)
  return Effect.gen(function* () {
    const facts = yield* artifacts.identify(archive, undefined)
    const sha256 = facts === undefined ? null : (facts.id.sha256 ?? (yield* artifacts.sha256(archive)))
    const headers = yield* headersOf(artifacts, workers, archive)
    return { component, archive, sha256, problem: EntryChecks.objection(headers) ?? null }
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
    return { key: Trust.publicKeyFrom(fs.readFileSync(file)) }
  } catch (cause) {
    return { key: undefined, why: whyNoKey(cause) }
  }
}

const whyNoKey = (cause: unknown): string => {
  const code = codeOf(cause)
  if (code === undefined) return cause instanceof Error ? cause.message : String(cause)
  // What OpenSSL says of bytes that it cannot read helps nobody.
  return code.startsWith("ERR_") ? "it holds no public key" : HostError.describe(reasonOf(cause))
}

export type { Packed, PackRequest } from "./Packing.ts"
