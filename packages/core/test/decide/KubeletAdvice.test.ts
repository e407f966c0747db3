import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Fact, KubeletAdvice } from "../../src/index.ts"
import { settings } from "../Sample.ts"

const durations: ReadonlyArray<readonly [text: string, seconds: number | undefined]> = [
  ["0", 0],
  ["0s", 0],
  ["2m0s", 120],
  ["1h0m0s", 3600],
  ["1.5h", 5400],
  [".5m", 30],
  ["1.m", 60],
  ["500ms", 0.5],
  ["250us", 0.00025],
  ["250µs", 0.00025],
  ["-10m", -600],
  ["+10m", 600],
  ["", undefined],
  ["10", undefined],
  ["10 m", undefined],
  ["m", undefined],
  ["1d", undefined],
  ["10m ", undefined],
  ["1e3s", undefined],
]

const advise = (value: unknown) => KubeletAdvice.advise(Fact.known(value))

describe("KubeletAdvice", () => {
  for (const [text, seconds] of durations)
    it(`reads ${JSON.stringify(text)} as ${seconds === undefined ? "no duration" : `${seconds} s`}`, () => {
      const found = KubeletAdvice.parseDuration(text)
      if (seconds === undefined || found === undefined) assert.strictEqual(found, seconds)
      else assert.approximately(found, seconds, 1e-12)
    })

  it("adds up hours, minutes and seconds", () => {
    fc.assert(
      fc.property(fc.nat(100), fc.nat(500), fc.nat(500), (h, m, s) => {
        assert.strictEqual(KubeletAdvice.parseDuration(`${h}h${m}m${s}s`), h * 3600 + m * 60 + s)
      }),
    )
  })

  it("is content from ten minutes on, under either key", () => {
    for (const key of ["kubeletconfig", "kubeletConfig"]) {
      assert.isUndefined(advise({ [key]: { runtimeRequestTimeout: "10m0s" } }))
      assert.include(advise({ [key]: { runtimeRequestTimeout: "9m59s" } })!.message, "599 s")
    }
  })

  it("advises where the value is missing, no duration or not to be had", () => {
    for (const value of [
      undefined,
      null,
      "text",
      {},
      { kubeletconfig: null },
      { kubeletconfig: { runtimeRequestTimeout: 600 } },
    ])
      assert.strictEqual(advise(value)?.severity, "warning")
    const failed = KubeletAdvice.advise(Fact.unknown("failed", "403"))
    assert.include(failed!.message, "403")
    assert.include(failed!.remedy!, "600s")
  })

  describe("guest pull is in use", () => {
    const uses = (variables: Readonly<Record<string, string>>) =>
      KubeletAdvice.settingsUseGuestPull(settings({ SHIMS_X86_64: "qemu clh", ...variables }))

    it("when a shim is forced to it or mapped to it", () => {
      assert.isTrue(uses({ EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }))
      assert.isTrue(uses({ PULL_TYPE_MAPPING_X86_64: "clh:default,qemu:guest-pull" }))
    })

    it("and not when nothing names it", () => {
      assert.isFalse(uses({}))
      assert.isFalse(uses({ PULL_TYPE_MAPPING_X86_64: "qemu:guest-pull-not" }))
    })

    it("when a mapping's item says it with or without a shim in front", () => {
      assert.deepStrictEqual(
        [...KubeletAdvice.pullTypesIn("qemu: guest-pull ,guest-pull,clh:x:y")],
        ["guest-pull", "guest-pull", "x:y"],
      )
    })
  })
})
