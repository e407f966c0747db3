import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { LabelPatch } from "../../src/index.ts"

const answered = (status: number, ...invalidFields: ReadonlyArray<string>): LabelPatch.PatchResponse => ({
  status,
  invalidFields,
})

const judge = (attempt: number, response: LabelPatch.PatchResponse) => {
  const verdict = LabelPatch.judge(attempt, LabelPatch.labelAttempts, response)
  return verdict._tag === "GiveUp" ? verdict.problem.code : verdict._tag
}

describe("LabelPatch", () => {
  it("holds only while the Node is as it was read", () => {
    assert.deepStrictEqual(LabelPatch.labels("42", { "b.io/x": null, "a.io/~y": "false" }) as object, [
      { op: "test", path: "/metadata/resourceVersion", value: "42" },
      { op: "add", path: "/metadata/labels/a.io~1~0y", value: "false" },
      { op: "remove", path: "/metadata/labels/b.io~1x" },
    ])
  })

  it("is not sent when nothing changes", () => {
    assert.isUndefined(LabelPatch.labels("42", {}))
  })

  it("is the same for the same updates in any order", () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.option(fc.string())), (updates) => {
        const reversed = Object.fromEntries(Object.entries(updates).toReversed())
        assert.deepStrictEqual(LabelPatch.labels("1", updates), LabelPatch.labels("1", reversed))
      }),
    )
  })

  it("escapes every key so that it can be read back", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom("~", "/", "0", "1", "a") }), (key) => {
        const token = LabelPatch.pointerToken(key)
        assert.notInclude(token, "/")
        assert.strictEqual(token.replace(/~1/g, "/").replace(/~0/g, "~"), key)
      }),
    )
  })

  for (const [what, attempt, response, verdict] of [
    ["a success", 1, answered(200), "Done"],
    ["a conflict", 1, answered(409), "ReadAgain"],
    ["a failed precondition", 4, answered(422), "ReadAgain"],
    ["the last conflict", 5, answered(409), "E_TOO_MANY_CONFLICTS"],
    ["the last failed precondition", 5, answered(422), "E_TOO_MANY_CONFLICTS"],
    ["a label that the server calls invalid", 1, answered(422, "metadata.labels"), "E_NODE_UPDATE_INVALID"],
    ["a right that is missing", 1, answered(403), "E_API"],
    ["a server in trouble", 1, answered(500), "E_API"],
  ] as const) {
    it(`answers ${verdict} to ${what}`, () => {
      assert.strictEqual(judge(attempt, response), verdict)
    })
  }

  it("says what the server said", () => {
    const verdict = LabelPatch.judge(1, 5, { ...answered(422, "metadata.labels"), message: "not a label." })
    assert(verdict._tag === "GiveUp")
    assert.include(verdict.problem.message, "(metadata.labels): not a label.")
  })
})
