import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as ArchiveIndex from "../../src/model/ArchiveIndex.ts"

const index: ArchiveIndex.ArchiveIndex = {
  schemaVersion: 1,
  kind: "archive-index",
  component: "kernel",
  entries: 7,
  parts: [
    { size: 100, content: 5120, planned: true },
    { size: 50, content: 1024, planned: false },
  ],
}

describe("the index of an archive", () => {
  it("is read as it was written, and says how much the archive holds", () => {
    const read = Result.getOrThrow(ArchiveIndex.decode(ArchiveIndex.encode(index), 150))
    assert.deepStrictEqual(read, index)
    assert.strictEqual(ArchiveIndex.contentBytes(read), 6144)
    assert.deepStrictEqual(
      ArchiveIndex.ranges(read).map(({ end, start }) => [start, end]),
      [
        [0, 100],
        [100, 150],
      ],
    )
  })

  it.each([
    ["parts that leave bytes out", index, 151],
    ["parts that reach beyond", index, 149],
    ["no part", { ...index, parts: [] }, 0],
    ["an empty part", { ...index, parts: [...index.parts, { size: 0, content: 1, planned: false }] }, 150],
    ["another version", { ...index, schemaVersion: 2 }, 150],
  ])("an index with %s is refused", (_, wrong, bytes) => {
    assert.isTrue(Result.isFailure(ArchiveIndex.decode(JSON.stringify(wrong), bytes)))
  })
})
