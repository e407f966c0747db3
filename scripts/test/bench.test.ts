import { spawnSync } from "node:child_process"
import process from "node:process"
import { assert, describe, it } from "vitest"
import { root } from "./Miniature.ts"

describe("npm run bench", () => {
  it.each([[[]], [["decides"]], [["decide", "quickly"]]])(
    "says for %j which benchmarks there are",
    (names) => {
      const { status, stderr } = spawnSync(process.execPath, ["scripts/bench.ts", ...names], {
        cwd: root,
        encoding: "utf8",
      })
      assert.strictEqual(status, 2)
      assert.include(stderr, "one of artifacts, decide.")
    },
  )
})
