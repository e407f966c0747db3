import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as RootSection from "../../src/toml/RootSection.ts"
import { rootFile, textOf } from "../decide/ContainerdFiles.ts"

const keys = (text: string) => RootSection.scan(text).statements.map((s) => s.key)

const members = (array: string) =>
  RootSection.members(array, 0).members.map((m) => array.slice(m.start, m.end))

describe("RootSection", () => {
  it("lists the statements in front of the first table header", () => {
    assert.deepStrictEqual(
      keys(
        "# x = 1\nversion = 2\n\n  'a.b'.c = [\n [1],\n] # z\n\"k=#\" = '''\n[no]\n''''\n [table]\nx = 1\n",
      ),
      ["version", "'a.b'.c", '"k=#"'],
    )
  })

  it("covers each statement from the start of its line to the start of the next", () => {
    fc.assert(
      fc.property(rootFile, (file) => {
        const text = textOf(file)
        const { end, start, statements } = RootSection.scan(text)
        let at = start
        for (const statement of statements) {
          for (const line of text.slice(at, statement.start).split("\n"))
            assert.match(line.trim(), /^(#.*)?$/)
          assert.isTrue(text.slice(statement.start).trimStart().startsWith(statement.key))
          assert.isTrue(statement.end === text.length || text[statement.end - 1] === "\n")
          at = statement.end
        }
        assert.isTrue(end === text.length || text.slice(end).trimStart().startsWith("["))
      }),
      { numRuns: 200 },
    )
  })

  it("finds the members of an array through comments, strings and nested values", () => {
    assert.deepStrictEqual(members("[ 'a' , # ],\n \"b\\\"]\",\n [1, ['x']], { k = ']' } ,]"), [
      "'a'",
      '"b\\"]"',
      "[1, ['x']]",
      "{ k = ']' }",
    ])
    assert.deepStrictEqual(members("[]"), [])
    assert.deepStrictEqual(members("[ # 'a'\n]"), [])
    assert.deepStrictEqual(members("['''a'''', 1 ]"), ["'''a''''", "1"])
  })

  it("ends at the end of the text where a text is no TOML", () => {
    const piece = fc.constantFrom(
      "[",
      "]",
      '"',
      "'",
      '"""',
      "'''",
      "#",
      "\n",
      "=",
      "a",
      ",",
      "{",
      "}",
      "\\",
      "\r",
      " ",
      "\uFEFF",
      "{{",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (parts) => {
        const text = parts.join("")
        const { end, statements } = RootSection.scan(text)
        assert.isAtMost(end, text.length)
        for (const statement of statements) {
          assert.isTrue(statement.start < statement.end && statement.end <= text.length)
          assert.isAtMost(RootSection.members(text, statement.value).close, text.length + 1)
        }
      }),
      { numRuns: 1000 },
    )
  })
})
