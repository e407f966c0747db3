/**
 * Answers: which files does containerd load after its main config, and does one of them take the CRI table away from
 * the others? containerd 1.x replaces a plugin's whole table by the one of the file that is loaded last.
 * Source: facts containerd §4, §5; lab, imports by experiment.
 */
import { Result } from "effect"
import type { Unlisted } from "../input/Facts.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import { type FileState, textOf } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import { globMatches } from "./ConfigPaths.ts"

/** One element of `imports`: a directory and what is taken of it; a literal name is its own pattern. */
export interface ImportPattern {
  readonly directory: HostPath.HostPath
  readonly pattern: string
}

/** What a containerd file imports. On 1.6 a relative glob is taken from the daemon's own directory: nothing of ours. */
export const patternsOf = (
  text: string,
  file: HostPath.HostPath,
  version: ContainerdVersion.ContainerdVersion | undefined,
): ReadonlyArray<ImportPattern> => {
  const parsed = Toml.parse(text)
  if (Result.isFailure(parsed)) return []
  const ignoresRelativeGlobs = version !== undefined && !ContainerdVersion.atLeast(version, 1, 7)
  return Toml.stringsAt(parsed.success, "imports").flatMap((entry) => {
    const isAbsolute = entry.startsWith("/")
    if (!isAbsolute && entry.includes("*") && ignoresRelativeGlobs) return []
    const path = isAbsolute ? HostPath.make(entry) : HostPath.join(HostPath.parent(file), entry)
    return [{ directory: HostPath.parent(path), pattern: HostPath.baseName(path) }]
  })
}

/** The files of a directory that a pattern takes, in the order in which they are loaded. */
export const matching = (
  { directory, pattern }: ImportPattern,
  names: ReadonlyArray<string>,
): ReadonlyArray<HostPath.HostPath> =>
  names.filter((name) => globMatches(pattern, name)).map((name) => HostPath.join(directory, name))

/** An imported file as it was found. */
export interface Imported {
  readonly path: HostPath.HostPath
  readonly state: FileState
}

/** The table of a plugin in a file, or `undefined`. */
export const pluginTable = (state: FileState, plugin: string): PrintTable | undefined => {
  const text = textOf(state)
  const parsed = text === undefined ? undefined : Toml.parse(text)
  return parsed === undefined || Result.isFailure(parsed)
    ? undefined
    : (Toml.tableAt(parsed.success, "plugins", plugin) as PrintTable | undefined)
}

/** Directories of imports that could not be listed, as problems: what is in them may take our handlers away on 1.x. */
export const unlistedProblems = (unlisted: ReadonlyArray<Unlisted>): ReadonlyArray<Problem> =>
  unlisted.map(({ detail, path }) => ({
    code: "E_IMPORT_UNREADABLE",
    path,
    message: `containerd imports files of ${path}, which cannot be listed (${detail}); on 1.x one of them may hide our handlers.`,
    remedy: "Give this program permission to list the directory, or take the import out.",
  }))

/** The same as notices, for a containerd that merges tables: our handlers hold whatever is in there. */
export const unlistedNotices = (unlisted: ReadonlyArray<Unlisted>): ReadonlyArray<Notice> =>
  unlisted.map(({ detail, path }) => ({
    code: "imports-unlisted",
    severity: "info",
    message: `containerd imports files of ${path}, which cannot be listed (${detail}), so what they say was not considered.`,
  }))

/** Files among `imported` that would hide a table of the plugin which is loaded before them, as problems. */
export const hiding = (
  imported: ReadonlyArray<Imported>,
  plugin: string,
  /** The file that the operator changes: the main config, or the template that it is rendered from. */
  main: HostPath.HostPath,
): ReadonlyArray<Problem> =>
  imported.flatMap(({ path, state }): ReadonlyArray<Problem> => {
    if (state._tag === "Unreadable") {
      return [
        {
          code: "E_IMPORT_UNREADABLE",
          path,
          message: `containerd imports ${path}, which cannot be read (${state.detail}); on 1.x it may hide our handlers.`,
          remedy: "Give this program permission to read the file.",
        },
      ]
    }
    if (pluginTable(state, plugin) === undefined) return []
    return [
      {
        code: "E_IMPORT_HIDES_HANDLERS",
        path,
        message: `containerd 1.x loads ${path} after our handlers, and its table of ${plugin} replaces theirs as a whole.`,
        remedy: `Move the CRI settings of ${path} into ${main}, or upgrade containerd to 2.0.`,
      },
    ]
  })
