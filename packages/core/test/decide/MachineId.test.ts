import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FileState, MachineId, Plan } from "../../src/index.ts"

const check = (expected: string | undefined, text: string | undefined, action: Plan.ActionName) =>
  Result.match(
    MachineId.check({
      action,
      expected,
      file: text === undefined ? FileState.absent : FileState.file(text),
    }),
    { onFailure: (error) => error.problems[0]!, onSuccess: () => undefined },
  )

const staged = Plan.ActionName.literals.filter((name) => name.includes("-stage-"))
const unstaged = Plan.ActionName.literals.filter((name) => !name.includes("-stage-"))

describe("MachineId", () => {
  it("accepts the same machine, blanks and line ends aside", () => {
    for (const action of staged) assert.isUndefined(check(" abc ", "abc\n", action))
  })

  it("refuses another machine and names both", () => {
    for (const action of staged) {
      const problem = check("abc", "def\n", action)
      assert.strictEqual(problem?.code, "E_WRONG_NODE")
      assert.include(problem!.message, "abc")
      assert.include(problem!.message, "def")
    }
  })

  it("refuses where the id cannot be read", () => {
    assert.strictEqual(check("abc", undefined, "install-stage-cri")?.code, "E_MACHINE_ID_UNREADABLE")
  })

  it("asks in staged actions only", () => {
    assert.isAbove(staged.length, 3)
    for (const action of unstaged) assert.isUndefined(check("abc", "def", action))
  })

  it("accepts every machine where none is expected", () => {
    for (const expected of [undefined, "", "  "]) {
      assert.isUndefined(check(expected, "def", "install-stage-cri"))
      assert.isUndefined(check(expected, undefined, "install-stage-cri"))
    }
  })
})
