import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as TerminationLog from "../../src/supervisor/TerminationLog.ts"

let directory: string
const path = () => join(directory, "log")
const env = () => ({ [TerminationLog.pathVariable]: path() })

describe("the termination message", () => {
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "kata-deploy-termination-"))
  })
  afterEach(() => rmSync(directory, { recursive: true }))

  it("takes the place of an earlier one", () => {
    writeFileSync(path(), "a longer text of before")
    TerminationLog.write(env(), "why")
    assert.strictEqual(readFileSync(path(), "utf8"), "why")
  })

  it("is not written where the kubelet has made no file for it", () => {
    TerminationLog.write(env(), "why")
    assert.isFalse(existsSync(path()))
  })

  it("is cut to what the kubelet keeps, between two characters", () => {
    for (const shift of ["", "a", "aa", "aaa"]) {
      const text = TerminationLog.fitting(shift + "ü€".repeat(3000))
      assert.isAtMost(Buffer.byteLength(text), TerminationLog.mostBytes)
      assert.isAtLeast(Buffer.byteLength(text), TerminationLog.mostBytes - 4)
      assert.notInclude(text, "\uFFFD")
      assert.match(text, / …$/)
    }
  })
})
