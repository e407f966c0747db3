/** Real host trees and archives for tests, made from the fixtures of the conformance suite. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync, chmodSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import zlib from "node:zlib"
import { type FileState, HostFiles, HostLayout } from "@kata-deploy/core"
import type { HostFilesConformance, SampleArchive } from "@kata-deploy/core/testing"
import { Effect, Layer } from "effect"
import { type Header, pack, type Pack } from "tar-stream"
import { Artifacts } from "../src/Artifacts.ts"
import { Confinement } from "../src/Confinement.ts"
import { alone, crews, type Crews } from "../src/Crew.ts"
import { type OpenDirectory, openBest } from "../src/DirectoryHandle.ts"
import { make } from "../src/NodeHostFiles.ts"

/** A directory that is gone when the scope closes. */
export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "kata-deploy-test-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true })),
)

/** Puts one state at a path. */
export const plant = (at: string, state: FileState.FileState | string): void => {
  mkdirSync(dirname(at), { recursive: true })
  if (typeof state === "string") return plant(at, { _tag: "File", text: state, mode: 0o644 })
  switch (state._tag) {
    case "File":
      writeFileSync(at, state.text)
      return chmodSync(at, state.mode)
    case "Link":
      return symlinkSync(state.target, at)
    case "Directory":
      mkdirSync(at, { recursive: true })
      return chmodSync(at, state.mode)
    case "Absent":
    case "Unreadable":
      throw new Error(`cannot plant ${state._tag}`)
  }
}

const headerOf = (entry: SampleArchive.SampleEntry): Partial<Header> & { readonly name: string } => {
  const mtime = new Date(1_700_000_000_000)
  switch (entry.type) {
    case "file":
      return { name: entry.name, mode: entry.mode ?? 0o644, mtime, type: "file" }
    case "link":
      return { name: entry.name, linkname: entry.target, mtime, type: "symlink" }
    case "hard-link":
      return { name: entry.name, linkname: entry.target, mtime, type: "link" }
    case "directory":
      return { name: entry.name, mtime, type: "directory" }
    case "device":
      return { name: entry.name, mtime, type: "character-device", devmajor: 1, devminor: 3 }
    case "fifo":
      return { name: entry.name, mtime, type: "fifo" }
  }
}

/** The bytes of a tar, which is finished by this. */
export const packed = async (packing: Pack): Promise<Buffer> => {
  packing.finalize()
  const chunks: Array<Uint8Array> = []
  for await (const chunk of packing) chunks.push(chunk as Uint8Array)
  return Buffer.concat(chunks)
}

/** The bytes of a tar with these entries. */
export const tarOf = async (entries: ReadonlyArray<SampleArchive.SampleEntry>): Promise<Buffer> => {
  const packing = pack()
  for (const entry of entries) packing.entry(headerOf(entry), entry.type === "file" ? entry.text : "")
  return packed(packing)
}

/** The bytes of a `.tar.zst`. */
export const archiveOf = async (archive: SampleArchive.SampleArchive): Promise<Buffer> =>
  archive === "corrupt"
    ? Buffer.from("these bytes are no archive, whatever they are called")
    : zlib.zstdCompressSync(await tarOf(archive))

/** A host tree and an artifact directory on this machine. */
export interface SampleHost {
  /** The directory that is the host's root. */
  readonly root: string
  /** The artifact directory. */
  readonly artifacts: string
}

/** Makes a host tree and an artifact directory, gone when the scope closes. */
export const sampleHost = (fixture: HostFilesConformance.Fixture) =>
  Effect.gen(function* () {
    const directory = yield* temporaryDirectory
    const host: SampleHost = { root: join(directory, "root"), artifacts: join(directory, "artifacts") }
    yield* Effect.promise(async () => {
      mkdirSync(host.root)
      mkdirSync(host.artifacts)
      for (const [path, state] of Object.entries(fixture.tree ?? {})) plant(host.root + path, state)
      for (const [path, text] of Object.entries(fixture.artifacts ?? {}))
        plant(join(host.artifacts, path), text)
      for (const [path, text] of Object.entries(fixture.programs ?? {}))
        plant(join(host.artifacts, path), { _tag: "File", text, mode: 0o755 })
      for (const [path, archive] of Object.entries(fixture.archives ?? {})) {
        mkdirSync(dirname(join(host.artifacts, path)), { recursive: true })
        writeFileSync(join(host.artifacts, path), await archiveOf(archive))
      }
    })
    return host
  })

/** The port over a sample host, whose directories are opened in a given way, without threads unless some are given. */
export const portOver = (host: SampleHost, open: OpenDirectory = openBest, workers = crews(alone())) =>
  make(
    new Confinement(HostLayout.wholeRoot(host.root), open),
    new Artifacts(host.artifacts, workers),
    workers,
  )

/** A layer over a fresh sample host. */
export const layerOf =
  (open: OpenDirectory, workers?: Crews) =>
  (fixture: HostFilesConformance.Fixture): Layer.Layer<HostFiles.HostFiles> =>
    Layer.effect(
      HostFiles.HostFiles,
      Effect.map(sampleHost(fixture), (host) => portOver(host, open, workers)),
    )
