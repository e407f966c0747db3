/**
 * Answers: how do our handlers get into a main config that cannot have drop-ins (containerd 1.x), and out again?
 * As one marked block at the end; undoing cuts it, whatever else was changed meanwhile.
 * Source: spec 03 §3; decisions §4, §5; 12 W-14.
 */
import { Result } from "effect"
import type { Problem } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import * as MarkedKey from "./MarkedKey.ts"
import { criPlugin, mergeTables, withBuiltIn } from "./DropInRendering.ts"
import type { ConfigSchema } from "../model/ContainerdVersion.ts"

const open = (instance: string): string => `# >>> kata-deploy ${instance}: do not edit between these marks`
const close = (instance: string): string => `# <<< kata-deploy ${instance}`

/** The block with the given tables, as it is put behind a text with that line ending. */
export const block = (instance: string, tables: PrintTable, newline: "\n" | "\r\n"): string =>
  ["", open(instance), ...TomlPrinter.printLines(tables), close(instance), ""].join(newline)

/** Offset of the line that is `mark` and nothing else, at or behind `from`; -1 when there is none. */
const lineOf = (text: string, mark: string, from: number): number => {
  let at = text.indexOf(mark, from)
  while (at >= 0) {
    const startsLine = at === 0 || text[at - 1] === "\n"
    if (startsLine && /^\r?(?:\n|$)/.test(text.slice(at + mark.length, at + mark.length + 2))) return at
    at = text.indexOf(mark, at + 1)
  }
  return -1
}

/** A text without the instance's block and its marked lines; `undefined` when it has neither. */
export const cut = (text: string, instance: string): string | undefined => {
  const without = cutBlock(text, instance)
  return MarkedKey.take(without ?? text, instance) ?? without
}

const cutBlock = (text: string, instance: string): string | undefined => {
  const start = lineOf(text, open(instance), 0)
  const end = start < 0 ? -1 : lineOf(text, close(instance), start)
  if (end < 0) return undefined
  const after = end + close(instance).length
  const newline = text.startsWith("\r\n", after) ? 2 : text.startsWith("\n", after) ? 1 : 0
  const behind = text.slice(after + newline)
  // The line break in front of the mark is ours as well: without it a missing final newline could not come back.
  const own = start === 0 ? 0 : text[start - 2] === "\r" ? 2 : 1
  const front = text.slice(0, start - own)
  // What somebody put behind the block starts a line of its own, and goes on doing so.
  const needed = front !== "" && !front.endsWith("\n") && behind !== ""
  return (needed ? text.slice(0, start) : front) + behind
}

/** What splicing a block into a main config needs. */
export interface SpliceInput {
  readonly path: HostPath
  /** The main config as it is, possibly with an older block of ours. */
  readonly text: string
  readonly instance: string
  readonly schema: ConfigSchema
  /** Handler tables by name. */
  readonly handlers: PrintTable
  /** Tables beside the handlers: what the snapshotters need. */
  readonly extraTables?: PrintTable
  readonly debug: boolean
}

const problem = (path: HostPath, code: string, message: string, remedy: string): Problem => ({
  code,
  path,
  message,
  remedy,
})

const annotations = "disable_snapshot_annotations"

/** A key for the CRI's own table goes into that table where it is there: no file can have a table twice. */
const withMarkedKey = (
  { extraTables = {}, instance, schema }: SpliceInput,
  theirs: string,
): { readonly text: string; readonly extraTables: PrintTable } => {
  const table = ["plugins", criPlugin(schema), "containerd"]
  const value = Toml.at(extraTables, ...table, annotations)
  if (typeof value !== "boolean" || !MarkedKey.hasHeader(theirs, table)) return { text: theirs, extraTables }
  const { plugins: _, ...rest } = extraTables
  return { text: MarkedKey.set(theirs, { table, key: annotations, value, instance }), extraTables: rest }
}

/** The main config with our block at its end. Refused where a table of ours would collide with one that is there. */
export const splice = (
  input: SpliceInput,
): Result.Result<{ readonly text: string; readonly block: string }, Problem> => {
  const theirs = cut(input.text, input.instance) ?? input.text
  const parsed = Toml.parse(theirs)
  if (Result.isFailure(parsed)) {
    return Result.fail(
      problem(
        input.path,
        "E_CONTAINERD_CONFIG_NOT_TOML",
        `The main config ${input.path} is not valid TOML: ${parsed.failure.detail}.`,
        "Repair the file and try again.",
      ),
    )
  }
  const plugin = criPlugin(input.schema)
  const there = Toml.tableAt(parsed.success, "plugins", plugin, "containerd", "runtimes")
  const taken = Object.keys(input.handlers).filter(
    (name) => there !== undefined && Object.hasOwn(there, name),
  )
  if (taken.length > 0) {
    return Result.fail(
      problem(
        input.path,
        "E_HANDLER_TABLE_TAKEN",
        `${input.path} already has ${taken.map((name) => `[plugins.${TomlPrinter.key(plugin)}.containerd.runtimes.${TomlPrinter.key(name)}]`).join(", ")}, which is not ours; a second table of that name would keep containerd from starting.`,
        "Remove the table, or leave the shim out of the settings.",
      ),
    )
  }
  const newline = theirs.includes("\r\n") ? "\r\n" : "\n"
  const { extraTables, text: base } = withMarkedKey(input, theirs)
  const added = block(
    input.instance,
    mergeTables(
      {
        plugins: {
          [plugin]: {
            containerd: { runtimes: withBuiltIn(there as PrintTable | undefined, input.handlers) },
          },
        },
        ...(input.debug && Toml.at(parsed.success, "debug") === undefined
          ? { debug: { level: "debug" } }
          : {}),
      },
      extraTables,
    ),
    newline,
  )
  // The very block may stand in front of lines that somebody added later; moving it would change nothing.
  const isThere = cutBlock(input.text, input.instance) === base && input.text.includes(added)
  const text = isThere ? input.text : base + added
  const whole = Toml.parse(text)
  if (Result.isFailure(whole)) {
    return Result.fail(
      problem(
        input.path,
        "E_MAIN_CONFIG_LAYOUT",
        `${input.path} is written in a way that a table for a further handler cannot be added to (${whole.failure.detail}); inline tables are the usual reason.`,
        "Write the CRI plugin's tables as [plugins…] sections, or upgrade containerd to 2.0, which takes drop-ins.",
      ),
    )
  }
  return Result.succeed({ text, block: added })
}
