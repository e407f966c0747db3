import { assert, describe, it } from "vitest"
import * as Interruption from "../../src/run/Interruption.ts"
import type { Course } from "../../src/run/ProgressDisplay.ts"

const outcomeOf = (course: Partial<Course>) =>
  Interruption.outcome("SIGINT", {
    finished: [],
    current: undefined,
    undoing: false,
    notUndone: undefined,
    ...course,
  })

const told = (course: Partial<Course>) => outcomeOf(course).problem.message

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

  it("names what could not be taken back, and asks for a person with its exit status", () => {
    const current = { stage: "cri", changed: 2 } as const
    const { problem, status } = outcomeOf({ current, undoing: true, notUndone: ["restart it: it is down"] })
    assert.strictEqual(status, 6)
    assert.include(
      problem.message,
      "What stage cri had done could not be taken back completely. restart it: it is down.",
    )
    assert.strictEqual(outcomeOf({ current, undoing: true }).status, 1)
  })

  it("says what a stage leaves that is not taken back", () => {
    assert.strictEqual(
      told({ finished: ["demote", "revert-cri"], current: { stage: "remove-artifacts", changed: 1 } }),
      "The action was stopped by SIGINT. Stages demote and revert-cri had been finished, and stand. Stage remove-artifacts had changed 1 thing, and that stands.",
    )
  })
})
