import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Checksums from "../../src/decide/Checksums.ts"

const a = "a".repeat(64)
const b = "b".repeat(64)

describe("checksums of the artifact directory", () => {
  it("the output of sha256sum is read, in text and binary mode", () => {
    const text = `# made by the build\n${a}  tarballs/kernel.tar.zst\r\n${b.toUpperCase()} *./tarballs/qemu.tar.zst\n\n`
    const read = Result.getOrThrow(Checksums.parse(text))
    assert.deepStrictEqual(
      [...read],
      [
        ["tarballs/kernel.tar.zst", a],
        ["tarballs/qemu.tar.zst", b],
      ],
    )
  })

  it.each([
    ["a short digest", `${a.slice(1)}  x`, "line 1"],
    ["no path", `${a}  x\n${a}`, "line 2"],
    ["a path twice with different digests", `${a}  x\n${b}  x\n`, "line 2 names x again"],
  ])("%s is refused with its line", (_, text, expected) => {
    const result = Checksums.parse(text)
    assert.isTrue(Result.isFailure(result))
    if (Result.isFailure(result)) assert.include(result.failure, expected)
  })

  it("an archive may be used only when it is listed with its digest", () => {
    const known: Checksums.Checksums = new Map([["x", a]])
    assert.isUndefined(Checksums.objection(known, "x", a))
    assert.include(Checksums.objection(known, "x", b), "its checksum is bbbb")
    assert.include(Checksums.objection(known, "y", a), "does not list it")
  })

  it("what is printed is read again, sorted by path", () => {
    const known: Checksums.Checksums = new Map([
      ["y", b],
      ["x", a],
    ])
    assert.strictEqual(Checksums.print(known), `${a}  x\n${b}  y\n`)
    assert.deepStrictEqual(new Map(Result.getOrThrow(Checksums.parse(Checksums.print(known)))), known)
  })
})
