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

  it("a line of blanks says nothing, and only a leading ./ of a path is left out", () => {
    assert.deepStrictEqual(
      [...Result.getOrThrow(Checksums.parse(`  \t\n${a}  xy\r\n${a}  dir./x\n`))],
      [
        ["xy", a],
        ["dir./x", a],
      ],
    )
  })

  it("a path may come again with the same checksum, in either case of its letters", () => {
    const read = Result.getOrThrow(Checksums.parse(`${"a".repeat(64)}  x\n${"A".repeat(64)}  ./x\n`))
    assert.deepStrictEqual([...read], [["x", "a".repeat(64)]])
  })

  it("an objection shows enough of both checksums to compare them, and no more", () => {
    const objection = Checksums.objection(new Map([["x", "a".repeat(64)]]), "x", "b".repeat(64))!
    assert.match(objection, /\bb{12}….*\ba{12}…/)
  })
})
