import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import fs from "node:fs"
import { join } from "node:path"
import { MessageChannel } from "node:worker_threads"
import zlib from "node:zlib"
import { afterEach, vi } from "vitest"
import { whole } from "../src/ArchiveReader.ts"
import { decompress, receive } from "../src/Handover.ts"
import { reasonOf, Refusal } from "../src/Refusal.ts"
import { temporaryDirectory } from "./SampleHost.ts"

const mebibyte = 1024 * 1024

/** Every piece of it has other bytes. */
const content = Buffer.concat(Array.from({ length: 16 }, (_, at) => Buffer.alloc(mebibyte / 2, at + 1)))

const archive = Effect.map(temporaryDirectory, (directory) => {
  const path = join(directory, "x.tar.zst")
  fs.writeFileSync(path, zlib.zstdCompressSync(content))
  return path
})

/** Both ends, as two threads have them. */
const handOver = (path: string, { isDigested } = { isDigested: false }) => {
  const { port1, port2 } = new MessageChannel()
  const refuse = (detail: string) =>
    new Refusal({ _tag: "BadArchive", archive: "x.tar.zst", entry: "an entry", detail })
  const { range } = whole
  return {
    port: port1,
    decompressed: decompress({ ...whole, path, archive: "x.tar.zst", isDigested }, port1),
    source: receive(port2)(fs.existsSync(path) ? path : "/dev/null", range, { refuse }),
  }
}

const failureOf = (run: () => Promise<unknown>) =>
  Effect.promise(() =>
    run().then(
      () => assert.fail("it did not fail"),
      (cause: unknown) => reasonOf(cause),
    ),
  )

afterEach(() => void vi.restoreAllMocks())

describe("an archive that one thread decompresses for another", () => {
  it.effect("comes in the order of its bytes, in memory that is used again and again", () =>
    Effect.gen(function* () {
      const path = yield* archive
      const allocations = vi.spyOn(Buffer, "allocUnsafeSlow")
      const { decompressed, source } = handOver(path)
      const hash = createHash("sha256")
      let pieces = 0
      yield* Effect.promise(async () => {
        for (let piece = await source.next(); piece !== undefined; piece = await source.next()) {
          hash.update(piece)
          pieces++
        }
        await decompressed
      })
      assert.strictEqual(hash.digest("hex"), createHash("sha256").update(content).digest("hex"))
      assert.strictEqual(pieces, 16)
      // What goes in, four pieces under way, and the one that is filled.
      assert.isAtMost(allocations.mock.calls.length, 6)
      assert.strictEqual(source.read, source.size)
    }),
  )

  it.effect("is no more than a few pieces ahead of who takes them", () =>
    Effect.gen(function* () {
      const path = yield* archive
      const { decompressed, source } = handOver(path)
      let isDone = false
      void decompressed.then(() => (isDone = true))
      yield* Effect.promise(() => source.next())
      const turn = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      for (let turns = 0; turns < 1_000; turns++) yield* turn
      assert.isFalse(isDone)
      source.close()
      yield* Effect.promise(() => decompressed)
    }),
  )

  it.effect("has the digest of its compressed bytes where somebody asks for it", () =>
    Effect.gen(function* () {
      const path = yield* archive
      const asked = handOver(path, { isDigested: true })
      const read = async (source: typeof asked.source) => {
        while ((await source.next()) !== undefined);
      }
      yield* Effect.promise(() => read(asked.source))
      const sha256 = createHash("sha256").update(fs.readFileSync(path)).digest("hex")
      assert.deepStrictEqual(yield* Effect.promise(() => asked.decompressed), { sha256 })
      const unasked = handOver(path)
      yield* Effect.promise(() => read(unasked.source))
      assert.deepStrictEqual(yield* Effect.promise(() => unasked.decompressed), {})
    }),
  )

  it.effect("that is damaged is refused where the entry is known", () =>
    Effect.gen(function* () {
      const path = yield* archive
      fs.truncateSync(path, fs.statSync(path).size - 1)
      const { source } = handOver(path)
      const reason = yield* failureOf(async () => {
        while ((await source.next()) !== undefined);
      })
      const detail = "it ends too early"
      assert.deepStrictEqual(reason, { _tag: "BadArchive", archive: "x.tar.zst", entry: "an entry", detail })
    }),
  )

  it.effect("that cannot be read fails with what the operating system says", () =>
    Effect.gen(function* () {
      const { source } = handOver(join(yield* temporaryDirectory, "missing"))
      assert.deepStrictEqual(yield* failureOf(() => source.next()), { _tag: "Io", code: "ENOENT" })
    }),
  )

  it.effect("is given up when the other thread is gone", () =>
    Effect.gen(function* () {
      const { port, source } = handOver(yield* archive)
      yield* Effect.promise(() => source.next())
      port.close()
      const reason = yield* failureOf(async () => {
        while ((await source.next()) !== undefined);
      })
      assert.deepStrictEqual(reason, { _tag: "Io", code: "ECANCELED" })
    }),
  )
})
