/**
 * Answers: what does the settings file say? It is YAML or JSON with camelCase keys; every value is turned into the
 * text that its variable would have, so that one grammar reads both. Source: decisions §13.
 */
import { Architecture, Masking, NearestName, type Problem, SettingsTable } from "@kata-deploy/core"
import { Predicate, Result } from "effect"
import { parseDocument } from "yaml"

/** What a settings file says. */
export interface SettingsFile {
  /** Text by variable. */
  readonly variables: ReadonlyMap<string, string>
  /** Where in the file each variable was found, for messages: `shims.x86_64 in settings.yaml`. */
  readonly places: ReadonlyMap<string, string>
  readonly problems: ReadonlyArray<Problem.Problem>
}

const rowByKey = new Map(
  SettingsTable.rows.map((row: SettingsTable.SettingRow) => [SettingsTable.fileKey(row.variable), row]),
)

/** Keys of the settings file. */
export const keys: ReadonlyArray<string> = [...rowByKey.keys()]

const isScalar = (value: unknown): value is string | number | boolean =>
  Predicate.isString(value) || Predicate.isNumber(value) || Predicate.isBoolean(value)

const separatorOf = { space: " ", comma: ",", either: "," } as const
const splits = { space: /\s/, comma: /,/, either: /[,\s]/ } as const

const listText = (value: unknown, separator: keyof typeof separatorOf): Result.Result<string, string> => {
  if (Predicate.isString(value)) return Result.succeed(value)
  if (!Array.isArray(value) || !value.every(Predicate.isString)) return Result.fail("a list of words")
  const broken = value.find((item) => splits[separator].test(item.trim()))
  if (broken !== undefined)
    return Result.fail(`a list of words without blanks or commas, unlike ${JSON.stringify(broken)}`)
  return Result.succeed(value.join(separatorOf[separator]))
}

const pairsText = (
  value: unknown,
  between: string,
  behind: string,
  expected: string,
): Result.Result<string, string> => {
  if (Predicate.isString(value)) return Result.succeed(value)
  if (!Predicate.isObject(value)) return Result.fail(expected)
  const pairs = Object.entries(value)
  if (!pairs.every(([, item]) => isScalar(item))) return Result.fail(expected)
  const broken = pairs.find(([key, item]) => key.includes(between) || `${key}${item}`.includes(behind))
  return broken === undefined
    ? Result.succeed(pairs.map(([key, item]) => `${key}${between}${item}`).join(behind))
    : Result.fail(`${expected}, without "${between}" in a name and "${behind}" anywhere`)
}

/** A value of the file as the text of its variable; fails with what is expected. */
const asText = (row: SettingsTable.SettingRow, value: unknown): Result.Result<string, string> => {
  switch (row.value.kind) {
    case "list":
      return listText(value, row.value.separator)
    case "mapping":
      return pairsText(value, ":", ",", "a map from shims to words")
    case "per-shim":
      return pairsText(value, "=", ";", "one value, or a map from shims to values")
    case "boolean":
      return Predicate.isBoolean(value) || Predicate.isString(value)
        ? Result.succeed(String(value))
        : Result.fail("true or false")
    case "port":
      return Predicate.isNumber(value) || Predicate.isString(value)
        ? Result.succeed(String(value))
        : Result.fail("a number")
    case "text":
    case "choice":
    case "host-path":
      return isScalar(value) ? Result.succeed(String(value)) : Result.fail("a text")
  }
}

/** YAML, of which JSON is a part; fails with the place and what is wrong there. */
const fromYaml = (text: string): Result.Result<unknown, string> => {
  const document = parseDocument(text, { prettyErrors: true })
  const [error] = document.errors
  // Aliases that grow without end are only found here, and keys that are none.
  if (error === undefined)
    return Result.try({
      try: (): unknown => document.toJS(),
      catch: (cause) => (cause instanceof Error ? cause.message : String(cause)),
    })
  const at = error.linePos?.[0]
  const first = error.message.split("\n")[0]!.replace(/ at line \d+, column \d+:?$/, "")
  return Result.fail(`${at === undefined ? "" : `line ${at.line}, column ${at.col}: `}${first}`)
}

