/** Short ways to decode variables, for tests of settings. */
import { assert } from "@effect/vitest"
import { Result } from "effect"
import { type CustomRuntimes, type Problem, Settings } from "../../src/index.ts"

/** Texts by variable or file name. */
export type Variables = Readonly<Record<string, string>>

/** The operator's files of `/custom-configs`. */
export const files = (texts: Variables = {}): CustomRuntimes.CustomConfigs => ({
  _tag: "Files",
  files: new Map(Object.entries(texts)),
})

/** Decodes exactly these variables on x86_64, without the API. */
export const decode = (variables: Variables, rest: Partial<Settings.SettingsInput> = {}) =>
  Settings.decode({ architecture: "x86_64", variables, customConfigs: files(), api: "not-used", ...rest })

/** Settings that have to be accepted, with two shims unless said otherwise. */
export const accepted = (variables: Variables, rest?: Partial<Settings.SettingsInput>): Settings.Settings =>
  Result.getOrThrow(decode({ SHIMS_X86_64: "qemu clh", ...variables }, rest))

/** What is wrong with the variables; nothing when they are accepted. */
export const problems = (
  variables: Variables,
  rest?: Partial<Settings.SettingsInput>,
): ReadonlyArray<Problem.Problem> => {
  const result = decode({ SHIMS_X86_64: "qemu clh", ...variables }, rest)
  return Result.isSuccess(result) ? [] : result.failure.problems
}

/** Codes of all problems. */
export const codes = (...given: Parameters<typeof problems>) => problems(...given).map((p) => p.code)

/** The only problem that there is. */
export const only = (...given: Parameters<typeof problems>): Problem.Problem => {
  const found = problems(...given)
  assert.strictEqual(found.length, 1, JSON.stringify(found))
  return found[0]!
}

/** Names of all handlers. */
export const names = (settings: Settings.Settings) => settings.handlers.map((h) => h.name)

/** A list of custom runtimes and the drop-ins beside it. */
export const custom = (list: string, rest: Variables = {}): Partial<Settings.SettingsInput> => ({
  customConfigs: files({ "custom-runtimes.list": list, ...rest }),
})
/** Makes the list of custom runtimes count. */
export const enabled = { CUSTOM_RUNTIMES_ENABLED: "true" }
