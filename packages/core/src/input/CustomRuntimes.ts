/**
 * Answers: which further handlers did the operator define? Lines `handler:base:snapshotter:pullType`; blank lines
 * and lines starting with `#` are skipped. Source: spec 01 §7, 12 W-18.
 */
import { Result } from "effect"
import * as Shim from "../model/Shim.ts"
import * as Toml from "../toml/Toml.ts"
import { didYouMean } from "./NearestName.ts"
import type { Problem } from "./Problem.ts"
import { isDnsLabel } from "./SettingsGrammar.ts"

/** One line of the list. */
export interface CustomRuntime {
  /** The handler's name as the operator gives it. */
  readonly handler: string
  /** The shim that it is based on. */
  readonly base: string
  readonly snapshotter: string | undefined
  readonly pullType: string | undefined
  /** Text of the operator's Kata drop-in for it, if there is one. */
  readonly dropIn: string | undefined
}

/** Files of `/custom-configs` by name: the list, and the operator's drop-ins. */
export type CustomConfigs =
  | {
      readonly _tag: "Files"
      readonly files: ReadonlyMap<string, string>
      /** Files that are there and cannot be read, and why, as a clause. */
      readonly unreadable?: ReadonlyMap<string, string>
    }
  | { readonly _tag: "Unreadable"; readonly why: string }

const listName = "custom-runtimes.list"
const setting = "CUSTOM_RUNTIMES_ENABLED"

const dropInName = (name: string): string => `dropin-${name}.toml`

/** The operator's Kata drop-in for a shim or handler, by the file name that the chart gives it. */
export const dropInFor = (configs: CustomConfigs, name: string): string | undefined =>
  configs._tag === "Files" ? configs.files.get(dropInName(name)) : undefined

/** Drop-ins of these shims and handlers with which Kata's runtime would start no pod. */
export const dropInProblems = (
  configs: CustomConfigs,
  names: ReadonlyArray<string>,
): ReadonlyArray<Problem> => {
  if (configs._tag !== "Files") return []
  return names.flatMap((name) => {
    const file = dropInName(name)
    const text = configs.files.get(file)
    const parsed = text === undefined ? undefined : Toml.parse(text)
    const why =
      configs.unreadable?.get(file) ??
      (parsed !== undefined && Result.isFailure(parsed)
        ? `it is no TOML: ${parsed.failure.detail}`
        : undefined)
    if (why === undefined) return []
    return [
      {
        code: "E_CUSTOM_DROP_IN",
        value: name,
        path: `/custom-configs/${file}`,
        message: `The operator's drop-in /custom-configs/${file} cannot be used (${why}), and no pod of ${name} would start with it.`,
        remedy: "Repair it, or take it out of the ConfigMap.",
      },
    ]
  })
}

/** Reads the list; every problem at once. */
export const parse = (
  configs: CustomConfigs,
): { readonly runtimes: ReadonlyArray<CustomRuntime>; readonly problems: ReadonlyArray<Problem> } => {
  const text = configs._tag === "Files" ? configs.files.get(listName) : undefined
  if (text === undefined) {
    const why =
      configs._tag === "Unreadable"
        ? configs.why
        : (configs.unreadable?.get(listName) ?? `there is no ${listName}`)
    return {
      runtimes: [],
      problems: [
        {
          code: "E_CUSTOM_RUNTIMES_LIST",
          setting,
          path: `/custom-configs/${listName}`,
          message: `Custom runtimes are enabled, but their list cannot be read: ${why}.`,
          remedy: `Mount the ConfigMap with ${listName}, or set ${setting}=false.`,
        },
      ],
    }
  }
  const runtimes: Array<CustomRuntime> = []
  const problems: Array<Problem> = []
  for (const line of text.split(/\r?\n/)) {
    const [handler = "", base = "", snapshotter = "", pullType = ""] = line
      .split(":")
      .map((field) => field.trim())
    if (handler === "" || handler.startsWith("#")) continue
    const problem = check(handler, base, runtimes)
    if (problem !== undefined) problems.push(problem)
    runtimes.push({
      handler,
      base,
      snapshotter: snapshotter === "" ? undefined : snapshotter,
      pullType: pullType === "" ? undefined : pullType,
      dropIn: dropInFor(configs, handler),
    })
  }
  return { runtimes, problems }
}

/** Handlers that CRI runtimes come with. */
const builtIn = ["runc", "crun"]

const check = (handler: string, base: string, before: ReadonlyArray<CustomRuntime>): Problem | undefined => {
  const about = { setting, value: handler, path: `/custom-configs/${listName}` }
  if (!isDnsLabel(handler)) {
    return {
      ...about,
      code: "E_CUSTOM_RUNTIME_NAME",
      message: `The handler name ${JSON.stringify(handler)} is no DNS label, and a RuntimeClass could not name it.`,
      remedy: "Use lower-case letters, digits and inner dashes, at most 63.",
    }
  }
  if (builtIn.includes(handler)) {
    return {
      ...about,
      code: "E_CUSTOM_RUNTIME_NAME",
      message: `The custom runtime ${handler} has the name of a handler that ordinary pods run with, and would take its place.`,
      remedy: "Give the custom runtime a name of its own.",
    }
  }
  if (base === "") {
    return {
      ...about,
      code: "E_CUSTOM_RUNTIME_WITHOUT_BASE",
      message: `The custom runtime ${handler} has an empty baseConfig, so there is no configuration to build it from.`,
      remedy: `Write ${handler}:SHIM, where SHIM is one of ${Shim.names.join(", ")}.`,
    }
  }
  if (Shim.lookup(base) === undefined) {
    return {
      ...about,
      code: "E_UNKNOWN_SHIM",
      message: `The custom runtime ${handler} is based on the unknown shim ${base}.${didYouMean(base, Shim.names)}`,
      remedy: `Valid shims are ${Shim.names.join(", ")}.`,
    }
  }
  if (before.some((other) => other.handler === handler)) {
    return {
      ...about,
      code: "E_HANDLER_COLLISION",
      message: `The handler ${handler} is defined twice in ${listName}.`,
      remedy: "Remove one of the two lines.",
    }
  }
  return undefined
}
