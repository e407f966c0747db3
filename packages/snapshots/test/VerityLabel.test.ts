import { Result } from "effect"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { VerityLabel } from "../src/index.ts"
import { hash } from "./Samples.ts"

const good: VerityLabel.DmVerity = {
  hashtype: "sha256",
  hash,
  blocknum: 8,
  blocksize: 512,
  hashsize: 4096,
  offset: 4096,
}

describe("VerityLabel", () => {
  it("reads what it writes", () => {
    const blocks = fc.integer({ min: 1, max: 2 ** 32 - 1 })
    fc.assert(
      fc.property(blocks, (blocknum) => {
        const offset = Math.ceil((blocknum * 512) / 4096) * 4096
        assert.deepStrictEqual(
          Result.getOrThrow(VerityLabel.parse(VerityLabel.format(blocknum, offset, hash))),
          {
            ...good,
            blocknum,
            offset,
          },
        )
      }),
    )
  })

  it("takes an empty text for nothing to check", () => {
    assert.isUndefined(Result.getOrThrow(VerityLabel.parse("")))
  })

  for (const text of [
    "x",
    "1,2",
    `1,2,sha1:${hash}`,
    `-1,4096,sha256:${hash}`,
    `1,4096,sha256:${hash} `,
    "1,4096,sha256:ab",
    `1,0,sha256:${hash}`,
  ])
    it(`refuses ${JSON.stringify(text).slice(0, 30)}`, () => {
      assert.isTrue(Result.isFailure(VerityLabel.parse(text)))
    })

  for (const [what, over, valid] of [
    ["sha1 in capitals", { hashtype: "SHA1", hash: "AB".repeat(20) }, true],
    ["another hash", { hashtype: "md5" }, false],
    ["a name that every object has", { hashtype: "toString" }, false],
    ["a hash that is too short", { hash: "ab" }, false],
    ["a hash with other characters", { hash: "g".repeat(64) }, false],
    ["no block", { blocknum: 0 }, false],
    ["most blocks", { blocknum: 2 ** 32 - 1, offset: 4096 * 2 ** 30 }, true],
    ["too many blocks", { blocknum: 2 ** 32, offset: 4096 * 2 ** 30 }, false],
    ["the smallest blocks", { hashsize: 512 }, true],
    ["blocks that are too small", { hashsize: 511, offset: 511 * 9 }, false],
    ["the largest blocks", { blocksize: 524288, offset: 4194304 }, true],
    ["blocks that are too large", { blocksize: 524289, offset: 4198400 }, false],
    ["blocks that are no power of two, which nobody checks", { hashsize: 513, offset: 513 * 9 }, true],
    ["hashes off their grid", { offset: 4097 }, false],
    ["hashes within the data", { blocknum: 9 }, false],
  ] as const)
    it(`${valid ? "accepts" : "refuses"} ${what}`, () => {
      assert.strictEqual(VerityLabel.complaint({ ...good, ...over }) === undefined, valid)
    })
})
