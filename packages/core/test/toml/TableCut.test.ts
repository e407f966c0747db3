import { assert, describe, it, vi } from "@effect/vitest"
import * as TableCut from "../../src/toml/TableCut.ts"

describe("a text without some of its tables", () => {
  it("has lost their headers, statements and sub-tables, and the empty line in front of each header", () => {
    assert.strictEqual(
      TableCut.without("[a]\nx = 1\n\n[b] # b\ny = 1\n\n[b.c]\n\n[[b.d]]\nz = 1\n\n# e\n[e]\n", [["b"]]),
      "[a]\nx = 1\n\n# e\n[e]\n",
    )
  })

  it("keeps tables whose names only start like theirs, and their parents", () => {
    assert.strictEqual(TableCut.without("[a]\n[a.b]\n[a.bc]\n[b]\n", [["a", "b"]]), "[a]\n[a.bc]\n[b]\n")
  })

  it("keeps white lines that are not empty, and more than one", () => {
    assert.strictEqual(TableCut.without("x = 1\n\n\n[a]\n \n[a.b]\n", [["a"]]), "x = 1\n\n \n")
  })

  it("takes no part of a text for a header that is in a string, an array or a remark", () => {
    const text = 'x = """\n[a]\n"""\ny = [\n[1], # [a]\n]\n# [a]\n'
    assert.strictEqual(TableCut.without(`${text}[a]\nz = ']'\n`, [["a"]]), text)
  })

  it("has lost tables whose names hold brackets and dots", () => {
    assert.strictEqual(TableCut.without(`["a]".'b.c']\n["a]".b.c]  \n`, [["a]", "b.c"]]), `["a]".b.c]  \n`)
  })

  it("is rewritten where a path leads into an inline table", () => {
    assert.strictEqual(TableCut.without("x = { a = 1, b = 2 } # x\n", [["x", "a"]]), "x = { b = 2 } # x\n")
  })

  it("keeps a table that is left empty, also where no header of its own says that it is there", () => {
    assert.strictEqual(TableCut.without("[a]\n[a.b]\n", [["a", "b"]]), "[a]\n")
    assert.strictEqual(TableCut.without("[a.b]\n", [["a", "b"]])?.trim(), "[a]")
  })

  it("is none where rewriting it would change a string of others, as in a text with mixed line endings", () => {
    vi.spyOn(console, "warn").mockReturnValue(undefined)
    const text = "x = { a = 1, b = 2 }\ny = 1\nz = '''one\r\ntwo'''\n"
    assert.isUndefined(TableCut.without(text, [["x", "a"]]))
    vi.restoreAllMocks()
  })

  it("is none where the text is no TOML", () => {
    assert.isUndefined(TableCut.without("x = [", [["x"]]))
  })
})
