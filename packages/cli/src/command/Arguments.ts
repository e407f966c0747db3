/**
 * Answers: which words and flags are on the command line? Only the form is looked at here; every problem with it
 * is collected.
 */
import { parseArgs } from "node:util"
import { Masking, NearestName, type Problem, SettingsGrammar } from "@kata-deploy/core"
import { Result } from "effect"
import { withOutputDirectory } from "../artifacts/OutputDirectory.ts"
import * as FlagTable from "./FlagTable.ts"

/** The command line, taken apart. */
export interface Arguments {
  /** Words that belong to no flag, in order. */
  readonly words: ReadonlyArray<string>
  /** Text of each given flag by name; boolean flags say `true` or `false`. */
  readonly given: ReadonlyMap<string, string>
  /** Names of flags that were given, but wrongly. */
  readonly rejected: ReadonlySet<string>
  readonly problems: ReadonlyArray<Problem.Problem>
}

const options = Object.fromEntries(
  FlagTable.flags.map((row) => [
    row.name,
    { type: row.value.kind === "boolean" ? ("boolean" as const) : ("string" as const) },
  ]),
)

const tokensOf = (argv: ReadonlyArray<string>) =>
  parseArgs({
    args: [...argv],
    options: { ...options, help: { type: "boolean", short: "h" } },
    strict: false,
    allowPositionals: true,
    tokens: true,
  }).tokens

const missingValue = (row: FlagTable.FlagRow): Problem.Problem => ({
  code: "E_FLAG_WITHOUT_VALUE",
  setting: `--${row.name}`,
  message: `--${row.name} has no value.`,
  remedy: `Write ${FlagTable.signature(row)}; a value that starts with dashes is written --${row.name}=VALUE.`,
})

/**
 * Finds flags whose value is missing, and gives the rest of the command line. `parseArgs` would swallow the next
 * flag as the value, and that flag would never be looked at.
 */
const withoutMissingValues = (
  argv: ReadonlyArray<string>,
): { readonly rest: ReadonlyArray<string>; readonly names: ReadonlyArray<string> } => {
  const names: Array<string> = []
  let rest = argv
  for (;;) {
    const found = tokensOf(rest).find(
      (token) =>
        token.kind === "option" &&
        FlagTable.lookup(token.name) !== undefined &&
        options[token.name]?.type === "string" &&
        (token.value === undefined || (token.inlineValue === false && token.value.startsWith("--"))),
    )
    if (found === undefined || found.kind !== "option") return { rest, names }
    names.push(found.name)
    rest = rest.filter((_, at) => at !== found.index)
  }
}

const unknownFlag = (raw: string): Problem.Problem => {
  const name = raw.replace(/^-+/, "")
  const nearest = NearestName.nearestName(
    name,
    FlagTable.flags.map((row) => row.name),
  )
  return {
    code: "E_UNKNOWN_FLAG",
    setting: raw,
    message: `${raw} is no flag of this program.${nearest === undefined ? "" : ` Did you mean --${nearest}?`}`,
    remedy: "kata-deploy --help and kata-deploy ACTION --help list the flags.",
  }
}

const checked = (row: FlagTable.FlagRow, value: string): Result.Result<string, string> => {
  switch (row.value.kind) {
    case "boolean":
      return Result.map(SettingsGrammar.boolean(value), String)
    case "choice":
      return SettingsGrammar.choice(value, row.value.choices)
    case "text":
      return Result.succeed(value)
  }
}

/** A flag or its variable with a value that it cannot have. */
export const wrongValue = (
  where: string,
  value: string,
  expected: string,
  choices: ReadonlyArray<string> = [],
): Problem.Problem => ({
  code: "E_FLAG_VALUE",
  setting: where,
  value: Masking.maskSecrets(value),
  message: `${where} is ${JSON.stringify(Masking.maskSecrets(value))}, which it cannot be.${NearestName.didYouMean(value, choices)}`,
  remedy: `It has to be ${expected}.`,
})

/** The value of a flag in its own grammar, or the problem with it. */
export const read = (
  row: FlagTable.FlagRow,
  where: string,
  value: string,
): Result.Result<string, Problem.Problem> =>
  Result.mapError(checked(row, value), (expected) =>
    wrongValue(where, value, expected, row.value.kind === "choice" ? row.value.choices : []),
  )

/** Takes a command line apart. */
export const parse = (argv: ReadonlyArray<string>): Arguments => {
  const { names: valueless, rest } = withoutMissingValues(withOutputDirectory(argv))
  const problems = valueless.map((name) => missingValue(FlagTable.lookup(name)!))
  const rejected = new Set(valueless)
  const words: Array<string> = []
  const given = new Map<string, string>()
  let afterUnknown: number | undefined
  for (const token of tokensOf(rest)) {
    if (token.kind === "positional") {
      // What follows an unknown flag is most likely its value.
      if (afterUnknown === undefined || token.index !== afterUnknown + 1) words.push(token.value)
    } else if (token.kind === "option") {
      const row = FlagTable.lookup(token.name)
      if (row !== undefined) {
        const value = token.value ?? "true"
        const result = read(row, `--${row.name}`, value)
        const before = given.get(row.name)
        if (Result.isFailure(result)) {
          problems.push(result.failure)
          rejected.add(row.name)
        } else if (before !== undefined && before !== result.success) problems.push(givenTwice(row.name))
        else given.set(row.name, result.success)
      } else {
        if (!problems.some(({ setting }) => setting === token.rawName))
          problems.push(unknownFlag(token.rawName))
        if (token.value === undefined) afterUnknown = token.index
      }
    }
  }
  return { words, given, rejected, problems }
}

const givenTwice = (name: string): Problem.Problem => ({
  code: "E_FLAG_TWICE",
  setting: `--${name}`,
  message: `--${name} is given twice with different values.`,
  remedy: "Keep one; a list is one argument, e.g. --shims 'qemu clh'.",
})
