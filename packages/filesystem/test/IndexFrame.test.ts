import { assert, describe, it } from "@effect/vitest"
import type { ArchiveIndex } from "@kata-deploy/core"
import { Effect } from "effect"
import fs from "node:fs"
import { join } from "node:path"
import * as IndexFrame from "../src/IndexFrame.ts"
import { Refusal } from "../src/Refusal.ts"
import { temporaryDirectory } from "./SampleHost.ts"

const bytes = Buffer.alloc(1000, 7)

const indexOf = (
  parts: ReadonlyArray<readonly [size: number, content: number]>,
): ArchiveIndex.ArchiveIndex => ({
  schemaVersion: 1,
  kind: "archive-index",
  component: "it",
  entries: parts.length,
  parts: parts.map(([size, content]) => ({ size, content, planned: false })),
})

/** What is read of a file with these bytes: its parts, or why it is refused. */
const read = (content: Uint8Array) =>
  Effect.map(temporaryDirectory, (directory): string | ReadonlyArray<unknown> => {
    const path = join(directory, "archive")
    fs.writeFileSync(path, content)
    try {
      return IndexFrame.parts(path, "it").map(({ end, range }) => [range.start, range.end, end])
    } catch (cause) {
      assert.instanceOf(cause, Refusal)
      return cause.message
    }
  })

const withIndex = (parts: Parameters<typeof indexOf>[0]) =>
  Buffer.concat([bytes, IndexFrame.encode(indexOf(parts))])

const whole: ReadonlyArray<unknown> = [[0, undefined, "of-archive"]]

describe("the index of an archive", () => {
  it.effect("tells where each part begins and ends", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* read(
          withIndex([
            [400, 512],
            [600, 1024],
          ]),
        ),
        [
          [0, 400, "of-part"],
          [400, 1000, "of-archive"],
        ],
      )
    }),
  )

  it.effect("is none where the file is cut, longer, or of somebody else", () =>
    Effect.gen(function* () {
      const sound = withIndex([[1000, 512]])
      const other = Buffer.from(sound)
      other[bytes.length] = 0x50
      for (const content of [
        Buffer.alloc(0),
        bytes,
        sound.subarray(0, -1),
        Buffer.concat([sound, bytes]),
        other,
      ])
        assert.deepStrictEqual(yield* read(content), whole)
    }),
  )

  it.effect("is refused where it does not fit the file, or is no index", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* read(withIndex([[999, 512]])), "its index does not fit its length")
      const sound = withIndex([[1000, 512]])
      const later = Buffer.from(
        sound.toString("latin1").replace('"schemaVersion":1', '"schemaVersion":2'),
        "latin1",
      )
      assert.match(String(yield* read(later)), /not of a kind that this program knows/)
    }),
  )

  it.effect("is refused where its parts together unpack to too much, though none does by itself", () =>
    Effect.gen(function* () {
      const most = 60 * 1024 * 1024
      assert.match(
        String(
          yield* read(
            withIndex([
              [400, most],
              [600, most],
            ]),
          ),
        ),
        /more than 200 times its size/,
      )
      assert.lengthOf(
        yield* read(
          withIndex([
            [400, most],
            [600, 512],
          ]),
        ),
        2,
      )
    }),
  )
})
