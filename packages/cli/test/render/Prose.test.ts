import { assert, describe, it } from "vitest"
import { bytes, count, enumerate, hanging, wrap } from "../../src/render/Prose.ts"

describe("prose", () => {
  it("breaks at blanks and leaves longer words whole", () => {
    assert.deepStrictEqual(wrap("one two /a/very/long/path three", 9), [
      "one two",
      "/a/very/long/path",
      "three",
    ])
  })

  it("keeps the line breaks it is given", () => {
    assert.deepStrictEqual(wrap("one\ntwo", 80), ["one", "two"])
  })

  it("never gets wider than people can read", () => {
    assert.isAtMost(Math.max(...wrap("word ".repeat(100).trim(), 400).map((line) => line.length)), 100)
  })

  it("hangs below its first line", () => {
    assert.deepStrictEqual(hanging("Note: ", "some words that do not fit in here", 26), [
      "Note: some words that do",
      "      not fit in here",
    ])
  })

  it("counts and enumerates as people do", () => {
    assert.deepStrictEqual([count(1, "path"), count(2, "path")], ["1 path", "2 paths"])
    assert.strictEqual(enumerate(["a", "b", "c"]), "a, b and c")
    assert.deepStrictEqual([812, 32_400, 83_086_081, 2_000_000_000].map(bytes), [
      "812 B",
      "32.4 kB",
      "83.1 MB",
      "2.00 GB",
    ])
  })
})
