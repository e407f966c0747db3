/**
 * Answers: where do the archives of the trial come from? Packs programs of this machine under the names of Kata's
 * files into `tarballs/kata-static-<component>.tar.zst`, with a manifest beside them: the layout of a real image.
 */
import { constants } from "node:fs"
import { chmod, copyFile, mkdir, rm, stat, symlink, truncate, writeFile } from "node:fs/promises"
import { dirname, join } from "node:path"
import { buffer } from "node:stream/consumers"
import { promisify } from "node:util"
import zlib from "node:zlib"
import type { Architecture } from "@kata-deploy/core"
import { Effect } from "effect"
import * as tarFs from "tar-fs"
import { collect, madeUp, type RealFile, takeNearest } from "./SamplePrograms.ts"
import { type Component, components, manifest, type ReleaseEntry, versions } from "./SampleRelease.ts"
import { TrialError } from "./TrialError.ts"

/** What was packed. */
export interface SampleSummary {
  /** Names of the components, in order. */
  readonly components: ReadonlyArray<string>
  /** Bytes of all files before packing. */
  readonly unpacked: number
  /** Bytes of all archives. */
  readonly packed: number
}

/** A release entry together with the real file that stands for it, if there is one. */
interface Cast {
  readonly entry: ReleaseEntry
  readonly real: RealFile | undefined
}

const zstdCompress = promisify(zlib.zstdCompress)

/** All entries carry this time, so that the same files give the same archive. */
const time = new Date(Date.UTC(2026, 0, 1))

/** Two archives at a time: two cores are what a small machine has. */
const workers = 2

/** Gives each binary a real file of about its size. The largest choose first, because large files are rare. */
const cast = (
  all: ReadonlyArray<Component>,
  pool: ReadonlyArray<RealFile>,
): ReadonlyMap<ReleaseEntry, RealFile> => {
  const left = [...pool]
  const wanted = all.flatMap((component) => component.entries).filter((entry) => entry.kind === "binary")
  const parts = new Map<ReleaseEntry, RealFile>()
  for (const entry of wanted.sort((a, b) => b.size - a.size)) {
    const real = takeNearest(left, entry.size)
    if (real !== undefined) parts.set(entry, real)
  }
  return parts
}

/** Puts one entry of a component below `root` and answers how many bytes it has. */
const stage = async (root: string, { entry, real }: Cast): Promise<number> => {
  const path = join(root, entry.path)
  await mkdir(dirname(path), { recursive: true, mode: 0o755 })
  if (entry.kind === "link") {
    await symlink(entry.target, path)
    return 0
  }
  if (entry.kind === "text") {
    await writeFile(path, entry.text)
  } else {
    if (real === undefined) await writeFile(path, madeUp(entry.path, entry.size))
    else await copyFile(real.path, path, constants.COPYFILE_FICLONE)
    await chmod(path, 0o600)
    if (entry.zeros > 0) await truncate(path, (await stat(path)).size + entry.zeros)
  }
  await chmod(path, entry.mode)
  return (await stat(path)).size
}

const entryName = (header: tarFs.Header): string =>
  header.name === "." ? "./" : `./${header.name}${header.type === "directory" ? "/" : ""}`

/** Entries are named from `./` on and belong to root, as in upstream's archives. */
const pack = async (root: string, archive: string): Promise<void> => {
  const tar = await buffer(
    tarFs.pack(root, {
      sort: true,
      umask: 0,
      map: (header) => ({
        ...header,
        name: entryName(header),
        mode: header.type === "directory" ? 0o755 : header.mode & 0o777,
        mtime: time,
        uid: 0,
        gid: 0,
        uname: "root",
        gname: "root",
      }),
    }),
  )
  // With its length told, the archive says how much it holds, and an install can ask for space beforehand.
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 3 }
  await writeFile(archive, await zstdCompress(tar, { pledgedSrcSize: tar.length, params }))
}

const make = async (directory: string, component: Component, parts: ReadonlyMap<ReleaseEntry, RealFile>) => {
  const staging = join(directory, `.staging-${component.name}`)
  const archive = join(directory, "tarballs", `kata-static-${component.name}.tar.zst`)
  let unpacked = 0
  for (const entry of component.entries) {
    unpacked += await stage(join(staging, "opt/kata"), { entry, real: parts.get(entry) })
  }
  await pack(staging, archive)
  await rm(staging, { recursive: true })
  return { unpacked, packed: (await stat(archive)).size }
}

/**
 * Packs the sample release for `architecture` (as `uname -m` names it) into `directory`, which can then be given
 * to `--artifacts`.
 */
export const packSampleComponents = Effect.fnUntraced(function* (
  directory: string,
  architecture: Architecture.Architecture,
): Effect.fn.Return<SampleSummary, TrialError> {
  const attempt = <A>(run: () => Promise<A>) =>
    Effect.tryPromise({
      try: run,
      catch: (cause) => new TrialError({ doing: "packing the sample components", cause }),
    })
  const all = components(architecture)
  yield* attempt(() => mkdir(join(directory, "tarballs"), { recursive: true }))
  yield* attempt(() =>
    writeFile(
      join(directory, "shim-components.json"),
      `${JSON.stringify(manifest(architecture), null, 2)}\n`,
    ),
  )
  yield* attempt(() => writeFile(join(directory, "versions.yaml"), versions))
  const parts = cast(all, yield* attempt(collect))
  const sizes = yield* Effect.forEach(all, (component) => attempt(() => make(directory, component, parts)), {
    concurrency: workers,
  })
  return {
    components: all.map((component) => component.name),
    unpacked: sizes.reduce((sum, size) => sum + size.unpacked, 0),
    packed: sizes.reduce((sum, size) => sum + size.packed, 0),
  }
})
