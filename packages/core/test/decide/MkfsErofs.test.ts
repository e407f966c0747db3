import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ErofsPrerequisites, MkfsErofs } from "../../src/index.ts"

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

/** Pieces of these sizes in turn, each after an empty one. */
const inPieces = (program: Uint8Array, sizes: ReadonlyArray<number>): ReadonlyArray<string> => {
  let search = MkfsErofs.start
  for (let from = 0, at = 0; from < program.length; from += sizes[at++ % sizes.length]!) {
    search = MkfsErofs.search(search, new Uint8Array())
    search = MkfsErofs.search(search, program.subarray(from, from + sizes[at % sizes.length]!))
  }
  return search.missing
}

describe("MkfsErofs", () => {
  it("finds options that are cut by the border of two pieces", () => {
    const program = bytes("\x7fELF\0mkfs-time\0rest\0sort\0end")
    for (let size = 1; size < program.length; size++)
      assert.deepStrictEqual(inPieces(program, [size]), [], `pieces of ${size}`)
  })

  it("takes no part of another word for an option, wherever a piece begins", () => {
    const program = bytes("\x7fELF\0qsort\0--mkfs-time\0sorted\0")
    for (let size = 1; size < program.length; size++)
      assert.deepStrictEqual(inPieces(program, [size]), ["mkfs-time", "sort"], `pieces of ${size}`)
  })

  it("accepts an option at the very beginning of the file", () => {
    for (const size of [1, 2, 5, 100])
      assert.deepStrictEqual(inPieces(bytes("sort\0xmkfs-time\0"), [size]), ["mkfs-time"])
  })

  it("keeps a few bytes of what it has seen, however much that was", () => {
    for (const size of [1, 3, 700]) {
      let search = MkfsErofs.start
      for (let seen = 0; seen < 2000; seen += size) {
        search = MkfsErofs.search(search, bytes("x".repeat(size)))
        assert.isAtMost(search.tail.length, 16)
      }
    }
  })

  it("says the same in pieces as in one", () => {
    const word = fc.constantFrom("mkfs-time", "sort", "\0", "q", " ", "--", "sor", "t\0", "time\0", "\x01")
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 30 }),
        fc.array(fc.integer({ min: 1, max: 17 }), { minLength: 1, maxLength: 5 }),
        (words, sizes) => {
          const program = bytes(words.join(""))
          assert.deepStrictEqual(inPieces(program, sizes), ErofsPrerequisites.missingMkfsOptions(program))
        },
      ),
    )
  })
})
