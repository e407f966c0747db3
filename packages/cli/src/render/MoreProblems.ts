/**
 * Answers: how many problems of one kind are told? Thousands of wrong words of one setting are one mistake, such as a
 * wrong separator, and whoever reads the first ones has found it. People and programs are told the same.
 */
import type { Problem } from "@kata-deploy/core"
import { count } from "./Prose.ts"

/** Problems of one code and one setting that are told one by one. */
export const mostOfAKind = 20

const kindOf = ({ code, setting }: Problem.Problem): string => JSON.stringify([setting, code])

const rest = ({ code, setting }: Problem.Problem, number: number): Problem.Problem => ({
  code: "E_MORE_PROBLEMS",
  ...(setting === undefined ? {} : { setting }),
  message: `${setting} has ${count(number, "more problem")} of the same kind (${code}), which are not listed.`,
  remedy: "Repair those that are listed and whatever is like them, then try again.",
})

/**
 * The problems with no more than `mostOfAKind` of one code and setting, and behind the last of these how many more there
 * are. What concerns no setting is left whole: paths are told together anyway, and each may need a repair of its own.
 */
export const limited = (problems: ReadonlyArray<Problem.Problem>): ReadonlyArray<Problem.Problem> => {
  const numbers = new Map<string, number>()
  for (const problem of problems) numbers.set(kindOf(problem), (numbers.get(kindOf(problem)) ?? 0) + 1)
  const told = new Map<string, number>()
  return problems.flatMap((problem): ReadonlyArray<Problem.Problem> => {
    const kind = kindOf(problem)
    const at = (told.get(kind) ?? 0) + 1
    told.set(kind, at)
    if (problem.setting === undefined || at <= mostOfAKind) return [problem]
    return at === mostOfAKind + 1 ? [rest(problem, numbers.get(kind)! - mostOfAKind)] : []
  })
}
