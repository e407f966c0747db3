import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { CleanupPolicy, Fact } from "../../src/index.ts"

const decide = (ownDaemonSet: Fact.Fact<boolean>, otherInstances: ReadonlyArray<string> = []) =>
  CleanupPolicy.decide({ ownDaemonSet, otherInstances })

const scope = (...given: Parameters<typeof decide>) => Result.getOrThrow(decide(...given)).scope

const notAsked = Fact.unknown("not-asked", "the operator chose so")
const outOfSight = Fact.unknown("out-of-sight", "there is no API here")

describe("CleanupPolicy", () => {
  for (const [what, own, others, verdict] of [
    ["our DaemonSet still selects the node", Fact.known(true), [], "skip"],
    ["our DaemonSet still selects the node beside another install", Fact.known(true), ["dev"], "skip"],
    ["our DaemonSet is gone and nobody else is here", Fact.known(false), [], "everything"],
    ["our DaemonSet is gone and another install is here", Fact.known(false), ["dev"], "instance"],
    ["nobody asked", notAsked, [], "everything"],
    ["nobody asked, and another install is here", notAsked, ["dev"], "instance"],
    ["it cannot be asked from here", outOfSight, [], "everything"],
  ] as const) {
    it(`takes ${verdict === "skip" ? "nothing" : verdict} when ${what}`, () => {
      assert.strictEqual(scope(own, others), verdict)
    })
  }

  it("decides nothing, and destroys nothing, when it asked and got no answer", () => {
    const failed = Fact.unknown("failed", "the API server does not answer")
    for (const others of [[], ["dev"]]) {
      const error = Result.getOrThrow(Result.flip(decide(failed, others)))
      assert.strictEqual(error.problems[0]!.code, "E_DAEMONSET_UNKNOWN")
      assert.include(error.message, "the API server does not answer")
    }
  })

  it("says why, and who stays", () => {
    assert.include(Result.getOrThrow(decide(notAsked, ["dev", "prod"])).because, "dev, prod")
    assert.include(Result.getOrThrow(decide(Fact.known(true))).because, "update")
  })
})
