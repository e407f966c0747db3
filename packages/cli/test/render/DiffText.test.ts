import { Change, FileState, HostPath } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import * as DiffText from "../../src/render/DiffText.ts"
import * as KnownTexts from "../../src/render/KnownTexts.ts"
import { plain } from "../../src/render/Paint.ts"

const path = HostPath.make("/etc/containerd/config.toml")
const change = (before: FileState.FileState, after: FileState.FileState) => Change.make(path, before, after)
const lines = (each: Change.Change) => DiffText.lines(each, plain, KnownTexts.none)
const long = Array.from({ length: 100 }, (_, at) => `line ${at}\n`).join("")

describe("the unified diff", () => {
  it("names the file, or the void where it comes from or goes to", () => {
    assert.strictEqual(
      DiffText.unified(change(FileState.file("a\n"), FileState.file("b\n"))),
      `--- ${path}\n+++ ${path}\n@@ -1 +1 @@\n-a\n+b\n`,
    )
    assert.match(
      DiffText.unified(change(FileState.absent, FileState.file("b\n"))) ?? "",
      /^--- \/dev\/null\n/,
    )
    assert.match(
      DiffText.unified(change(FileState.file("b\n"), FileState.absent)) ?? "",
      /\n\+\+\+ \/dev\/null\n/,
    )
  })

  it("masks secrets on both sides", () => {
    const diff = DiffText.unified(
      change(FileState.file('x = 1\npassword = "old"\n'), FileState.file('x = 2\npassword = "old"\n')),
    )
    assert.notInclude(diff ?? "", "old")
    assert.include(diff ?? "", "+x = 2")
  })

  it("says so when only a masked value differs", () => {
    const diff = DiffText.unified(change(FileState.file('token = "a"\n'), FileState.file('token = "b"\n')))
    assert.include(diff ?? "", "only values that are not shown differ")
  })

  it("is absent where no text changes", () => {
    assert.isUndefined(DiffText.unified(change(FileState.absent, FileState.directory())))
    assert.isUndefined(DiffText.unified(change(FileState.file("a", 0o600), FileState.file("a", 0o644))))
    assert.isUndefined(DiffText.unified(change(FileState.file("a"), FileState.file("a"))))
  })

  it("is small and quick for large files", () => {
    const big = Array.from({ length: 50_000 }, (_, at) => `line ${at}\n`)
    const other = big.with(25_000, "changed\n")
    const diff = DiffText.unified(change(FileState.file(big.join("")), FileState.file(other.join(""))))
    assert.strictEqual((diff ?? "").split("\n").length, 12)
  })
})

describe("the diff below a step", () => {
  it("is cut where a whole file comes or goes, and says how much is missing", () => {
    const shown = lines(change(FileState.absent, FileState.file(long)))
    assert.strictEqual(shown.length, 41)
    assert.match(shown.at(-1) ?? "", /^… 61 more lines; --output json/)
    assert.strictEqual(lines(change(FileState.file(long), FileState.absent)).length, 41)
  })

  it("is whole where a file changes", () => {
    assert.isAbove(
      lines(change(FileState.file(long), FileState.file(long.replaceAll("line", "LINE")))).length,
      200,
    )
  })

  it("of a backup only says what it is a copy of", () => {
    const backup = Change.make(
      HostPath.make("/etc/containerd/config.toml.bak"),
      FileState.absent,
      FileState.file(long),
    )
    const known = { ...KnownTexts.none, present: new Map([[long, path]]) }
    assert.deepStrictEqual(DiffText.lines(backup, plain, known), [`a copy of ${path} as it is now`])
  })

  it("holds a new Kata configuration against the one in its archive", () => {
    const known = { ...KnownTexts.none, delivered: new Map([["configuration-qemu.toml", "a = 1\nb = 2\n"]]) }
    const at = HostPath.make("/opt/kata/share/runtimes/qemu/configuration-qemu.toml")
    const shown = (text: string) =>
      DiffText.lines(Change.make(at, FileState.absent, FileState.file(text)), plain, known)
    assert.deepStrictEqual(shown("a = 1\nb = 3\n"), [
      "compared with the archive's text:",
      "@@ -1,2 +1,2 @@",
      " a = 1",
      "-b = 2",
      "+b = 3",
    ])
    assert.deepStrictEqual(shown("a = 1\nb = 2\n"), ["2 lines, the same as in the archive"])
  })
})
