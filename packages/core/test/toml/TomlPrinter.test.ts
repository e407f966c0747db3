import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import * as SmolToml from "smol-toml"
import * as TomlPrinter from "../../src/toml/TomlPrinter.ts"

const parse = (text: string): unknown => JSON.parse(JSON.stringify(SmolToml.parse(text)))

/** Any text that can be written as UTF-8, control characters and quotes among it. */
const text = fc.string({
  unit: fc.oneof(
    fc.constantFrom('"', "\\", "\n", "\r", "\t", "\0", "\u007f", "'", "#", "[", "=", "."),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 1 }),
  ),
})
const key = fc
  .oneof(text, fc.constantFrom("a", "b-c", "a.b", "", "io.containerd.grpc.v1.cri", "ü"))
  .filter((k) => k !== "__proto__")
const integer = fc.integer({ min: -1_000_000, max: 1_000_000 })
const scalar = fc.oneof(text, integer, fc.boolean())

const { table } = fc.letrec<{ table: TomlPrinter.PrintTable; value: TomlPrinter.Value }>((tie) => ({
  table: fc.dictionary(key, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  value: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.array(tie("table"), { maxLength: 3 }),
    fc.array(tie("value"), { maxLength: 3 }),
    tie("table"),
  ),
}))

describe("TomlPrinter", () => {
  it("prints what another parser reads as the same", () => {
    fc.assert(
      fc.property(table, fc.array(text, { maxLength: 3 }), (value, comment) => {
        assert.deepStrictEqual(parse(TomlPrinter.print(comment, value)), value)
      }),
      { numRuns: 400 },
    )
  })

  it("prints strings that another parser reads as the same", () => {
    fc.assert(
      fc.property(text, (value) => {
        const printed = TomlPrinter.string(value)
        assert.notMatch(printed, /[\n\r\0]/)
        assert.deepStrictEqual(
          parse(`${TomlPrinter.key(value)} = ${printed}`),
          JSON.parse(`{${JSON.stringify(value)}:${JSON.stringify(value)}}`),
        )
      }),
      { numRuns: 300 },
    )
  })

  it("prints the same bytes for the same input", () => {
    fc.assert(
      fc.property(table, (value) =>
        assert.strictEqual(TomlPrinter.print([], value), TomlPrinter.print([], structuredClone(value))),
      ),
    )
  })

  it("keeps the order of the caller, simple values of a table in front of its tables", () => {
    assert.strictEqual(
      TomlPrinter.print(["first", "", "third"], {
        z: { b: 1, a: { y: true } },
        a: "x",
        list: [{ n: 1 }, { m: { k: [] } }],
      }),
      '# first\n#\n# third\n\na = "x"\n\n[z]\nb = 1\n\n[z.a]\ny = true\n\n[[list]]\nn = 1\n\n[[list]]\n\n[list.m]\nk = []\n',
    )
  })

  it("gives a table a header only when it holds a value or nothing at all", () => {
    assert.strictEqual(TomlPrinter.print([], { a: { b: { c: 1 } }, d: {} }), "[a.b]\nc = 1\n\n[d]\n")
  })

  it("quotes keys only where it has to", () => {
    for (const [name, printed] of [
      ["kata-qemu_1", "kata-qemu_1"],
      ["io.containerd.grpc.v1.cri", '"io.containerd.grpc.v1.cri"'],
      ["", '""'],
      ['a"b', '"a\\"b"'],
      ["ü", '"ü"'],
    ] as const) {
      assert.strictEqual(TomlPrinter.key(name), printed)
    }
  })

  it("writes tables inside mixed arrays inline", () => {
    assert.strictEqual(TomlPrinter.print([], { a: [1, { "b.c": "x" }] }), 'a = [1, { "b.c" = "x" }]\n')
  })

  it("knows numbers that are none", () => {
    assert.strictEqual(
      TomlPrinter.print([], { a: Number.NaN, b: -Infinity, c: Infinity, d: 1.5 }),
      "a = nan\nb = -inf\nc = inf\nd = 1.5\n",
    )
  })

  it("does not let a comment become a statement", () => {
    assert.strictEqual(
      TomlPrinter.print(["a\nversion = 9\r", "  "], { b: 1 }),
      "# a version = 9\n#\n\nb = 1\n",
    )
  })
})
