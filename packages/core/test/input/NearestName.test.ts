import { assert, describe, it } from "@effect/vitest"
import { NearestName, Shim } from "../../src/index.ts"

describe("NearestName", () => {
  for (const [typo, meant] of [
    ["qmeu", "qemu"],
    ["qemu-snpp", "qemu-snp"],
    ["QEMU", "qemu"],
    ["dragonbal", "dragonball"],
    ["clh-runtime-sr", "clh-runtime-rs"],
    ["fcc", "fc"],
  ] as const) {
    it(`suggests ${meant} for ${typo}`, () => {
      assert.strictEqual(NearestName.nearestName(typo, Shim.names), meant)
    })
  }

  it("suggests nothing for what resembles no name", () => {
    for (const name of ["", "kubernetes", "xyz", "stratovirt"]) {
      assert.isUndefined(NearestName.nearestName(name, Shim.names), name)
    }
    assert.isUndefined(NearestName.nearestName("qemu", []))
  })

  it("suggests nothing for a name that is known", () => {
    assert.isUndefined(NearestName.nearestName("qemu-se", Shim.names))
  })

  it("suggests nothing that differs in more than it is told to pass over", () => {
    assert.strictEqual(NearestName.nearestName("qmeu-snpp", ["qemu-snp"], 2), "qemu-snp")
    assert.isUndefined(NearestName.nearestName("qmeu-snpp", ["qemu-snp"], 1))
  })

  it("asks in a sentence, or says nothing", () => {
    assert.strictEqual(NearestName.didYouMean("qmeu", Shim.names), " Did you mean qemu?")
    assert.strictEqual(NearestName.didYouMean("kubernetes", Shim.names), "")
  })

  it("compares long texts by their beginning", () => {
    assert.isUndefined(NearestName.nearestName("q".repeat(1_000_000), ["qemu"]))
  })
})
