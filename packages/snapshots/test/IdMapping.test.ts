import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { IdMapping } from "../src/index.ts"
import { labels } from "./Samples.ts"

describe("IdMapping", () => {
  it("reads one mapping for users and groups", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(
        IdMapping.fromLabels(labels({ uidMapping: "0:1000:65536", gidMapping: "0:1000:65536" })),
      ),
      { internal: 0, host: 1000, size: 65536 },
    )
    assert.isUndefined(Result.getOrThrow(IdMapping.fromLabels({})))
  })

  for (const [what, given] of [
    ["only one", { uidMapping: "0:1:2" }],
    ["two that differ", { uidMapping: "0:1:2", gidMapping: "0:1:3" }],
    ["one that is none", { uidMapping: "0-1-2", gidMapping: "0-1-2" }],
    ["an empty one", { uidMapping: "0:1:0", gidMapping: "0:1:0" }],
  ] as const)
    it(`refuses ${what}`, () => {
      assert.isTrue(Result.isFailure(IdMapping.fromLabels(labels(given))))
    })

  it("hands on the two labels and no other", () => {
    const both = labels({ uidMapping: "0:1:2", gidMapping: "0:1:2" })
    assert.deepStrictEqual(IdMapping.labelsOf({ ...both, ...labels({ tarfs: "x" }) }) as object, both)
  })
})
