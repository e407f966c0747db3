/**
 * Answers: how does a person read what is wrong? The summary first, then for each problem what is wrong, why it
 * matters, and what to do.
 */
import { Masking, type Problem } from "@kata-deploy/core"
import type { Style } from "./Paint.ts"
import { count, hanging } from "./Prose.ts"

const summaries: Readonly<Record<number, (number: number) => string>> = {
  2: (number) => `${count(number, "problem")} with the command line or the settings; nothing was touched.`,
  3: (number) => `The node is not ready: ${count(number, "problem")}; nothing was touched.`,
}

const summary = (status: number, number: number): string =>
  summaries[status]?.(number) ?? `The action failed: ${count(number, "problem")}.`

/** Problems for people, with a final newline; `status` is what the program ends with. */
export const render = (
  problems: ReadonlyArray<Problem.Problem>,
  status: number,
  { columns, paint }: Style,
): string => {
  const lines = hanging("error: ", summary(status, problems.length), columns).map((line, at) =>
    at === 0 ? `${paint("red", "error:")}${line.slice("error:".length)}` : line,
  )
  for (const [at, problem] of problems.entries()) {
    const number = problems.length === 1 ? "  " : `${at + 1}. `
    const indent = " ".repeat(number.length)
    lines.push(
      "",
      ...hanging(number, Masking.maskSecrets(problem.message), columns).map((line) => paint("bold", line)),
      ...hanging(indent, Masking.maskSecrets(problem.remedy), columns),
      ...(problem.path === undefined || problem.message.includes(problem.path)
        ? []
        : [paint("dim", `${indent}at ${problem.path}`)]),
    )
  }
  return `${lines.join("\n")}\n`
}
