import type { Problem } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import * as Documents from "../../src/render/Documents.ts"
import * as MoreProblems from "../../src/render/MoreProblems.ts"
import { plain } from "../../src/render/Paint.ts"
import * as ProblemsText from "../../src/render/ProblemsText.ts"

const wrong = (setting: string, number: number, code = "E_UNKNOWN_SHIM"): ReadonlyArray<Problem.Problem> =>
  Array.from({ length: number }, (_, at) => ({
    code,
    setting,
    value: `w${at}`,
    message: `${setting} names the unknown shim w${at}.`,
    remedy: "Valid shims are clh, qemu.",
  }))

const text = (problems: ReadonlyArray<Problem.Problem>) =>
  ProblemsText.render(problems, 2, { paint: plain, columns: 80 })

const document = (problems: ReadonlyArray<Problem.Problem>): { problems: ReadonlyArray<Problem.Problem> } =>
  JSON.parse(Documents.problems(problems, 2))

describe("many problems of one setting", () => {
  it("are told up to a number, with the count of the rest behind them", () => {
    const told = MoreProblems.limited(wrong("SHIMS_X86_64", 20_000))
    assert.lengthOf(told, MoreProblems.mostOfAKind + 1)
    assert.strictEqual(told[MoreProblems.mostOfAKind - 1]!.value, `w${MoreProblems.mostOfAKind - 1}`)
    assert.strictEqual(told.at(-1)!.setting, "SHIMS_X86_64")
    assert.match(told.at(-1)!.message, /^SHIMS_X86_64 has 19980 more problems .*E_UNKNOWN_SHIM/)
  })

  it("are all told as long as there are not too many", () => {
    const few = wrong("SHIMS_X86_64", MoreProblems.mostOfAKind)
    assert.deepStrictEqual(MoreProblems.limited(few), few)
  })

  it("hide no other setting and no other kind of problem", () => {
    const others = [...wrong("PULL_TYPE_MAPPING_X86_64", 1), ...wrong("SHIMS_X86_64", 1, "E_MAPPING")]
    const told = MoreProblems.limited([...wrong("SHIMS_X86_64", 100), ...others])
    assert.deepStrictEqual(told.slice(-2), others)
    assert.lengthOf(told, MoreProblems.mostOfAKind + 1 + others.length)
  })

  it("leave what is true of paths and of no setting as it is", () => {
    const paths = Array.from({ length: 50 }, (_, at) => ({
      code: "E_NO_PERMISSION",
      path: `/p${at}`,
      message: `This process may not write /p${at}.`,
      remedy: "Run it as root.",
    }))
    assert.deepStrictEqual(MoreProblems.limited(paths), paths)
  })

  it("are few for people and for programs alike, and people learn how many there are", () => {
    const many = wrong("SHIMS_X86_64", 20_000)
    assert.match(text(many), /^error: 20000 problems with the command line or the settings/)
    assert.include(text(many).replaceAll(/\s+/g, " "), "SHIMS_X86_64 has 19980 more problems")
    assert.isBelow(text(many).length, 5000)
    assert.deepStrictEqual(document(many).problems, [...MoreProblems.limited(many)])
  })
})
