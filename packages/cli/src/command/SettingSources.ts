/**
 * Answers: which text does each variable have, and who said so? A flag wins over the environment, which wins over
 * the settings file.
 */
import { Architecture, type Problem, SettingsTable } from "@kata-deploy/core"
import * as FlagTable from "./FlagTable.ts"
import type { SettingsFile } from "./SettingsFile.ts"

/** Text of each variable, and where it came from. */
export interface SettingSources {
  readonly variables: Readonly<Record<string, string>>
  /** How each variable that is not from the environment was given: `--shims`, `shims.x86_64 in settings.yaml`. */
  readonly origins: ReadonlyMap<string, string>
  readonly problems: ReadonlyArray<Problem.Problem>
}

/** An empty variable is unset, so that what lies below it counts; shims alone can be blank on purpose (decisions §6). */
const isSet = (variable: string, text: string | undefined): text is string =>
  text !== undefined && (text.trim() !== "" || variable.startsWith("SHIMS_"))

/** Lays flags over environment variables over the settings file. */
export const layer = (sources: {
  readonly given: ReadonlyMap<string, string>
  readonly env: Readonly<Record<string, string | undefined>>
  readonly file: SettingsFile | undefined
  readonly architecture: Architecture.Architecture
}): SettingSources => {
  const variables: Record<string, string> = {}
  const origins = new Map<string, string>()
  const problems: Array<Problem.Problem> = []
  const names = [
    ...SettingsTable.variables(Architecture.known).map(({ variable }) => variable),
    ...Object.keys(SettingsTable.olderNames),
  ]
  for (const variable of names) {
    const fromEnvironment = sources.env[variable]
    const fromFile = sources.file?.variables.get(variable)
    if (isSet(variable, fromEnvironment)) variables[variable] = fromEnvironment
    else if (fromFile !== undefined) {
      variables[variable] = fromFile
      origins.set(variable, sources.file?.places.get(variable) ?? variable)
    } else if (fromEnvironment !== undefined) variables[variable] = fromEnvironment
  }
  const suffix = Architecture.variableSuffix(sources.architecture)
  for (const flag of FlagTable.settingFlags) {
    const text = sources.given.get(flag.name)
    if (text === undefined) continue
    const variable = flag.variable ?? (suffix === undefined ? undefined : `${flag.row.variable}_${suffix}`)
    if (variable === undefined) problems.push(noArchitecture(flag.name, sources.architecture))
    else if (origins.get(variable)?.startsWith("--") && variables[variable] !== text)
      problems.push(saidTwice(origins.get(variable)!, flag.name))
    else {
      variables[variable] = text
      origins.set(variable, `--${flag.name}`)
    }
  }
  return { variables, origins, problems }
}

const noArchitecture = (flag: string, architecture: string): Problem.Problem => ({
  code: "E_ARCHITECTURE",
  setting: `--${flag}`,
  message: `--${flag} sets this node's architecture, and for ${architecture} there is no such setting.`,
  remedy: `Leave it out. Architectures with settings of their own are ${Architecture.known.join(", ")}.`,
})

const saidTwice = (one: string, other: string): Problem.Problem => ({
  code: "E_FLAG_TWICE",
  setting: `--${other}`,
  message: `${one} and --${other} mean the same setting and differ.`,
  remedy: "Keep one of them.",
})

/**
 * Problems with settings, told in the words in which the operator gave them: a wrong `--shims` is not called
 * `SHIMS_X86_64`. The document's `setting` stays the variable.
 */
export const inOperatorsWords = (
  problems: ReadonlyArray<Problem.Problem>,
  origins: ReadonlyMap<string, string>,
): ReadonlyArray<Problem.Problem> =>
  problems.map((problem) => {
    const origin = problem.setting === undefined ? undefined : origins.get(problem.setting)
    return origin === undefined
      ? problem
      : { ...problem, message: problem.message.replaceAll(problem.setting!, origin) }
  })
