import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import { MessageChannel } from "node:worker_threads"
import zlib from "node:zlib"
import { SampleArchive } from "@kata-deploy/core/testing"
import { pack } from "tar-stream"
import { type ArchivePart, ArchiveReader, whole } from "../src/ArchiveReader.ts"
import { toHostError } from "../src/Failure.ts"
import { decompress, receive } from "../src/Handover.ts"
import { openInPlace, openStream, type OpenZstd } from "../src/ZstdSource.ts"
import { packed, tarOf, temporaryDirectory } from "./SampleHost.ts"

const mebibyte = 1024 * 1024

/** Names and bytes of the entries that the reader gives. */
const readWith = (open: OpenZstd, bytes: Uint8Array, says: Pick<ArchivePart, "content"> = {}) =>
  Effect.gen(function* () {
    const path = join(yield* temporaryDirectory, "x.tar.zst")
    fs.writeFileSync(path, bytes)
    const found: Record<string, string> = {}
    const sink = (header: { readonly name: string }) => {
      found[header.name] = ""
      return {
        write: (chunk: Uint8Array) => (found[header.name] += Buffer.from(chunk).toString("latin1")),
        end: () => undefined,
      }
    }
    const reader = new ArchiveReader({ path, archive: "x.tar.zst", ...whole, ...says }, sink, { open })
    return yield* Effect.gen(function* () {
      const step = Effect.tryPromise({ try: () => reader.step(), catch: toHostError("read", undefined) })
      for (let more = yield* step; more > 0;) more = yield* step
      return found
    }).pipe(Effect.ensuring(Effect.sync(() => reader.close())))
  })

/** As another thread would hand it over. */
const openHandedOver: OpenZstd = (path, range, reading) => {
  const { port1, port2 } = new MessageChannel()
  void decompress({ ...whole, path, range, archive: "x.tar.zst", isDigested: false }, port1)
  return receive(port2)(path, range, reading)
}

const noise = (bytes: number): string => {
  let state = 1
  return Array.from({ length: bytes }, () => {
    state = (state * 48271) % 2147483647
    return String.fromCharCode(32 + (state % 90))
  }).join("")
}

const sample = [
  SampleArchive.file("a", "short"),
  SampleArchive.file("b", noise(300_000)),
  SampleArchive.file(`${"long/".repeat(60)}name`, "deep"),
]

