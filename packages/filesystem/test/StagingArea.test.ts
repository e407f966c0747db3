/** Lets the second part of a fresh staging directory fail. */
import fs from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, describe, it, vi } from "vitest"
import type { DirectoryHandle } from "../src/DirectoryHandle.ts"
import * as StagingArea from "../src/StagingArea.ts"

const handle = (directory: string): DirectoryHandle => ({
  at: (name) => join(directory, name),
  open: (name) => handle(join(directory, name)),
  mount: () => "",
  sync: () => undefined,
  close: () => undefined,
})

describe("a staging directory", () => {
  afterEach(() => {
    vi.restoreAllMocks()
  })

  it("of which one part cannot be made is left empty, as it was", () => {
    const directory = fs.mkdtempSync(join(tmpdir(), "kd-staging-"))
    const make = fs.mkdirSync
    let calls = 0
    vi.spyOn(fs, "mkdirSync").mockImplementation(((path: string, options: fs.MakeDirectoryOptions) => {
      if (++calls === 2) throw Object.assign(new Error("EACCES"), { code: "EACCES" })
      return make(path, options)
    }) as never)
    assert.throws(() => StagingArea.prepare(handle(directory)), "EACCES")
    assert.deepStrictEqual(fs.readdirSync(directory), [])
    StagingArea.prepare(handle(directory))
    assert.sameMembers(fs.readdirSync(directory), [StagingArea.unpackedName, StagingArea.besideName])
    fs.rmSync(directory, { recursive: true })
  })
})
