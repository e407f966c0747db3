import { assert, describe, it } from "@effect/vitest"
import * as Splice from "../../src/toml/Splice.ts"

describe("a text with splices", () => {
  it("has what was inserted, has lost what was cut, and keeps the rest", () => {
    assert.strictEqual(
      Splice.apply("abcdef", [
        { from: 0, to: 0, insert: "-" },
        { from: 1, to: 3, insert: "" },
        { from: 3, to: 4, insert: "DD" },
        { from: 6, to: 6, insert: "." },
      ]),
      "-aDDef.",
    )
  })

  it("is the text itself without any", () => {
    assert.strictEqual(Splice.apply("abc", []), "abc")
  })
})
