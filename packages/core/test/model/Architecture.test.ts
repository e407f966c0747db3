import { assert, describe, it } from "@effect/vitest"
import { Architecture } from "../../src/index.ts"

describe("Architecture", () => {
  for (const [node, name, suffix, target] of [
    ["x64", "x86_64", "X86_64", "x86_64"],
    ["arm64", "aarch64", "AARCH64", "aarch64"],
    ["s390x", "s390x", "S390X", "s390x"],
    ["ppc64", "ppc64le", "PPC64LE", "ppc64"],
    ["riscv64", "riscv64", undefined, "riscv64"],
  ] as const) {
    it(`calls Node's ${node} ${name}`, () => {
      assert.strictEqual(Architecture.fromNodeName(node), name)
      assert.strictEqual(Architecture.variableSuffix(name), suffix)
      assert.strictEqual(Architecture.qemuTarget(name), target)
      assert.strictEqual(Architecture.isKnown(name), suffix !== undefined)
    })
  }

  it("is not misled by names of object members", () => {
    assert.strictEqual(Architecture.fromNodeName("constructor"), "constructor")
  })
})