/** JSON taken at its word: what YAML would forgive is a mistake in a file that calls itself JSON. */
const fromJson = (text: string): Result.Result<unknown, string> =>
  text.trim() === ""
    ? Result.succeed(null)
    : Result.try({
        try: (): unknown => JSON.parse(text),
        // The message quotes the text around the place, line breaks and all.
        catch: (error) => (error instanceof Error ? error.message : String(error)).replace(/\s+/g, " "),
      })

/** Reads the text of a settings file; `name` stands for it in messages. */
export const parse = (text: string, name: string): SettingsFile => {
  const variables = new Map<string, string>()
  const places = new Map<string, string>()
  const problems: Array<Problem.Problem> = []
  const add = (variable: string, row: SettingsTable.SettingRow, place: string, value: unknown): void => {
    // A key without value is as good as none.
    if (value === null || value === undefined) return
    const result = asText(row, value)
    if (Result.isFailure(result)) {
      problems.push({
        code: "E_SETTINGS_FILE_VALUE",
        setting: place,
        value: Masking.maskSecrets(JSON.stringify(value)),
        path: name,
        message: `${place} in ${name} is ${Masking.maskSecrets(JSON.stringify(value))}, which it cannot be.`,
        remedy: `Write ${result.failure}.`,
      })
    } else {
      variables.set(variable, result.success)
      places.set(variable, `${place} in ${name}`)
    }
  }
  const read = name.endsWith(".json") ? fromJson(text) : fromYaml(text)
  const content = Result.isSuccess(read) ? read.success : undefined
  if (Result.isFailure(read)) problems.push(unusable(name, read.failure))
  else if (content !== null && (!Predicate.isObject(content) || Array.isArray(content)))
    problems.push(unusable(name, "it holds no map of settings"))
  for (const [key, value] of Predicate.isObject(content) ? Object.entries(content) : []) {
    const row = rowByKey.get(key)
    if (row === undefined) {
      // Editors find the schema of a file by this key.
      if (key !== "$schema") problems.push(unknownKey(key, name))
    } else if (row.perArchitecture) {
      perArchitecture(row, key, value, name, add, problems)
    } else {
      add(row.variable, row, key, value)
    }
  }
  return { variables, places, problems }
}

const perArchitecture = (
  row: SettingsTable.SettingRow,
  key: string,
  value: unknown,
  name: string,
  add: (variable: string, row: SettingsTable.SettingRow, place: string, value: unknown) => void,
  problems: Array<Problem.Problem>,
): void => {
  if (value === null || value === undefined) return
  if (!Predicate.isObject(value) || Array.isArray(value)) {
    problems.push({
      code: "E_SETTINGS_FILE_VALUE",
      setting: key,
      value: JSON.stringify(value),
      path: name,
      message: `${key} in ${name} does not say for which architecture it is.`,
      remedy: `Write a map, e.g. ${key}: {x86_64: …}; architectures are ${Architecture.known.join(", ")}.`,
    })
    return
  }
  for (const [architecture, item] of Object.entries(value)) {
    if (Architecture.isKnown(architecture)) {
      add(`${row.variable}_${architecture.toUpperCase()}`, row, `${key}.${architecture}`, item)
    } else {
      problems.push({
        code: "E_SETTINGS_FILE_KEY",
        setting: `${key}.${architecture}`,
        path: name,
        message: `${key} in ${name} names the unknown architecture ${JSON.stringify(architecture)}.${NearestName.didYouMean(architecture, Architecture.known)}`,
        remedy: `Architectures are ${Architecture.known.join(", ")}.`,
      })
    }
  }
}

const unusable = (name: string, why: string): Problem.Problem => ({
  code: "E_SETTINGS_FILE",
  setting: "--config",
  value: name,
  path: name,
  message: `The settings file ${name} cannot be used: ${why}.`,
  remedy: "Write YAML or JSON; kata-deploy schema settings prints its schema.",
})

const unknownKey = (key: string, name: string): Problem.Problem => ({
  code: "E_SETTINGS_FILE_KEY",
  setting: key,
  path: name,
  message: `The settings file ${name} has the unknown key ${JSON.stringify(key)}.${NearestName.didYouMean(key, keys)}`,
  remedy: "kata-deploy schema settings lists the keys.",
})
