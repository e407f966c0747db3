import { assert, describe, it } from "vitest"
import { SkipProtocol } from "../src/index.ts"

describe("SkipProtocol", () => {
  for (const [row, commit, answer] of [
    ["S1", { _tag: "Committed" }, { _tag: "AlreadyExists", target: "chain" }],
    ["S2", { _tag: "AlreadyExists" }, { _tag: "AlreadyExists", target: "chain" }],
    ["S3", { _tag: "Failed", why: "disk full" }, { _tag: "Error", why: "disk full" }],
  ] as const)
    it(`${row}: a commit that is ${commit._tag} is answered with ${answer._tag}`, () => {
      assert.deepStrictEqual(SkipProtocol.answer("chain", commit) as object, { row, answer })
      assert.match(SkipProtocol.explain(row), new RegExp(`^${row}: .+\\.$`))
    })
})
