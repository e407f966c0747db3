/**
 * Answers: what would zstd-codec cost, the decoder compiled to WebAssembly, instead of Node's own? Both decompress the
 * same archives, front to back on one thread; the bytes are compared by their digest.
 */
import { createHash } from "node:crypto"
import fs from "node:fs"
import { createRequire } from "node:module"
import process from "node:process"
import type { Transform } from "node:stream"
import { openBestZstd } from "../../packages/filesystem/src/ZstdSource.ts"

/** What is used of zstd-codec, which has no types. */
interface Codec {
  readonly run: (ready: (streams: { readonly ZstdDecompressTransform: new () => Transform }) => void) => void
}

const codecStreams = (): Promise<() => Transform> =>
  new Promise((resolve) => {
    const codec = createRequire(import.meta.url)("zstd-codec/lib/zstd-stream.js") as Codec
    codec.run(({ ZstdDecompressTransform: Decompress }) => resolve(() => new Decompress()))
  })

/** Processor seconds for all archives, and a digest of what came out. */
interface Decoded {
  readonly cpuSeconds: number
  readonly sha256: string
}

type Pieces = AsyncIterable<Uint8Array>

const decode = async (
  archives: ReadonlyArray<string>,
  open: (archive: string) => Pieces,
): Promise<Decoded> => {
  const hash = createHash("sha256")
  const before = process.cpuUsage()
  for (const archive of archives) for await (const piece of open(archive)) hash.update(piece)
  const { system, user } = process.cpuUsage(before)
  return { cpuSeconds: (user + system) / 1e6, sha256: hash.digest("hex") }
}

async function* ofOurs(archive: string): AsyncGenerator<Uint8Array> {
  const refuse = (detail: string): never => {
    throw new Error(`${archive}: ${detail}`)
  }
  const source = openBestZstd(archive, { start: 0, end: undefined }, { refuse })
  for (let piece = await source.next(); piece !== undefined; piece = await source.next()) yield piece
  source.close()
}

/** What both decoders took, and whether they agree. */
export interface Comparison {
  readonly native: Decoded
  readonly codec: Decoded
  readonly isSame: boolean
}

/** Decompresses archives with both decoders. */
export const compare = async (archives: ReadonlyArray<string>): Promise<Comparison> => {
  const codecOf = await codecStreams()
  const native = await decode(archives, ofOurs)
  const codec = await decode(archives, (archive) =>
    fs.createReadStream(archive, { highWaterMark: 128 * 1024 }).pipe(codecOf()),
  )
  return { native, codec, isSame: native.sha256 === codec.sha256 }
}
