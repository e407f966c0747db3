/** How does a value in a text of somebody else change, and what of the text stays as it is? */
import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Result } from "effect"
import { Toml, TomlEdit } from "../../src/index.ts"

const path = ["hypervisor", "qemu", "enable_annotations"]

const set = (text: string, value: unknown, at: TomlEdit.Path = path): string =>
  Result.getOrThrow(TomlEdit.set(text, at, value))

const at = (text: string, keys: TomlEdit.Path = path): unknown =>
  Toml.at(Result.getOrThrow(Toml.parse(text)), ...keys)

describe("a value on a line of its own", () => {
  it("changes, and not one byte of any other line does", () => {
    const before = "\uFEFF# who\t \r\nroot = [ 1,2 ]  \n[hypervisor.qemu]\n  x = 1   # why  \n"
    const after = '\n\n[runtime]\t\nenable_annotations = "other"\n\n\n'
    assert.strictEqual(
      set(`${before}enable_annotations = ["b", "a"]\n${after}`, ["a", 'q"\\', "z"]),
      `${before}enable_annotations = ["a", "q\\"\\\\", "z"]\n${after}`,
    )
    assert.strictEqual(
      set("[runtime]  \nforce = false\nx = 1  ", true, ["runtime", "force"]),
      "[runtime]  \nforce = true\nx = 1  ",
    )
  })

  it("is told from the same line in another table, and in a string", () => {
    const line = 'enable_annotations = ["a"]\n'
    for (const other of [`[hypervisor.clh]\n${line}`, `[x]\nlike = """\n${line}"""\n`]) {
      const text = `[hypervisor.qemu]\nenable_annotations = [ "a" ]\n${other}`
      const edited = set(text, ["b"])
      assert.deepStrictEqual(at(edited), ["b"])
      assert.include(edited, other)
      const twice = set(`[hypervisor.qemu]\n${line}${other}`, ["b"])
      assert.deepStrictEqual(at(twice), ["b"])
      assert.include(twice, other)
    }
  })

  it("is changed as well where it is written in another manner, or is not there", () => {
    for (const text of [
      "[hypervisor.qemu]\nenable_annotations = [ 'a',   'b' ] # both\n",
      '[hypervisor.qemu]\nenable_annotations = [\n  "a",\n  "b",\n]\n',
      'hypervisor.qemu.enable_annotations = ["a", "b"]\n',
      '[hypervisor.qemu]\r\nenable_annotations = ["a", "b"]\r\n',
      "[hypervisor.qemu]\nx = 1\n",
      "",
    ])
      assert.deepStrictEqual(at(set(text, ["c"])), ["c"])
  })
})

describe("an edited document", () => {
  const member = fc.constantFrom("a", "b", "enable_iommu", "'", '"', "\\", "ü")
  const list = fc.array(member, { maxLength: 4 })
  const text = fc
    .tuple(list, fc.constantFrom(", ", ","), fc.constantFrom("", " "), fc.boolean())
    .map(([members, comma, space, isTwice]) => {
      const array = `[${space}${members.map((each) => JSON.stringify(each)).join(comma)}${space}]`
      const line = `enable_annotations = ${array}\n`
      return `[hypervisor.qemu]\nx = 1\n${line}[hypervisor.clh]\n${isTwice ? line : ""}y = 2\n`
    })

  it("comes with what its text says, and says nothing else than before but for the value", () => {
    fc.assert(
      fc.property(text, list, (before, value) => {
        const table = Result.getOrThrow(Toml.parse(before))
        const after = Result.getOrThrow(TomlEdit.setIn({ text: before, table }, path, value))
        assert.deepStrictEqual(after.table, Result.getOrThrow(Toml.parse(after.text)))
        const { hypervisor } = structuredClone(table) as { hypervisor: { qemu: object; clh: object } }
        assert.deepEqual<unknown>(after.table, {
          hypervisor: { ...hypervisor, qemu: { ...hypervisor.qemu, enable_annotations: value } },
        })
      }),
    )
  })

  it("is the very same where the value is there already", () => {
    const document = { text: "a = [1]\n", table: { a: [1] } }
    assert.strictEqual(Result.getOrThrow(TomlEdit.setIn(document, ["a"], [1])), document)
  })

  it("tells numbers apart that are larger than a number holds", () => {
    const text = "a = 9223372036854775807\n"
    assert.deepEqual<unknown>(TomlEdit.set(text, ["b"], 1), Result.succeed(`${text}b = 1\n`))
    assert.deepEqual<unknown>(TomlEdit.set(text, ["a"], 1), Result.succeed("a = 1\n"))
  })

  it("is none where something else than a table stands in the way, or the text is no TOML", () => {
    assert.deepEqual<unknown>(TomlEdit.set("hypervisor = 1\n", path, []), Result.fail("E_NOT_A_TABLE"))
    assert.deepEqual<unknown>(TomlEdit.set("a =\n", path, []), Result.fail("E_TOML_PARSE"))
  })
})
