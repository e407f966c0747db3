import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Toml from "../../src/toml/Toml.ts"
import * as Vectors from "../Vectors.ts"

interface VersionCase {
  readonly name: string
  readonly input: { readonly content: string }
  readonly expected: number | null
  readonly upstreamQuirk?: boolean
}

const parse = (text: string) => Result.getOrThrow(Toml.parse(text))
const failure = (text: string) => Result.getOrThrow(Result.flip(Toml.parse(text)))

describe("Toml", () => {
  for (const { expected, input, name, upstreamQuirk } of Vectors.section<VersionCase>(
    "02-version-parsing",
    "schemaVersionFromToml",
  )) {
    if (upstreamQuirk === true) continue
    it(`reads the version of ${name} as upstream does`, () => {
      assert.strictEqual(Toml.declaredVersion(input.content), expected ?? undefined)
    })
  }

  for (const [text, version] of [
    ['"version" = 3\n', 3],
    ["version = +3\n", 3],
    ['imports = [\n["x"]]\nversion = 3\n', 3],
    ["\uFEFFversion = 2\r\n", 2],
    ["'version' = 2 # x", 2],
    ["a = '''\nversion = 9\n'''\nversion = 2", 2],
    ["version = 2.0\n", 2],
    ["version = 2.5\n", undefined],
    ["version.x = 1\n", undefined],
    ["[version]\n", undefined],
    ["versions = 3\n", undefined],
  ] as const) {
    it(`reads ${JSON.stringify(text)} as version ${version ?? "unknown"}, as containerd does`, () => {
      assert.strictEqual(Toml.declaredVersion(text), version)
    })
  }

  it("tells where a text is no TOML", () => {
    assert.strictEqual(failure("a = 1\nb = \n").line, 2)
    assert.isNotEmpty(failure("a = 1\na = 2\n").detail)
    assert.notInclude(failure("a = 1\nb = \n").detail, "\n")
  })

  it("leaves out the template line of k3s and RKE2, and only that one", () => {
    assert.deepEqual({ ...parse('{{ template "base" . }}\na = 1\n') }, { a: 1 })
    assert.deepEqual({ ...parse("{{ x }}") }, {})
    assert.isTrue(Result.isFailure(Toml.parse("a = 1\n{{ x }}\n")))
    assert.deepStrictEqual(Toml.splitTemplateLine("{{ x }}\r\na"), { template: "{{ x }}\r\n", body: "a" })
    assert.deepStrictEqual(Toml.splitTemplateLine("a"), { template: "", body: "a" })
  })

  it("finds values below keys, and nothing where a key is missing or leads through no table", () => {
    const table = parse("[a.'b.c']\nd = [1, 'x', 'y']\ne = 1979-05-27\n")
    assert.deepStrictEqual(Toml.at(table, "a", "b.c", "d"), [1, "x", "y"])
    assert.deepStrictEqual([...Toml.stringsAt(table, "a", "b.c", "d")], ["x", "y"])
    assert.isUndefined(Toml.at(table, "a", "b", "c"))
    assert.isUndefined(Toml.at(table, "a", "b.c", "d", "0"))
    assert.isUndefined(Toml.at(table, "constructor"))
    assert.isUndefined(Toml.tableAt(table, "a", "b.c", "d"))
    assert.isUndefined(Toml.tableAt(table, "a", "b.c", "e"))
    assert.isDefined(Toml.tableAt(table, "a"))
    assert.deepStrictEqual([...Toml.stringsAt(table, "a")], [])
  })
})
