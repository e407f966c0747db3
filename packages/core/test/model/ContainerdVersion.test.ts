import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ContainerdVersion } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

interface VersionCase {
  readonly name: string
  readonly input: { readonly containerRuntimeVersion: string }
  readonly expected: {
    readonly is2OrNewer: boolean
    readonly is2_2OrNewer: boolean
    readonly schemaForRelease: unknown
  }
  readonly upstreamQuirk?: boolean
}

describe("ContainerdVersion", () => {
  for (const [text, version] of [
    ["containerd://2.2.0-k3s1", [2, 2]],
    ["containerd://2.1.5-k3s1", [2, 1]],
    ["containerd://1.7.24", [1, 7]],
    ["containerd://v2.2.0", [2, 2]],
    ["v2.2", [2, 2]],
    ["2.3.0-beta.0", [2, 3]],
    ["  containerd://2.10.1\n", [2, 10]],
    ["containerd://10.0.1", [10, 0]],
  ] as const) {
    it(`reads ${JSON.stringify(text)}`, () => {
      assert.deepStrictEqual(ContainerdVersion.parse(text), { major: version[0], minor: version[1] })
    })
  }

  for (const text of [
    "cri-o://1.34.0",
    "docker://24.0",
    "containerd://2",
    "containerd://",
    "containerd://Unknown",
    "containerd://abc.2.0",
    "containerd://-1.7",
    "containerd-fips://2.1.0",
    "2",
    "2.",
    ".2",
    "",
    "unknown 2.1",
  ]) {
    it(`does not guess a version from ${JSON.stringify(text)}`, () => {
      assert.isUndefined(ContainerdVersion.parse(text))
    })
  }

  for (const { expected, input, name, upstreamQuirk } of Vectors.section<VersionCase>(
    "02-version-parsing",
    "containerRuntimeVersion",
  )) {
    if (upstreamQuirk === true) continue
    it(`agrees with upstream about ${name}`, () => {
      const version = ContainerdVersion.parse(input.containerRuntimeVersion)
      const newer = (major: number, minor: number) =>
        version !== undefined && ContainerdVersion.atLeast(version, major, minor)
      assert.strictEqual(newer(2, 0), expected.is2OrNewer)
      assert.strictEqual(newer(2, 2), expected.is2_2OrNewer)
      if (version !== undefined) {
        assert.strictEqual(ContainerdVersion.newestSchema(version), expected.schemaForRelease)
      }
    })
  }

  it("orders by major, then by minor, and by nothing else", () => {
    const number = fc.integer({ min: 0, max: 30 })
    fc.assert(
      fc.property(
        number,
        number,
        number,
        number,
        fc.constantFrom("", ".7", "-rc.1", "-k3s1"),
        (a, b, x, y, tail) => {
          const version = ContainerdVersion.parse(`containerd://${a}.${b}${tail}`)!
          assert.strictEqual(ContainerdVersion.atLeast(version, x, y), a * 100 + b >= x * 100 + y)
          assert.strictEqual(ContainerdVersion.format(version), `${a}.${b}`)
        },
      ),
    )
  })

  it("reads long hostile texts", () => {
    // Backtracking would run into the time limit of tests.
    for (const text of [
      "1".repeat(1_000_000),
      " ".repeat(1_000_000),
      `1.${"2".repeat(1_000_000)}`,
      "v".repeat(1_000_000),
    ]) {
      assert.isUndefined(ContainerdVersion.parse(text))
    }
  })
})
