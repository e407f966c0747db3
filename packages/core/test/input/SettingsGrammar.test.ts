import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { Shim, SettingsGrammar as Grammar } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

interface ProxyCase {
  readonly name: string
  readonly input: { readonly value: string; readonly shim: string }
  readonly expected: string | null
  readonly upstreamQuirk?: boolean
}

interface MappingCase {
  readonly name: string
  readonly input: { readonly mapping: string | null }
  readonly expected: unknown
}

const isShim = (name: string) => Shim.lookup(name) !== undefined
const ok = <A>(value: A) => Result.succeed(value)

const cases = (word: string): ReadonlyArray<string> => [
  word,
  word.toUpperCase(),
  ` ${word[0]!.toUpperCase()}${word.slice(1)}\n`,
]

describe("SettingsGrammar", () => {
  for (const word of ["true", "1", "yes", "on"]) {
    it(`takes ${word} for true, in any case`, () => {
      for (const text of cases(word)) assert.deepStrictEqual(Grammar.boolean(text), ok(true))
    })
  }

  for (const word of ["false", "0", "no", "off"]) {
    it(`takes ${word} for false, in any case`, () => {
      for (const text of cases(word)) assert.deepStrictEqual(Grammar.boolean(text), ok(false))
    })
  }

  it("takes no other word for a boolean, and says which ones it takes", () => {
    for (const text of ["", "tru", "2", "-1", "y", "enabled", "dmverity", "true false"]) {
      const result = Grammar.boolean(text)
      assert.isTrue(Result.isFailure(result), text)
      assert.include(Result.getOrThrow(Result.flip(result)), "true, 1, yes, on, false")
    }
  })

  it("takes a further word for true where a setting has one", () => {
    assert.deepStrictEqual(Grammar.boolean("DmVerity", "dmverity"), ok(true))
    assert.include(Result.getOrThrow(Result.flip(Grammar.boolean("x", "dmverity"))), "dmverity")
  })

  it("chooses in any case and answers in the case of the choice", () => {
    assert.deepStrictEqual(Grammar.choice(" Memory ", ["disk", "memory"]), ok("memory"))
    assert.deepStrictEqual(Grammar.choice("tape", ["disk", "memory"]), Result.fail("one of disk, memory"))
  })

  for (const [separator, text, items] of [
    ["space", " qemu\tfc\n clh ", ["qemu", "fc", "clh"]],
    ["space", "a,b c", ["a,b", "c"]],
    ["space", "  ", []],
    ["comma", "qemu, fc,,", ["qemu", "fc"]],
    ["comma", "a b, c", ["a b", "c"]],
    ["comma", "", []],
    ["either", " a/b:NoSchedule, c\td\n,,", ["a/b:NoSchedule", "c", "d"]],
  ] as const) {
    it(`splits ${JSON.stringify(text)} at ${separator}`, () => {
      assert.deepStrictEqual([...Grammar.list(text, separator)], [...items])
    })
  }

  it("gives back the words that a list was joined from", () => {
    const word = fc.stringMatching(/^[a-z0-9:/.-]{1,8}$/)
    fc.assert(
      fc.property(fc.array(word), fc.constantFrom("space", "comma", "either"), (words, separator) => {
        const glue = separator === "space" ? " \t" : " , "
        assert.deepStrictEqual([...Grammar.list(words.join(glue), separator)], words)
      }),
    )
  })

  for (const [text, port] of [
    ["0", 0],
    ["1", 1],
    ["8090", 8090],
    [" 65535 ", 65535],
    ["00080", 80],
  ] as const) {
    it(`takes ${JSON.stringify(text)} for port ${port}`, () => {
      assert.deepStrictEqual(Grammar.port(text), ok(port))
    })
  }

  it("refuses what is no port", () => {
    for (const text of ["65536", "-1", "80.0", "0x50", "1e3", "", "http", "99999999"]) {
      assert.isTrue(Result.isFailure(Grammar.port(text)), text)
    }
  })

  it("takes absolute paths without dot-dot and nothing else for host paths", () => {
    for (const text of ["/", "/a/..b", "/a b/"]) assert.deepStrictEqual(Grammar.hostPath(text), ok(text))
    for (const text of ["", "a", "./a", "/a/../b", "/..", "~/a"]) {
      assert.isTrue(Result.isFailure(Grammar.hostPath(text)), text)
    }
    assert.deepStrictEqual(Grammar.hostPath(`/${"n".repeat(255)}`), ok(`/${"n".repeat(255)}`))
    for (const text of [`/${"n".repeat(256)}`, `/${"ü".repeat(128)}`, "/n".repeat(1025)])
      assert.deepStrictEqual(
        Grammar.hostPath(text),
        Result.fail("a path of at most 2048 bytes, with names of at most 255"),
      )
  })

  for (const { expected, input, name } of Vectors.section<MappingCase>(
    "02-version-parsing",
    "snapshotterHandlerMappingValidation",
  )) {
    // Duplicates concern several items and are found where settings are checked together.
    if (input.mapping === null || expected === "E_DUPLICATE_SHIM") continue
    it(`${expected === true ? "takes" : "refuses"} ${name} as a mapping`, () => {
      assert.strictEqual(Result.isSuccess(Grammar.mapping(input.mapping!)), expected === true)
    })
  }

  it("trims both sides of a mapping and names the item that is no pair", () => {
    assert.deepStrictEqual(
      Grammar.mapping(" qemu : nydus ,fc:erofs,"),
      ok([
        { key: "qemu", value: "nydus" },
        { key: "fc", value: "erofs" },
      ]),
    )
    assert.deepStrictEqual(Grammar.mapping("qemu:a, fc:x:y ,clh:"), Result.fail("fc:x:y"))
  })

  for (const { expected, input, name, upstreamQuirk } of Vectors.section<ProxyCase>(
    "02-version-parsing",
    "proxyForShim",
  )) {
    it(`finds the proxy of ${name}`, () => {
      const ours = upstreamQuirk === true ? "http://a" : (expected ?? undefined)
      assert.strictEqual(Grammar.perShimValue(Grammar.perShim(input.value, isShim), input.shim), ours)
    })
  }

  it("takes a value with = behind an URL for one value for all", () => {
    for (const value of ["http://u:p=1@proxy:8080", "https://proxy/?a=b;c=d", "socks5h://x=y"]) {
      assert.deepStrictEqual(Grammar.perShim(value, isShim), { _tag: "All", value })
    }
  })

  it("splits a value of one shim at its first =", () => {
    assert.strictEqual(
      Grammar.perShimValue(Grammar.perShim("qemu=http://a?b=c", isShim), "qemu"),
      "http://a?b=c",
    )
  })

  it("knows DNS labels", () => {
    for (const text of ["a", "a-b", "0", "a".repeat(63)]) assert.isTrue(Grammar.isDnsLabel(text), text)
    for (const text of ["", "-a", "a-", "A", "a.b", "a_b", " a", "a\n", "a".repeat(64), "ü"]) {
      assert.isFalse(Grammar.isDnsLabel(text), JSON.stringify(text))
    }
  })

  it("knows plain file names", () => {
    for (const text of ["config.toml", "config.v2.toml", "..a", " "])
      assert.isTrue(Grammar.isFileName(text), text)
    for (const text of ["", ".", "..", "a/b", "/a", "a/", "a\0b"])
      assert.isFalse(Grammar.isFileName(text), text)
  })
})
