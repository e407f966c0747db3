import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import zlib from "node:zlib"
import { contentBytes } from "../src/ZstdFrames.ts"
import { temporaryDirectory } from "./SampleHost.ts"

const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3])
const frame = (bytes: number, checksum = 0) =>
  zlib.zstdCompressSync(Buffer.alloc(bytes, 7), {
    params: { [zlib.constants.ZSTD_c_checksumFlag]: checksum },
  })

const cases: ReadonlyArray<readonly [name: string, bytes: Buffer, expected: number | undefined]> = [
  ["one small frame", frame(100), 100],
  ["one frame of several blocks with a checksum", frame(1_000_000, 1), 1_000_000],
  ["several frames with a skippable one", Buffer.concat([frame(300), skippable, frame(70_000)]), 70_300],
  ["a frame that is cut", frame(1_000_000, 1).subarray(0, -2), undefined],
  ["garbage behind a frame", Buffer.concat([frame(100), Buffer.from("garbage")]), undefined],
  ["an empty file", Buffer.alloc(0), undefined],
  ["no zstd at all", Buffer.from("something else"), undefined],
]

describe("sizes that frame headers declare", () => {
  for (const [name, bytes, expected] of cases) {
    it.effect(`${name}: ${expected ?? "unknown"}`, () =>
      Effect.gen(function* () {
        const file = join(yield* temporaryDirectory, "x.zst")
        fs.writeFileSync(file, bytes)
        assert.strictEqual(contentBytes(file), expected)
      }),
    )
  }

  it.effect("a stream of unknown length: unknown", () =>
    Effect.gen(function* () {
      const file = join(yield* temporaryDirectory, "x.zst")
      const stream = zlib.createZstdCompress()
      stream.write(Buffer.alloc(100_000, 1))
      stream.end(Buffer.alloc(100_000, 2))
      const chunks = yield* Effect.promise(() => stream.toArray())
      fs.writeFileSync(file, Buffer.concat(chunks))
      assert.strictEqual(contentBytes(file), undefined)
    }),
  )
})