describe.each([
  ["in place", openInPlace],
  ["with streams", openStream],
  ["that is handed over", openHandedOver],
] as const)("reading an archive %s", (_, open) => {
  const readAll = (bytes: Uint8Array) => readWith(open, bytes)

  /** Why the reader refuses these bytes. */
  const refusalOf = (bytes: Uint8Array) =>
    Effect.map(Effect.flip(readAll(bytes)), ({ message, reason }) =>
      reason._tag === "BadArchive" ? reason.detail : message,
    )

  it.effect("entries and their bytes come out, long names too", () =>
    Effect.gen(function* () {
      const found = yield* readAll(zlib.zstdCompressSync(yield* Effect.promise(() => tarOf(sample))))
      const expected = sample.map((entry) => [entry.name, entry.type === "file" ? entry.text : ""])
      assert.deepStrictEqual(found, Object.fromEntries(expected))
    }),
  )

  it.effect("names that lie across two pieces of what is decompressed are read whole", () =>
    Effect.gen(function* () {
      // Each entry takes four blocks or more, so that pieces end in every kind of block.
      const many = Array.from({ length: 2_000 }, (_ignored, at) =>
        SampleArchive.file(`${"deep/".repeat(60 + (at % 7))}${at}`, noise(at % 1_500)),
      )
      const found = yield* readAll(zlib.zstdCompressSync(yield* Effect.promise(() => tarOf(many))))
      const expected = many.map((entry) => [entry.name, entry.type === "file" ? entry.text : ""])
      assert.deepStrictEqual(found, Object.fromEntries(expected))
    }),
  )

  it.effect("a tar in several frames, with a skippable one at the end, is one archive", () =>
    Effect.gen(function* () {
      const tar = yield* Effect.promise(() => tarOf(sample))
      const frames = [0, 100_000, 200_000].map((start) =>
        zlib.zstdCompressSync(tar.subarray(start, start === 200_000 ? tar.length : start + 100_000)),
      )
      const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 0x7b, 0x7d])
      const found = yield* readAll(Buffer.concat([...frames, skippable]))
      assert.strictEqual(Object.keys(found).length, 3)
    }),
  )

  it.effect("an archive that is cut anywhere is refused", () =>
    Effect.gen(function* () {
      const whole = zlib.zstdCompressSync(yield* Effect.promise(() => tarOf(sample)))
      for (const part of [0, 1, 10, whole.length / 2, whole.length - 1]) {
        assert.include(yield* refusalOf(whole.subarray(0, Math.floor(part))), "ends too early", String(part))
      }
    }),
  )

  it.effect("a tar that was cut before it was compressed is refused", () =>
    Effect.gen(function* () {
      const tar = yield* Effect.promise(() => tarOf(sample))
      for (const end of [tar.length - 1024, tar.length - 1536, 512, 700, 100_000]) {
        const detail = yield* refusalOf(zlib.zstdCompressSync(tar.subarray(0, end)))
        assert.match(detail, /ends too early|no sound tar/, String(end))
      }
    }),
  )

  it.effect("a flipped bit is noticed where the archive has a checksum", () =>
    Effect.gen(function* () {
      const params = { [zlib.constants.ZSTD_c_checksumFlag]: 1 }
      const bytes = zlib.zstdCompressSync(yield* Effect.promise(() => tarOf(sample)), { params })
      bytes[Math.floor(bytes.length / 2)]! ^= 1
      assert.include(yield* refusalOf(bytes), "damaged")
    }),
  )

  it.effect("something that is no tar, or no zstd, is refused", () =>
    Effect.gen(function* () {
      assert.include(yield* refusalOf(Buffer.from("PK and no zstd")), "no zstd stream")
      assert.include(yield* refusalOf(zlib.zstdCompressSync(Buffer.alloc(2048, "text "))), "no sound tar")
    }),
  )

  it.effect("a stream that explodes is refused long before it ends", () =>
    Effect.gen(function* () {
      const tar = yield* Effect.promise(() => tarOf([SampleArchive.file("bomb", "0".repeat(70 * mebibyte))]))
      const bytes = zlib.zstdCompressSync(tar)
      assert.isBelow(bytes.length, mebibyte / 10)
      assert.include(yield* refusalOf(bytes), "200 times")
    }),
  )

  it.effect("a part that unpacks to more than its index says is refused, one that keeps to it is read", () =>
    Effect.gen(function* () {
      const tar = yield* Effect.promise(() => tarOf(sample))
      const bytes = zlib.zstdCompressSync(tar)
      assert.strictEqual(Object.keys(yield* readWith(open, bytes, { content: tar.length })).length, 3)
      const { message } = yield* Effect.flip(readWith(open, bytes, { content: tar.length - 1 }))
      assert.include(message, "it unpacks to more than its index says")
    }),
  )

  it.effect("a sparse entry is refused, because its bytes are not the file's", () =>
    Effect.gen(function* () {
      const packing = pack()
      packing.entry({ name: "opt/kata/s", pax: { "GNU.sparse.major": "1" } }, "x")
      const tar = yield* Effect.promise(() => packed(packing))
      assert.include(yield* refusalOf(zlib.zstdCompressSync(tar)), "sparse")
    }),
  )

  it.effect("a reader that stops early leaves no descriptor", () =>
    Effect.gen(function* () {
      if (process.platform !== "linux") return
      const exit = yield* Effect.exit(readAll(Buffer.from("no archive at all")))
      assert.isTrue(Exit.isFailure(exit))
      // Node closes the file of a destroyed stream on its thread pool, a few turns of the event loop later.
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      for (let turns = 0; turns < 100_000 && openArchives().length > 0; turns++) yield* turn
      assert.deepStrictEqual(openArchives(), [])
    }),
  )
})

/** Descriptors of archives; others come and go with the test runner. */
const openArchives = (): ReadonlyArray<string> =>
  fs.readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = fs.readlinkSync(`/proc/self/fd/${fd}`)
      return path.includes("x.tar.zst") ? [path] : []
    } catch {
      return []
    }
  })
