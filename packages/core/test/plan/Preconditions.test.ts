import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Fact, type Facts, type Plan } from "../../src/index.ts"
import * as Preconditions from "../../src/plan/Preconditions.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const noAnswer = Fact.unknown("failed", "the API server did not answer")
const notAsked = Fact.unknown("not-asked", "the operator chose so")

const codes = (action: Plan.ActionName, facts: Partial<Facts.Facts>): ReadonlyArray<string> =>
  Result.match(Preconditions.check({ action, settings: settings(), facts: Node.facts({}, facts) }), {
    onFailure: (error) => [error._tag, ...error.problems.map((problem) => problem.code)],
    onSuccess: () => [],
  })

describe("Preconditions", () => {
  for (const action of ["install", "cleanup", "reset"] as const) {
    it(`${action} is not planned where the Node was asked for in vain`, () => {
      assert.deepStrictEqual(codes(action, { node: noAnswer }), ["UnseenError", "E_NODE_UNKNOWN"])
    })

    it(`${action} gives no label up where other DaemonSets were asked for in vain`, () => {
      assert.deepStrictEqual(codes(action, { otherDaemonSets: noAnswer }), [
        "UnseenError",
        "E_DAEMONSETS_UNKNOWN",
      ])
    })

    it(`${action} goes on where the API is not to be used`, () => {
      assert.deepStrictEqual(codes(action, { node: notAsked, otherDaemonSets: notAsked }), [])
    })
  }

  it("a single stage needs no Node", () => {
    assert.deepStrictEqual(codes("install-stage-cri", { node: noAnswer, otherDaemonSets: noAnswer }), [])
  })
})
