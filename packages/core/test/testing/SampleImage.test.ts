import { assert, describe, it } from "@effect/vitest"
import { SampleImage } from "@kata-deploy/core/testing"

describe("a sample image", () => {
  it("has the chain ids of OCI's rule: the lowest is its diff id, each other one hashes all below it", () => {
    // Computed with sha256sum: printf '%s' 'sha256:a sha256:b' | sha256sum, and so on.
    assert.deepStrictEqual(SampleImage.chainOf(["sha256:a", "sha256:b", "sha256:c"]), [
      "sha256:a",
      "sha256:970a948bffa8de94d6e22d747ba8c95030e6e546909f98f54e99a13005e173a8",
      "sha256:dee159b33409cefa3f6eda71539f006014283e9d9130c18a1dea7bd8a33c9b1b",
    ])
  })

  it("shares the lower layers and snapshots with another whose first texts are the same", () => {
    const one = SampleImage.make("one", ["a", "b", "c"])
    const other = SampleImage.make("other", ["a", "b", "x"])
    assert.deepStrictEqual(one.chain.slice(0, 2), other.chain.slice(0, 2))
    assert.notStrictEqual(one.chain[2], other.chain[2])
    assert.notStrictEqual(one.target, other.target)
  })

  it("is an archive of whole blocks that ends with two empty ones", () => {
    const text = SampleImage.layout(SampleImage.make("one", ["a"]))
    assert.strictEqual(text.length % 512, 0)
    assert.strictEqual(text.slice(-1024), "\0".repeat(1024))
    assert.strictEqual(text.slice(257, 265), "ustar\x0000")
  })
})
