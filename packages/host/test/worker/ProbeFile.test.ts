/** The program behind a probe file, run as it is run: by Node, on a directory. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import fs from "node:fs"
import { fileURLToPath } from "node:url"
import * as SampleRoot from "../sight/SampleRoot.ts"

const program = fileURLToPath(new URL("../../src/worker/ProbeFile.ts", import.meta.url))

const run = (directory: string) => {
  const { status, stderr, stdout } = spawnSync(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", program, directory],
    { encoding: "utf8" },
  )
  assert.deepStrictEqual([status, stderr], [0, ""])
  return JSON.parse(stdout) as unknown
}

describe("the program behind a probe file", () => {
  it.live("tells an errno for each try", () =>
    Effect.gen(function* () {
      const answer = run(yield* SampleRoot.make({})) as Record<string, unknown>
      assert.deepStrictEqual(Object.keys(answer), ["immutable", "fsverity"])
      for (const errno of Object.values(answer))
        assert.isTrue(Number.isInteger(errno) && (errno as number) >= 0)
    }),
  )

  it("tells why it could make no file", () => {
    assert.deepStrictEqual(run("/kd-nowhere"), { failed: "ENOENT" })
    assert.deepStrictEqual(run("/proc"), { failed: "ENOTSUP" })
  })

  it.live("takes a directory that holds nothing and has nothing added by it", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({})
      run(root)
      assert.deepStrictEqual(fs.readdirSync(root), [])
    }),
  )
})
