/** What came of the vector cases, and how it is told. */

/** What came of one case. */
export interface Outcome {
  readonly section: string
  readonly name: string
  /**
   * `quirk`: upstream does this, and nobody wrote down what we do instead. `deviation`: as we want it, and not as
   * upstream does, with a reason. `not-run`: no runner answers the section.
   */
  readonly kind: "passed" | "failed" | "quirk" | "deviation" | "not-run"
  /** What is worth saying about it; may have several lines. */
  readonly detail: string
}

/** What came of one file. */
export interface FileOutcome {
  readonly file: string
  readonly outcomes: ReadonlyArray<Outcome>
}

const kinds = ["passed", "failed", "deviation", "quirk", "not-run"] as const

const count = (outcomes: ReadonlyArray<Outcome>, kind: Outcome["kind"]): number =>
  outcomes.filter((outcome) => outcome.kind === kind).length

const singled = (outcome: Outcome): ReadonlyArray<string> =>
  outcome.kind === "passed" || outcome.kind === "not-run"
    ? []
    : [
        `  ${outcome.kind.padEnd(9)} ${outcome.section}/${outcome.name}`,
        ...(outcome.detail === "" ? [] : outcome.detail.split("\n").map((line) => `            ${line}`)),
      ]

/** Sections without a runner are told as a whole: none of their cases says more than the others. */
const unanswered = (outcomes: ReadonlyArray<Outcome>): ReadonlyArray<string> =>
  [...Map.groupBy(outcomes, (outcome) => outcome.section)].flatMap(([section, all]) => {
    const number = count(all, "not-run")
    return number === 0 ? [] : [`  not run   ${section} (${number})`]
  })

/** One line for each file with its numbers, and below it what did not simply pass. */
export const lines = (files: ReadonlyArray<FileOutcome>): ReadonlyArray<string> => [
  ...files.flatMap(({ file, outcomes }) => [
    `${file.padEnd(24)}${kinds
      .map((kind) => [kind.replace("-", " "), count(outcomes, kind)] as const)
      .filter(([name, number]) => number > 0 || name === "passed" || name === "failed")
      .map(([name, number]) => `${String(number).padStart(5)} ${name}`)
      .join("")}`,
    ...outcomes.flatMap(singled),
    ...unanswered(outcomes),
  ]),
  `${total(files, "passed")} passed, ${total(files, "failed")} failed`,
]

/** How many cases of all files ended like this. */
export const total = (files: ReadonlyArray<FileOutcome>, kind: Outcome["kind"]): number =>
  files.reduce((sum, { outcomes }) => sum + count(outcomes, kind), 0)
