import { assert, describe, it } from "@effect/vitest"
import type { HostFiles, Ledger } from "../../src/index.ts"
import * as OwnedEntry from "../../src/plan/OwnedEntry.ts"

type Fingerprint = HostFiles.Fingerprint

const times = { modifiedMs: 1_700_000_000_000, changedMs: 1_763_742_310_123.25 }
const later = { ...times, changedMs: times.changedMs + 4 }

const file = {
  type: "file",
  path: "a",
  sha256: "d",
  mode: 0o644,
  size: 3,
  ...times,
} satisfies Ledger.OwnedEntry
const link: Ledger.OwnedEntry = { type: "link", path: "a", target: "t" }
const directory: Ledger.OwnedEntry = { type: "directory", path: "a" }

const seen = { _tag: "File", size: 3, mode: 0o644, digest: "", times } as const
const seenLink = { _tag: "Link", target: "t" } as const
const seenDirectory = { _tag: "Directory" } as const

/** The verdict with `digest` in the file's bytes, and how often they were read. */
const compared = (
  entry: Ledger.OwnedEntry,
  found: Fingerprint,
  depth: OwnedEntry.Depth,
  digest = "d",
): readonly [OwnedEntry.Verdict, number] => {
  let reads = 0
  const verdict = OwnedEntry.compare(entry, found, depth, () => {
    reads++
    return found._tag === "File" ? { ...found, digest } : found
  })
  return [verdict, reads]
}

const same = { _tag: "Same" } as const

describe("OwnedEntry", () => {
  it("is a file by size, mode and times, without reading it", () => {
    assert.deepStrictEqual(compared(file, seen, "metadata", "other"), [same, 0])
  })

  it("is read where all contents are compared", () => {
    assert.deepStrictEqual(compared(file, seen, "contents"), [same, 1])
    assert.strictEqual(compared(file, seen, "contents", "other")[0]._tag, "Drifted")
  })

  it("is read where one of its times differs, and is the same with its new times if its bytes are", () => {
    for (const now of [later, { ...times, modifiedMs: 0 }])
      assert.deepStrictEqual(compared(file, { ...seen, times: now }, "metadata"), [
        { _tag: "Renewed", entry: { ...file, ...now } },
        1,
      ])
    assert.deepStrictEqual(compared(file, { ...seen, times: later }, "metadata", "other"), [
      { _tag: "Drifted", found: { ...seen, times: later, digest: "other" } },
      1,
    ])
  })

  it("is read where no times were recorded", () => {
    const { changedMs: _, modifiedMs: __, ...old } = file
    assert.deepStrictEqual(compared(old, seen, "metadata"), [{ _tag: "Renewed", entry: file }, 1])
    assert.strictEqual(compared(old, seen, "metadata", "other")[0]._tag, "Drifted")
  })

  it("is the same without times where nobody can tell them", () => {
    const { times: _, ...timeless } = seen
    assert.deepStrictEqual(compared(file, timeless, "metadata"), [same, 1])
  })

  it("has drifted with another size or mode, which nobody has to read", () => {
    for (const found of [
      { ...seen, size: 4 },
      { ...seen, mode: 0o755 },
    ])
      assert.deepStrictEqual(compared(file, found, "contents"), [{ _tag: "Drifted", found }, 0])
  })

  it("has drifted when it was put into another shape while it was being read", () => {
    const gone = { _tag: "Absent" } as const
    assert.deepStrictEqual(
      OwnedEntry.compare(file, { ...seen, times: later }, "metadata", () => gone),
      { _tag: "Drifted", found: gone },
    )
  })

  it("is a link by its target, and a directory by being one", () => {
    assert.deepStrictEqual(compared(link, seenLink, "metadata"), [same, 0])
    assert.strictEqual(compared(link, { _tag: "Link", target: "u" }, "metadata")[0]._tag, "Drifted")
    assert.deepStrictEqual(compared(directory, seenDirectory, "contents"), [same, 0])
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
      for (const depth of ["metadata", "contents"] as const)
        assert.deepStrictEqual(compared(entry, found, depth), [{ _tag: "Drifted", found }, 0])
  })

  it("takes new times over by path", () => {
    const other = { ...file, path: "b" }
    const renewed = { ...file, ...later }
    const entries = [file, other]
    assert.deepStrictEqual(OwnedEntry.withRenewed(entries, [renewed]), [renewed, other])
    assert.strictEqual(OwnedEntry.withRenewed(entries, []), entries)
  })
})
