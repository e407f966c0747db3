import { assert, describe, it } from "vitest"
import * as Interruption from "../../src/run/Interruption.ts"
import type { Course } from "../../src/run/ProgressDisplay.ts"

const told = (course: Partial<Course>) =>
  Interruption.outcome("SIGINT", { finished: [], current: undefined, undoing: false, ...course }).problem
    .message

describe("an interrupted action", () => {
  it("says when nothing was changed", () => {
    assert.strictEqual(told({}), "The action was stopped by SIGINT. Nothing had been changed.")
  })

  it("says what stands and what was taken back", () => {
    assert.strictEqual(
      told({ finished: ["artifacts"], current: { stage: "cri", changed: 2 }, undoing: true }),
      "The action was stopped by SIGINT. Stage artifacts had been finished, and stands. What stage cri had done was taken back.",
    )
  })

  it("says what a stage leaves that is not taken back", () => {
    assert.strictEqual(
      told({ finished: ["demote", "revert-cri"], current: { stage: "remove-artifacts", changed: 1 } }),
      "The action was stopped by SIGINT. Stages demote and revert-cri had been finished, and stand. Stage remove-artifacts had changed 1 thing, and that stands.",
    )
  })
})
