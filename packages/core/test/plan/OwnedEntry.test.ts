import { assert, describe, it } from "@effect/vitest"
import type { HostFiles, Ledger } from "../../src/index.ts"
import * as OwnedEntry from "../../src/plan/OwnedEntry.ts"

const file: Ledger.OwnedEntry = { type: "file", path: "a", sha256: "d", mode: 0o644, size: 3 }
const link: Ledger.OwnedEntry = { type: "link", path: "a", target: "t" }
const directory: Ledger.OwnedEntry = { type: "directory", path: "a" }

type Fingerprint = HostFiles.Fingerprint
const seen = { _tag: "File", size: 3, mode: 0o644, digest: "d", modifiedMs: 1 } as unknown as Extract<
  Fingerprint,
  { readonly _tag: "File" }
>
const seenLink = { _tag: "Link", target: "t" } as Fingerprint
const seenDirectory = { _tag: "Directory" } as Fingerprint

const fits = (entry: Ledger.OwnedEntry, found: Fingerprint) => [
  OwnedEntry.matches(entry, found, "metadata"),
  OwnedEntry.matches(entry, found, "contents"),
]

describe("OwnedEntry", () => {
  it("is a file by size and mode, and by its digest where contents are compared", () => {
    assert.deepStrictEqual(fits(file, seen), [true, true])
    assert.deepStrictEqual(fits(file, { ...seen, size: 4 }), [false, false])
    assert.deepStrictEqual(fits(file, { ...seen, mode: 0o755 }), [false, false])
    assert.deepStrictEqual(fits(file, { ...seen, digest: "e" }), [true, false])
  })

  it("is a link by its target, and a directory by being one", () => {
    assert.deepStrictEqual(fits(link, seenLink), [true, true])
    assert.deepStrictEqual(fits(link, { _tag: "Link", target: "u" } as Fingerprint), [false, false])
    assert.deepStrictEqual(fits(directory, seenDirectory), [true, true])
  })

  it("is nothing of another kind", () => {
    for (const [entry, found] of [
      [file, seenLink],
      [file, seenDirectory],
      [link, seen],
      [link, seenDirectory],
      [directory, seen],
      [directory, seenLink],
    ] as const)
      assert.deepStrictEqual(fits(entry, found), [false, false])
  })
})
