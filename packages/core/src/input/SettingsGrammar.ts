/**
 * Answers: what does this text mean? One grammar for every setting (decisions §6): values are trimmed, empty means
 * unset, booleans and choices ignore case.
 */
import { utf8ToBytes } from "@noble/hashes/utils.js"
import { Result } from "effect"

const yes = ["true", "1", "yes", "on"]
const no = ["false", "0", "no", "off"]

/** A boolean word; fails with what is expected. */
export const boolean = (text: string, alsoTrue?: string): Result.Result<boolean, string> => {
  const word = text.trim().toLowerCase()
  if (yes.includes(word) || word === alsoTrue) return Result.succeed(true)
  if (no.includes(word)) return Result.succeed(false)
  return Result.fail(`one of ${[...yes, ...(alsoTrue === undefined ? [] : [alsoTrue]), ...no].join(", ")}`)
}

/** One of the given words in any case. */
export const choice = (text: string, choices: ReadonlyArray<string>): Result.Result<string, string> => {
  const word = text.trim().toLowerCase()
  return choices.includes(word) ? Result.succeed(word) : Result.fail(`one of ${choices.join(", ")}`)
}

const separators = { space: /\s+/, comma: /,/, either: /[,\s]+/ } as const

/** Words split at a separator; items are trimmed, empty ones dropped. */
export const list = (text: string, separator: keyof typeof separators): ReadonlyArray<string> =>
  text.split(separators[separator]).flatMap((item) => (item.trim() === "" ? [] : [item.trim()]))

/** A TCP port, 0 to 65535; 0 lets the kernel choose one. */
export const port = (text: string): Result.Result<number, string> => {
  const number = /^\d{1,5}$/.test(text.trim()) ? Number(text.trim()) : Infinity
  return number <= 65535 ? Result.succeed(number) : Result.fail("a number from 0 to 65535")
}

/** Bytes that a name and a path may have; what the kernel allows of a path (4095) has to hold what comes below it. */
const longest = { name: 255, path: 2048 } as const

const bytesOf = (text: string): number => utf8ToBytes(text).length

/** An absolute path without `..`, of which every name fits into a directory. */
export const hostPath = (text: string): Result.Result<string, string> => {
  const names = text.split("/")
  if (!text.startsWith("/") || names.includes("..")) return Result.fail("an absolute path without `..`")
  return bytesOf(text) > longest.path || names.some((name) => bytesOf(name) > longest.name)
    ? Result.fail(`a path of at most ${longest.path} bytes, with names of at most ${longest.name}`)
    : Result.succeed(text)
}

/** One `key:value` item of a mapping. */
export interface MappingItem {
  /** The shim. */
  readonly key: string
  /** What it is mapped to. */
  readonly value: string
}

/** An item of a mapping that cannot be meant, and why. */
export interface MappingProblem {
  readonly item: string
  readonly why: "no-pair" | "key-empty" | "value-empty" | "key-twice"
}

/** `key:value,key:value`, both parts trimmed: the items that can be read, and those that cannot. */
export const mappingItems = (
  text: string,
): { readonly items: ReadonlyArray<MappingItem>; readonly problems: ReadonlyArray<MappingProblem> } => {
  const items: Array<MappingItem> = []
  const problems: Array<MappingProblem> = []
  for (const item of list(text, "comma")) {
    const [key = "", value = "", ...rest] = item.split(":").map((part) => part.trim())
    if (!item.includes(":") || rest.length > 0) problems.push({ item, why: "no-pair" })
    else if (key === "") problems.push({ item, why: "key-empty" })
    else if (value === "") problems.push({ item, why: "value-empty" })
    else if (items.some((other) => other.key === key)) problems.push({ item, why: "key-twice" })
    else items.push({ key, value })
  }
  return { items, problems }
}

/** `key:value,key:value`; both parts trimmed and not empty. Fails with the first offending item. */
export const mapping = (text: string): Result.Result<ReadonlyArray<MappingItem>, string> => {
  const { items, problems } = mappingItems(text)
  return problems[0] === undefined ? Result.succeed(items) : Result.fail(problems[0].item)
}

/** A value for all shims, or one for each. */
export type PerShim =
  | { readonly _tag: "All"; readonly value: string }
  | { readonly _tag: "Each"; readonly values: ReadonlyArray<MappingItem> }

/**
 * `value`, or `shim=value;shim=value`. Text with `=` is one value for all when what stands before the first `=` is
 * no shim name but an URL (spec 12 W-26).
 */
export const perShim = (text: string, isShim: (name: string) => boolean): PerShim => {
  const before = text.split("=", 1)[0]!.trim()
  if (!text.includes("=") || (before.includes("://") && !isShim(before)))
    return { _tag: "All", value: text.trim() }
  const values = text.split(";").flatMap((item): ReadonlyArray<MappingItem> => {
    const cut = item.indexOf("=")
    if (cut < 0 || item.slice(0, cut).trim() === "") return []
    return [{ key: item.slice(0, cut).trim(), value: item.slice(cut + 1).trim() }]
  })
  return { _tag: "Each", values }
}

/** The value that applies to a shim, if any. */
export const perShimValue = (setting: PerShim | undefined, shim: string): string | undefined =>
  setting === undefined
    ? undefined
    : setting._tag === "All"
      ? setting.value
      : setting.values.find((item) => item.key === shim)?.value

/** A DNS label: lower-case letters, digits and inner dashes, at most 63. */
export const isDnsLabel = (text: string): boolean => /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)

/** A plain file name: no separator, not `.` or `..`. */
export const isFileName = (text: string): boolean =>
  text !== "" && text !== "." && text !== ".." && !text.includes("/") && !text.includes("\0")
