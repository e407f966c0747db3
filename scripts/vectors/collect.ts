/** Runs every case of a directory of vectors through the runners that the packages have for them. */
import { globSync, readFileSync, readdirSync, existsSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { Result } from "effect"
import type { Vectors } from "@kata-deploy/core/testing"
import type { FileOutcome, Outcome } from "./Outcome.ts"

type Entry = Readonly<Record<string, unknown>>

/** By file, section and name: what we answer instead, and why. */
type Registry = Readonly<Record<string, Record<string, Record<string, Ours>>>>

interface Ours {
  readonly because: string
  readonly expected: unknown
}

const isRecord = (value: unknown): value is Entry =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Files beside the vectors that say what we do instead. */
const registries = ["quirks", "deviations"] as const

const registry = (directories: ReadonlyArray<string>, name: (typeof registries)[number]): Registry => {
  // What a directory says about its own cases goes before what we know of ours.
  const merged: Record<string, Record<string, Record<string, Ours>>> = {}
  for (const directory of directories) {
    const path = join(directory, `${name}.json`)
    if (!existsSync(path)) continue
    const read = JSON.parse(readFileSync(path, "utf8")) as Registry
    for (const [file, sections] of Object.entries(read)) {
      for (const [section, cases] of Object.entries(sections)) {
        merged[file] = { ...merged[file], [section]: { ...cases, ...merged[file]?.[section] } }
      }
    }
  }
  return merged
}

/** The runners of all packages by vector file. */
const runners = async (root: string): Promise<ReadonlyMap<string, ReadonlyArray<Vectors.Runner>>> => {
  const found: Array<Vectors.Runner> = []
  for (const path of globSync("packages/*/test/vectors/*.ts", { cwd: root }).sort()) {
    const module: unknown = await import(pathToFileURL(join(root, path)).href)
    if (isRecord(module) && isRecord(module["runner"]))
      found.push(module["runner"] as unknown as Vectors.Runner)
  }
  return Map.groupBy(found, (runner) => runner.file)
}

/** The cases of a section: the members of an array, or the one value that it is. */
const entries = (section: string, value: unknown): ReadonlyArray<readonly [string, unknown]> =>
  Array.isArray(value)
    ? value.map((entry: unknown, at) => [
        isRecord(entry) && typeof entry["name"] === "string" ? entry["name"] : `#${at + 1}`,
        entry,
      ])
    : [[section, value]]

const isQuirk = (entry: unknown): boolean =>
  isRecord(entry) && entry["upstreamQuirk"] === true && !Object.hasOwn(entry, "upstream")

const verdict = async (section: Vectors.Section, vector: Vectors.Case): Promise<string | undefined> => {
  try {
    const result = await section(vector)
    return Result.isFailure(result) ? result.failure : undefined
  } catch (error) {
    return `the runner broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`
  }
}

interface Known {
  readonly quirks: Registry
  readonly deviations: Registry
}

const runFile = async (
  file: string,
  content: Entry,
  found: ReadonlyArray<Vectors.Runner>,
  known: Known,
): Promise<FileOutcome> => {
  const outcomes: Array<Outcome> = []
  const shared = new Set(["about", ...found.flatMap((runner) => runner.shared ?? [])])
  for (const [section, value] of Object.entries(content)) {
    if (shared.has(section)) continue
    const answer = found.find((runner) => Object.hasOwn(runner.sections, section))?.sections[section]
    for (const [name, entry] of entries(section, value)) {
      const quirk = known.quirks[file]?.[section]?.[name]
      const deviation = known.deviations[file]?.[section]?.[name]
      const input = isRecord(entry) && Object.hasOwn(entry, "input") ? entry["input"] : entry
      const told = (kind: Outcome["kind"], detail = "") => outcomes.push({ section, name, kind, detail })
      if (answer === undefined) {
        told("not-run")
        continue
      }
      if (isQuirk(entry) && quirk === undefined) {
        told("quirk", isRecord(entry) ? String(entry["recommended"] ?? "") : "")
        continue
      }
      const theirs = isRecord(entry) ? entry["expected"] : undefined
      const ours = isQuirk(entry) ? quirk : deviation
      const expected = ours === undefined ? theirs : ours.expected
      const complaint = await verdict(answer, { name, input, expected, file: content })
      if (complaint !== undefined) told("failed", complaint)
      else if (!isQuirk(entry) && deviation !== undefined) told("deviation", deviation.because)
      else told("passed")
    }
  }
  return { file, outcomes }
}

/** Runs every case of `directory`; what we answer where upstream is not followed comes from `ours`, too. */
export const collect = async (
  root: string,
  directory: string,
  ours: string,
): Promise<ReadonlyArray<FileOutcome>> => {
  const all = await runners(root)
  const known = {
    quirks: registry([directory, ours], "quirks"),
    deviations: registry([directory, ours], "deviations"),
  }
  const files: Array<FileOutcome> = []
  for (const name of readdirSync(directory).sort()) {
    const file = name.replace(/\.json$/, "")
    if (!name.endsWith(".json") || registries.some((other) => other === file)) continue
    const broken = (detail: string): FileOutcome => ({
      file,
      outcomes: [{ section: "file", name, kind: "failed", detail }],
    })
    try {
      const content: unknown = JSON.parse(readFileSync(join(directory, name), "utf8"))
      files.push(
        isRecord(content)
          ? await runFile(file, content, all.get(file) ?? [], known)
          : broken("it is no JSON object"),
      )
    } catch (error) {
      files.push(broken(`it is no JSON: ${error instanceof Error ? error.message : String(error)}`))
    }
  }
  return files
}
