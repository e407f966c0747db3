/**
 * Answers: what do the files say together? Later ones win; how much of an earlier one survives differs between 1.x
 * and 2.x, and so does what becomes of files in different schemas. Source: facts containerd §5, §6; lab, imports by
 * experiment; containerd `mergeConfig` and `LoadConfig`.
 */
import { Result } from "effect"
import * as Toml from "../../toml/Toml.ts"
import { type Generation, isFirst } from "./Generation.ts"
import { type LoadedFile, refuse, type Refusal } from "./Loading.ts"
import * as Migration from "./Migration.ts"

/** All files as one. */
export interface Merged {
  /** Schema that the merged configuration is taken for. */
  readonly schema: number
  /** Plugin tables by the names that the daemon looks them up by. */
  readonly plugins: Toml.Table
  readonly disabled: ReadonlyArray<string>
  readonly required: ReadonlyArray<string>
  readonly proxies: Readonly<Record<string, Toml.Table>>
  readonly debug: Toml.Table
  /** Whether schema 2 handlers were left behind because a schema 3 table of handlers was there. */
  readonly handlersLeftBehind: boolean
}

/** `over` merged into `base` key by key; everything that is no table on both sides is replaced, arrays too. */
export const deep = (base: Toml.Table, over: Toml.Table): Toml.Table => {
  const merged: Record<string, unknown> = { ...base }
  for (const key of Object.keys(over)) {
    const before = merged[key]
    const value = over[key]
    merged[key] = Toml.isTable(before) && Toml.isTable(value) ? deep(before, value) : value
  }
  return merged
}

/** Top-level values that are empty or zero do not count: the merge cannot tell them from absent ones. */
const nonZero = (table: Toml.Table): Toml.Table =>
  Object.fromEntries(Object.entries(table).filter(([, value]) => value !== "" && value !== 0))

const tableAt = (table: Toml.Table, key: string): Toml.Table => Toml.tableAt(table, key) ?? {}

const versionOf = (table: Toml.Table): number => (typeof table["version"] === "number" ? table["version"] : 0)

/** Merges the files in the order in which they were loaded. */
export const merge = (
  files: ReadonlyArray<LoadedFile>,
  generation: Generation,
): Result.Result<Merged, Refusal> => {
  const first = isFirst(generation)
  let schema = first ? 1 : generation.newestSchema
  let plugins: Toml.Table = {}
  let proxies: Readonly<Record<string, Toml.Table>> = {}
  let debug: Toml.Table = {}
  let handlersLeftBehind = false
  const disabled: Array<string> = []
  const required: Array<string> = []
  for (const { path, table } of files) {
    const declared = versionOf(table)
    let own = tableAt(table, "plugins")
    let named = (key: string): ReadonlyArray<string> => Toml.stringsAt(table, key)
    // 2.x brings a file without a version, or with 1, to what the files before it amount to.
    const isOld = !first && declared < 2
    if (isOld) {
      own = Migration.withFullNames(own)
      named = (key) => Toml.stringsAt(table, key).map(Migration.fullName)
    }
    if (generation.migratesEachFile && declared < schema) {
      const split = Migration.splitCri(own, generation)
      if (Result.isFailure(split)) return refuse(path, split.failure)
      own = split.success.plugins
      handlersLeftBehind ||= split.success.handlersLeftBehind
    }
    plugins = generation.replacesPluginTables ? { ...plugins, ...own } : deep(plugins, own)
    proxies = { ...proxies, ...(tableAt(table, "proxy_plugins") as Readonly<Record<string, Toml.Table>>) }
    debug = { ...debug, ...nonZero(tableAt(table, "debug")) }
    disabled.push(...named("disabled_plugins"))
    required.push(...named("required_plugins"))
    const counts = !isOld && declared !== 0 && !(generation.migratesEachFile && declared < schema)
    if (counts) schema = declared
  }
  const merged: Merged = { schema, plugins, disabled, required, proxies, debug, handlersLeftBehind }
  const invalid = first ? checkFirst(merged, files, generation) : checkSecond(merged, files, generation)
  if (Result.isFailure(invalid)) return Result.fail(invalid.failure)
  if (first || generation.migratesEachFile || schema >= generation.newestSchema) return Result.succeed(merged)
  return Result.match(Migration.splitCri(plugins, generation), {
    onFailure: (why) =>
      refuse(
        lastWith(files, (table) => criTables(table).length > 0),
        why,
      ),
    onSuccess: (split) => Result.succeed({ ...merged, ...split }),
  })
}

const criTables = (table: Toml.Table): ReadonlyArray<string> =>
  Object.keys(tableAt(table, "plugins")).filter((name) =>
    ["cri", Migration.grpcCri, Migration.criRuntime, Migration.criImages].includes(name),
  )

/** The last file for which something holds; the root where none does. */
export const lastWith = (
  files: ReadonlyArray<LoadedFile>,
  holds: (table: Toml.Table) => boolean,
): LoadedFile["path"] => (files.findLast(({ table }) => holds(table)) ?? files[0]!).path

const unsupported = (schema: number, files: ReadonlyArray<LoadedFile>): Result.Result<never, Refusal> =>
  refuse(
    lastWith(files, (table) => table["version"] === schema),
    `it declares version ${schema}, which this containerd does not support`,
  )

const checkFirst = (
  { disabled, plugins, required, schema }: Merged,
  files: ReadonlyArray<LoadedFile>,
  generation: Generation,
): Result.Result<void, Refusal> => {
  if (schema < 2) return Result.succeed(undefined)
  if (schema > generation.newestSchema) return unsupported(schema, files)
  const isFull = (name: string): boolean =>
    name.split(".").length >= 4 && (generation.line === "1.6" || name.startsWith("io.containerd."))
  for (const [key, names] of Object.entries({ disabled_plugins: disabled, required_plugins: required })) {
    const short = names.find((name) => !isFull(name))
    if (short !== undefined) return shortName(short, key, files)
  }
  const short = Object.keys(plugins).find((name) => !isFull(name))
  return short === undefined
    ? Result.succeed(undefined)
    : refuse(
        lastWith(files, (table) => Object.hasOwn(tableAt(table, "plugins"), short)),
        `it has a table plugins.${short}, and in version ${schema} plugins go by their full names`,
      )
}

const shortName = (
  name: string,
  key: string,
  files: ReadonlyArray<LoadedFile>,
): Result.Result<never, Refusal> =>
  refuse(
    lastWith(files, (table) => Toml.stringsAt(table, key).includes(name)),
    `its ${key} names ${JSON.stringify(name)}, which is no full plugin name`,
  )

const checkSecond = (
  { disabled, required, schema }: Merged,
  files: ReadonlyArray<LoadedFile>,
  generation: Generation,
): Result.Result<void, Refusal> => {
  if (schema > generation.newestSchema) return unsupported(schema, files)
  for (const [key, names] of Object.entries({ disabled_plugins: disabled, required_plugins: required })) {
    const short = names.find((name) => !name.includes("."))
    if (short !== undefined) return shortName(short, key, files)
  }
  return Result.succeed(undefined)
}
