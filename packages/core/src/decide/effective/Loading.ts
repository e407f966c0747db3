/**
 * Answers: which files does containerd load, in which order? The loader is a queue: the root, its imports, then the
 * imports of those; each path once, so a cycle ends. Source: facts containerd §4; lab, imports by experiment.
 */
import { Result } from "effect"
import * as HostPath from "../../model/HostPath.ts"
import * as Toml from "../../toml/Toml.ts"
import { globMatches } from "../ConfigPaths.ts"
import type { Generation } from "./Generation.ts"
import { topLevel, wrongKey } from "./KnownKeys.ts"

/** Files by path: their text, or the table that is known to be in them. A path that is missing does not exist. */
export type Files = ReadonlyMap<HostPath.HostPath, string | Toml.Table>

/** One file that was loaded. */
export interface LoadedFile {
  readonly path: HostPath.HostPath
  readonly table: Toml.Table
}

/** The daemon does not start, and which file is to blame. */
export interface Refusal {
  readonly file: HostPath.HostPath
  /** Line of the file, from 1, where it is known. */
  readonly line?: number
  /** Why, as a clause for people. */
  readonly why: string
}

/** What the queue went through. */
export interface Loaded {
  readonly files: ReadonlyArray<LoadedFile>
  /** Globs that matched nothing because this release looks them up in its working directory. */
  readonly ignoredGlobs: ReadonlyArray<{ readonly file: HostPath.HostPath; readonly glob: string }>
}

/** A refusal as a result. */
export const refuse = (file: HostPath.HostPath, why: string): Result.Result<never, Refusal> =>
  Result.fail({ file, why })

/** Loads the root and everything that it imports. A missing root is the caller's affair. */
export const load = (
  files: Files,
  root: HostPath.HostPath,
  generation: Generation,
): Result.Result<Loaded, Refusal> => {
  const loaded: Array<LoadedFile> = []
  const ignoredGlobs: Array<Loaded["ignoredGlobs"][number]> = []
  const seen = new Set<HostPath.HostPath>()
  const queue: Array<{ readonly path: HostPath.HostPath; readonly from: HostPath.HostPath }> = [
    { path: root, from: root },
  ]
  for (const { from, path } of queue) {
    if (seen.has(path)) continue
    seen.add(path)
    const content = files.get(path)
    // Fatal for the daemon on every line, although `config dump` of 2.x goes on without the file (measured).
    if (content === undefined) return refuse(from, `it imports ${path}, which does not exist`)
    const table = typeof content === "string" ? parsed(path, content) : Result.succeed(content)
    if (Result.isFailure(table)) return Result.fail(table.failure)
    const wrong = wrongKey(table.success, topLevel(generation))
    if (wrong !== undefined) return refuse(path, `${wrong.path.join(".")} is not ${wrong.expected}`)
    loaded.push({ path, table: table.success })
    for (const entry of Toml.stringsAt(table.success, "imports")) {
      const isAbsolute = entry.startsWith("/")
      const target = isAbsolute ? HostPath.make(entry) : HostPath.join(HostPath.parent(path), entry)
      if (!entry.includes("*")) {
        queue.push({ path: target, from: path })
        continue
      }
      if (!isWellFormed(target))
        return refuse(path, `its import ${JSON.stringify(entry)} is no valid pattern`)
      if (!isAbsolute && generation.ignoresRelativeGlobs) {
        ignoredGlobs.push({ file: path, glob: entry })
        continue
      }
      queue.push(...matching(target, files).map((match) => ({ path: match, from: path })))
    }
  }
  return Result.succeed({ files: loaded, ignoredGlobs })
}

const parsed = (path: HostPath.HostPath, text: string): Result.Result<Toml.Table, Refusal> =>
  Result.mapError(Toml.parse(text), ({ detail, line }) => ({
    file: path,
    why: `it is not valid TOML: ${detail}`,
    ...(line === undefined ? {} : { line }),
  }))

/** Go refuses a pattern whose `[` is never closed, whether or not anything is there to match. */
const isWellFormed = (pattern: string): boolean =>
  pattern.split("/").every((part) => /^(?:[^[]|\[\^?[^\]]+\])*$/.test(part))

/** Paths that a glob takes, hidden files too, in the order of Go's `filepath.Glob`: by name, directory by directory. */
const matching = (pattern: HostPath.HostPath, files: Files): ReadonlyArray<HostPath.HostPath> => {
  const patterns = pattern.split("/")
  return [...files.keys()]
    .filter((path) => {
      const parts = path.split("/")
      return parts.length === patterns.length && parts.every((part, at) => globMatches(patterns[at]!, part))
    })
    .map((path) => ({ path, key: path.replaceAll("/", "\u0000") }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ path }) => path)
}
