/** Answers: what is to be done with which archives? The words and flags behind `artifacts`, decoded. */
import { resolve } from "node:path"
import type { Problem } from "@kata-deploy/core"
import type { Arguments } from "../command/Arguments.ts"
import * as GivenValue from "../command/GivenValue.ts"
import * as NodeOptions from "../command/NodeOptions.ts"
import type { Surroundings } from "../Surroundings.ts"

/** A job on archives. */
export type ArtifactsJob =
  | { readonly _tag: "List"; readonly directory: string; readonly component: string | undefined }
  | { readonly _tag: "Verify"; readonly directory: string; readonly publicKey: string | undefined }
  | {
      readonly _tag: "Pack"
      readonly tree: string
      readonly component: string
      /** Directory that the archive is written to. */
      readonly into: string
      readonly level: number
    }

/** The words that `artifacts` takes. */
export const choices = ["list", "verify", "pack"] as const

const packFlags = ["component", "output-dir", "level"]

const missing = (setting: string, message: string, remedy: string): Problem.Problem => ({
  code: "E_PACK_INCOMPLETE",
  setting,
  message,
  remedy,
})

/** Decodes the job; `words` are those behind `artifacts`. */
export const decode = (
  args: Arguments,
  operand: string,
  surroundings: Surroundings,
  problems: Array<Problem.Problem>,
): ArtifactsJob | undefined => {
  const { given } = args
  const words = args.words.slice(2)
  const path = GivenValue.pathFinder(GivenValue.finder(args, surroundings, problems), surroundings)
  const misplaced = [
    ...(operand === "pack" ? ["artifacts"] : packFlags),
    ...(operand === "verify" ? [] : ["public-key"]),
  ].filter((flag) => given.has(flag))
  for (const flag of misplaced) {
    problems.push({
      code: "E_FLAG_MISPLACED",
      setting: `--${flag}`,
      message: `--${flag} has no effect with artifacts ${operand}.`,
      remedy: "Leave it out; kata-deploy artifacts --help tells where each flag belongs.",
    })
  }
  if (operand === "verify" && words.length > 0) problems.push(surplus(words[0]!, operand))
  if (operand === "pack") return packJob(words[0], args, surroundings, problems)
  const directory = path("artifacts") ?? NodeOptions.usualArtifacts
  return operand === "list"
    ? { _tag: "List", directory, component: words[0] }
    : { _tag: "Verify", directory, publicKey: path("public-key") }
}

const surplus = (word: string, operand: string): Problem.Problem => ({
  code: "E_SURPLUS_WORD",
  value: word,
  message: `${JSON.stringify(word)} stands behind artifacts ${operand}, which takes no such word.`,
  remedy: "Leave it out, or quote a value that holds blanks.",
})

const packJob = (
  word: string | undefined,
  args: Arguments,
  surroundings: Surroundings,
  problems: Array<Problem.Problem>,
): ArtifactsJob | undefined => {
  const before = problems.length
  const find = GivenValue.finder(args, surroundings, problems)
  const component = find("component")?.text
  const into = GivenValue.pathFinder(find, surroundings)("output-dir")
  const written = find("level")?.text ?? "19"
  const level = Number(written)
  const isMissing = (flag: string) => !args.given.has(flag) && !args.rejected.has(flag)
  const how = "Write: kata-deploy artifacts pack DIR --component NAME --output DIR2."
  if (word === undefined || word.trim() === "")
    problems.push(missing("DIR", "artifacts pack needs the directory to pack.", how))
  if (isMissing("output-dir"))
    problems.push(missing("--output", "artifacts pack needs --output, the directory for the archive.", how))
  if (isMissing("component"))
    problems.push(missing("--component", "artifacts pack needs --component, the component's name.", how))
  if (component !== undefined && !/^[a-z0-9][a-z0-9._-]*$/.test(component)) {
    problems.push({
      code: "E_FLAG_VALUE",
      setting: "--component",
      value: component,
      message: `--component is ${JSON.stringify(component)}, which cannot be a component's name.`,
      remedy: "Use lower-case letters, digits, dots, dashes and underscores, e.g. shim-v2-go.",
    })
  }
  if (!Number.isInteger(level) || level < 1 || level > 19) {
    problems.push({
      code: "E_FLAG_VALUE",
      setting: "--level",
      value: written,
      message: `--level is ${JSON.stringify(written)}, which is no number from 1 to 19.`,
      remedy: "19 makes the smallest archives, 3 is quick.",
    })
  }
  if (problems.length > before || word === undefined || component === undefined || into === undefined)
    return undefined
  return { _tag: "Pack", tree: resolve(surroundings.workingDirectory, word), component, into, level }
}
