/**
 * Answers: where does the program say what? Results go to standard output, problems to standard error for people and
 * to standard output as a document for programs; secrets are masked in both.
 */
import { Masking, type Problem, type Report } from "@kata-deploy/core"
import type { Display } from "../command/Display.ts"
import * as Documents from "../render/Documents.ts"
import { coloured, plain, type Style } from "../render/Paint.ts"
import * as ProblemsText from "../render/ProblemsText.ts"
import type { Surroundings } from "../Surroundings.ts"
import { unexpected } from "./Failures.ts"

/** How the program speaks. */
export interface Voice {
  /** How results are laid out. */
  readonly style: Style
  /** Writes a result. */
  readonly result: (text: string) => void
  /** Tells problems and answers the exit status. */
  readonly problems: (
    problems: ReadonlyArray<Problem.Problem>,
    status: number,
    report?: Report.Report,
  ) => number
  /** Tells a mistake of ours in one line and answers the exit status; details are for debugging only. */
  readonly defect: (defect: unknown) => number
}

/** The voice of one run. */
export const make = (display: Display, { stderr, stdout }: Surroundings): Voice => {
  const problems: Voice["problems"] = (problems, status, report) => {
    if (display.output === "json") stdout.write(Documents.problems(problems, status, report))
    else {
      const paint = display.color.stderr ? coloured : plain
      stderr.write(ProblemsText.render(problems, status, { paint, columns: display.columns.stderr }))
    }
    return status
  }
  return {
    style: { paint: display.color.stdout ? coloured : plain, columns: display.columns.stdout },
    // Documents are masked value by value: masking their text could break its quotes.
    result: (text) => stdout.write(display.output === "json" ? text : Masking.maskSecrets(text)),
    problems,
    defect: (defect) => {
      const isDetailed = display.logLevel === "Debug" || display.logLevel === "Trace"
      if (isDetailed && defect instanceof Error && defect.stack !== undefined)
        stderr.write(`${Masking.maskSecrets(defect.stack)}\n`)
      return problems([unexpected(defect)], 1)
    },
  }
}
