/** Answers: what was given for a flag, on the command line or in its variable? */
import { resolve } from "node:path"
import type { Problem } from "@kata-deploy/core"
import { Result } from "effect"
import type { Surroundings } from "../Surroundings.ts"
import * as Arguments from "./Arguments.ts"
import * as FlagTable from "./FlagTable.ts"

/** A value, and the flag or variable that it was read from. */
export interface GivenValue {
  readonly text: string
  readonly where: string
}

/** Finds the value of a flag by its name. */
export type Finder = (name: string) => GivenValue | undefined

/** The same for a path of this process: absolute, relative ones are below its working directory. */
export const pathFinder =
  (find: Finder, { workingDirectory }: Pick<Surroundings, "workingDirectory">) =>
  (name: string): string | undefined => {
    const found = find(name)
    return found === undefined ? undefined : resolve(workingDirectory, found.text)
  }

/**
 * Finds values by the names of their flags; what is wrong with one is added to `problems`. A flag wins over its
 * variable. A blank variable is unset, a blank flag is not.
 */
export const finder =
  (
    { given }: Pick<Arguments.Arguments, "given">,
    { env }: Pick<Surroundings, "env">,
    problems: Array<Problem.Problem>,
  ): Finder =>
  (name) => {
    const row = FlagTable.lookup(name)!
    const flag = given.get(name)
    if (flag !== undefined) {
      if (flag.trim() !== "") return { text: flag.trim(), where: `--${name}` }
      problems.push(Arguments.wrongValue(`--${name}`, flag, "a value that is not blank"))
      return undefined
    }
    const text = row.variable === undefined ? undefined : env[row.variable]?.trim()
    if (text === undefined || text === "") return undefined
    const result = Arguments.read(row, row.variable!, text)
    if (Result.isSuccess(result)) return { text: result.success, where: row.variable! }
    problems.push(result.failure)
    return undefined
  }
