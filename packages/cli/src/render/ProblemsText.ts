/**
 * Answers: how does a person read what is wrong? The summary first, then for each problem what is wrong, why it
 * matters, and what to do.
 */
import { Masking, type Problem } from "@kata-deploy/core"
import * as MoreProblems from "./MoreProblems.ts"
import type { Style } from "./Paint.ts"
import { count, hanging } from "./Prose.ts"

const summaries: Readonly<Record<number, (number: number) => string>> = {
  2: (number) => `${count(number, "problem")} with the command line or the settings; nothing was touched.`,
  3: (number) => `The node is not ready: ${count(number, "problem")}; it is as it was.`,
  4: (number) =>
    `The plan is not the reviewed one any more: ${count(number, "difference")}; nothing was touched.`,
}

const summary = (status: number, number: number): string =>
  summaries[status]?.(number) ??
  (number === 1 ? "The action was not completed." : `The action failed: ${count(number, "problem")}.`)

/** Problems that say the same of several paths. */
interface Group {
  readonly first: Problem.Problem
  readonly others: ReadonlyArray<string>
}

const patternOf = ({ code, message, path, remedy }: Problem.Problem): string =>
  JSON.stringify([code, path === undefined ? message : message.replaceAll(path, "\0"), remedy])

const grouped = (problems: ReadonlyArray<Problem.Problem>): ReadonlyArray<Group> => {
  const groups = new Map<string, Group>()
  for (const problem of problems) {
    const pattern = patternOf(problem)
    const group = groups.get(pattern)
    const isTwin = group !== undefined && problem.path !== undefined && problem.message.includes(problem.path)
    if (isTwin) groups.set(pattern, { ...group, others: [...group.others, problem.path] })
    else
      groups.set(group === undefined ? pattern : `${pattern}${groups.size}`, { first: problem, others: [] })
  }
  return [...groups.values()]
}

/** No more paths than these are listed; whoever repairs the first ones has found the pattern. */
const listed = 8

const alsoLines = ({ others }: Group, indent: string): ReadonlyArray<string> =>
  others.length === 0
    ? []
    : [
        `${indent}The same is true of`,
        ...others.slice(0, listed).map((path) => `${indent}  ${path}`),
        ...(others.length > listed ? [`${indent}  and ${others.length - listed} more`] : []),
      ]

/** Problems for people, with a final newline; `status` is what the program ends with. */
export const render = (
  problems: ReadonlyArray<Problem.Problem>,
  status: number,
  { columns, paint }: Style,
): string => {
  const lines = hanging("error: ", summary(status, problems.length), columns).map((line, at) =>
    at === 0 ? `${paint("red", "error:")}${line.slice("error:".length)}` : line,
  )
  const groups = grouped(MoreProblems.limited(problems))
  for (const [at, group] of groups.entries()) {
    const { message, path, remedy } = group.first
    const number = groups.length === 1 ? "  " : `${at + 1}. `
    const indent = " ".repeat(number.length)
    lines.push(
      "",
      ...hanging(number, Masking.maskSecrets(message), columns).map((line) => paint("bold", line)),
      ...alsoLines(group, indent),
      ...hanging(indent, Masking.maskSecrets(remedy), columns),
      ...(path === undefined || message.includes(path) ? [] : [paint("dim", `${indent}at ${path}`)]),
    )
  }
  return `${lines.join("\n")}\n`
}
