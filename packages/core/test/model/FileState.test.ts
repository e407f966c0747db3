import { assert, describe, it } from "@effect/vitest"
import { FileState } from "../../src/index.ts"

const owner = (uid: number, gid: number) => ({ uid, gid })
const owned = (uid: number, gid: number): FileState.FileState => ({
  _tag: "File",
  text: "a",
  mode: 0o644,
  owner: owner(uid, gid),
})
const unreadable = (why: "denied" | "io", detail: string): FileState.FileState => ({
  _tag: "Unreadable",
  why,
  detail,
})

describe("FileState", () => {
  const kinds: ReadonlyArray<FileState.FileState> = [
    FileState.absent,
    FileState.file("a"),
    FileState.file("b"),
    FileState.file("a", 0o755),
    FileState.file(""),
    FileState.link("a"),
    FileState.link("b"),
    FileState.directory(),
    unreadable("denied", "x"),
    unreadable("io", "x"),
  ]

  it("is equal to itself and to nothing else", () => {
    for (const [i, a] of kinds.entries()) {
      for (const [j, b] of kinds.entries()) assert.strictEqual(FileState.equals(a, b), i === j, `${i} ${j}`)
    }
  })

  it("compares owners only where both sides name one", () => {
    assert.isTrue(FileState.equals(owned(0, 0), FileState.file("a")))
    assert.isTrue(FileState.equals(FileState.file("a"), owned(7, 7)))
    assert.isTrue(FileState.equals(owned(1, 2), owned(1, 2)))
    assert.isFalse(FileState.equals(owned(1, 2), owned(1, 3)))
    assert.isFalse(FileState.equals(owned(1, 2), owned(3, 2)))
  })

  it("compares what could not be read by the reason, not by words for people", () => {
    assert.isTrue(FileState.equals(unreadable("io", "x"), unreadable("io", "y")))
  })

  it("has a text only as a file", () => {
    assert.deepStrictEqual(
      kinds.map((state) => FileState.textOf(state)),
      ["a", "b", "a", "", ...Array.from({ length: 5 }, () => undefined)].toSpliced(0, 0, undefined),
    )
  })
})
