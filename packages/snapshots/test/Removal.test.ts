import { assert, describe, it } from "vitest"
import { Removal } from "../src/index.ts"

describe("Removal", () => {
  for (const [row, driver, syncRemove, kind, steps] of [
    ["R1", "proxy", false, "active", ["delete-record"]],
    ["R1", "blockdev", false, "committed", ["drop-blob-cache", "delete-record"]],
    ["R2", "blockdev", true, "view", ["delete-record", "remove-directories"]],
    ["R3", "fscache", false, "committed", ["drop-blob-cache", "delete-record", "remove-directories"]],
    ["R3", "fscache", true, "active", ["delete-record", "remove-directories"]],
  ] as const)
    it(`${row}: ${driver}, sync_remove ${syncRemove}, ${kind}`, () => {
      assert.deepStrictEqual(Removal.decide({ driver, syncRemove }, kind) as object, { row, steps })
      assert.match(Removal.explain(row), new RegExp(`^${row}: .+\\.$`))
    })

  it("fails only where the record stays", () => {
    const steps = ["drop-blob-cache", "delete-record", "remove-directories"] as const
    assert.deepStrictEqual(steps.filter(Removal.isReported) as object, ["delete-record"])
  })
})
