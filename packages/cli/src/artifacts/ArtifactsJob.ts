/** Answers: what is to be done with which archives? The words and flags behind `artifacts`, decoded. */
import { resolve } from "node:path"
import type { Problem } from "@kata-deploy/core"
import type { Arguments } from "../command/Arguments.ts"
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

/**
 * `artifacts pack DIR --output DIR2` names a directory; everywhere else, and with `text` or `json`, `--output` is the
 * form of the result. Makes the first kind a flag of its own.
 */
export const withOutputDirectory = (argv: ReadonlyArray<string>): ReadonlyArray<string> => {
  const isForm = (value: string | undefined) => value === undefined || /^(text|json)$/i.test(value.trim())
  const at = argv.indexOf("artifacts")
  if (at === -1 || !argv.slice(at).includes("pack")) return argv
  return argv.map((word, i) => {
    if (word === "--output" && !isForm(argv[i + 1])) return "--output-dir"
    const inline = /^--output=(.*)$/s.exec(word)?.[1]
    return inline === undefined || isForm(inline) ? word : `--output-dir=${inline}`
  })
}

const missing = (setting: string, message: string, remedy: string): Problem.Problem => ({
  code: "E_PACK_INCOMPLETE",
  setting,
  message,
  remedy,
})

/** Decodes the job; `words` are those behind `artifacts`. */
export const decode = (
  { given, words: all }: Arguments,
  operand: string,
  { env, workingDirectory }: Surroundings,
  problems: Array<Problem.Problem>,
): ArtifactsJob | undefined => {
  const words = all.slice(2)
  const path = (text: string): string => resolve(workingDirectory, text)
  const find = (flag: string, variable: string) => given.get(flag) ?? (env[variable]?.trim() || undefined)
  const directory = path(find("artifacts", "KATA_DEPLOY_ARTIFACTS") ?? "/opt/kata-artifacts")
  const publicKey = find("public-key", "KATA_DEPLOY_PUBLIC_KEY")
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
  if (operand === "verify")
    return { _tag: "Verify", directory, publicKey: publicKey === undefined ? undefined : path(publicKey) }
  if (operand === "list") return { _tag: "List", directory, component: words[0] }
  return packJob(words, given, path, problems)
}

const surplus = (word: string, operand: string): Problem.Problem => ({
  code: "E_SURPLUS_WORD",
  value: word,
  message: `${JSON.stringify(word)} stands behind artifacts ${operand}, which takes no such word.`,
  remedy: "Leave it out, or quote a value that holds blanks.",
})

const packJob = (
  [tree]: ReadonlyArray<string>,
  given: ReadonlyMap<string, string>,
  path: (text: string) => string,
  problems: Array<Problem.Problem>,
): ArtifactsJob | undefined => {
  const before = problems.length
  const component = given.get("component")
  const into = given.get("output-dir")
  const level = Number(given.get("level") ?? "19")
  const how = "Write: kata-deploy artifacts pack DIR --component NAME --output DIR2."
  if (tree === undefined) problems.push(missing("DIR", "artifacts pack needs the directory to pack.", how))
  if (into === undefined)
    problems.push(missing("--output", "artifacts pack needs --output, the directory for the archive.", how))
  if (component === undefined)
    problems.push(missing("--component", "artifacts pack needs --component, the component's name.", how))
  else if (!/^[a-z0-9][a-z0-9._-]*$/.test(component)) {
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
      value: given.get("level") ?? "",
      message: "--level is no number from 1 to 19.",
      remedy: "19 makes the smallest archives, 3 is quick.",
    })
  }
  if (problems.length > before || tree === undefined || component === undefined || into === undefined)
    return undefined
  return { _tag: "Pack", tree: path(tree), component, into: path(into), level }
}
