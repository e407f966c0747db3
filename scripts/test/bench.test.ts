import { spawnSync } from "node:child_process"
import { globSync } from "node:fs"
import { basename, join } from "node:path"
import process from "node:process"
import { assert, describe, it } from "vitest"
import { root } from "./Miniature.ts"

/** Every benchmark, so that a new one needs no change here. */
const benchmarks = globSync("*.bench.ts", { cwd: join(root, "bench") })
  .map((file) => basename(file, ".bench.ts"))
  .sort()

describe("npm run bench", () => {
  it.each([[[]], [["decides"]], [["decide", "quickly"]]])(
    "says for %j which benchmarks there are",
    (names) => {
      const { status, stderr } = spawnSync(process.execPath, ["scripts/bench.ts", ...names], {
        cwd: root,
        encoding: "utf8",
      })
      assert.strictEqual(status, 2)
      assert.include(benchmarks, "decide")
      assert.include(stderr, `one of ${benchmarks.join(", ")}.`)
    },
  )
})
