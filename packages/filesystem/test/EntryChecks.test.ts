import { assert, describe, it } from "vitest"
import type { EntryHeader } from "../src/ArchiveReader.ts"
import * as EntryChecks from "../src/EntryChecks.ts"

const header = (type: EntryHeader["type"], name: string, rest: Partial<EntryHeader> = {}): EntryHeader => ({
  type,
  name,
  mode: 0o644,
  modified: new Date(0),
  size: 1,
  target: "",
  ...rest,
})

const file = (path: string, rest: Partial<EntryHeader> = {}) => header("file", `./opt/kata/${path}`, rest)
const directory = (path: string) => header("directory", `./opt/kata/${path}/`, { mode: 0o755 })
const symlink = (path: string, target: string) => header("symlink", `./opt/kata/${path}`, { target })
const link = (path: string, target: string) => header("link", `./opt/kata/${path}`, { target })

describe("the entries of an archive", () => {
  const refused: ReadonlyArray<readonly [name: string, headers: ReadonlyArray<EntryHeader>, why: RegExp]> = [
    ["`..` in a path", [file("../../etc/passwd")], /`\.\.`/],
    ["a newline in a name", [file("a\nb")], /^\.\/opt\/kata\/a\\x0ab: .*control characters/],
    ["a device, a fifo, or whatever else", [header("other", "opt/kata/dev")], /no file, link or directory/],
    ["no directory as the root", [header("file", "opt/kata")], /install directory itself/],
    ["a write through a link", [symlink("d", "/etc"), file("d/passwd")], /d\/passwd: d is no directory/],
    ["a directory in a link's place", [symlink("d", "/etc"), directory("d")], /d is no directory/],
    ["a file below a file", [file("f"), file("f/g/h")], /f is no directory/],
    ["a file in a directory's place", [directory("d"), file("d")], /d is there twice/],
    ["a file above another one", [file("d/e"), file("d")], /d is there twice/],
    ["a file in a link's place", [symlink("f", "/etc"), file("f")], /f is there twice/],
    ["a file twice with another size", [file("f"), file("f", { size: 2 })], /f is there twice/],
    ["a file twice with other permissions", [file("f"), file("f", { mode: 0o600 })], /f is there twice/],
    ["a link twice with another target", [symlink("l", "a"), symlink("l", "b")], /l is there twice/],
    ["a link without a target", [symlink("l", "")], /no proper target/],
    ["a hard link to an absolute path", [link("h", "/etc/shadow")], /absolute target/],
    ["a hard link that leaves the tree", [link("h", "../../etc/shadow")], /leaves the tree/],
    ["a hard link to what is not there", [link("h", "opt/kata/none")], /nothing that came before/],
    ["a hard link to a directory", [directory("d"), link("h", "d")], /nothing that came before/],
    ["a hard link to what comes later", [link("h", "f"), file("f")], /nothing that came before/],
  ]
  for (const [name, headers, why] of refused)
    it(`are refused with ${name}`, () => assert.match(EntryChecks.objection(headers) ?? "", why))

  it("are good with links, hard links, the same twice, and whatever lies outside", () => {
    const outside = [header("other", "dev/null"), header("file", "/opt/kata/x"), file("x"), file("x")]
    const inside = [
      header("directory", "./opt/kata/"),
      directory("share"),
      file("share/a", { mode: 0o4644 }),
      file("share/a"),
      symlink("share/out", "/etc"),
      symlink("share/out", "/etc"),
      link("share/b", "./opt/kata/share/a"),
      link("share/b", "share/a"),
      directory("share"),
    ]
    assert.isUndefined(EntryChecks.objection([...outside, ...inside]))
  })
})
