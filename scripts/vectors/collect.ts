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
      if (file === "rules") continue
      for (const [section, cases] of Object.entries(sections)) {
        merged[file] = { ...merged[file], [section]: { ...cases, ...merged[file]?.[section] } }
      }
    }
  }
  return merged
}

/** The rules by which we differ from upstream whatever the case, from `deviations.json`. */
const rules = (directory: string): Readonly<Record<string, string>> => {
  const path = join(directory, "deviations.json")
  if (!existsSync(path)) return {}
  const read = JSON.parse(readFileSync(path, "utf8")) as { readonly rules?: Readonly<Record<string, string>> }
  return read.rules ?? {}
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

const verdict = async (section: Vectors.Section, vector: Vectors.Case): Promise<Vectors.Verdict> => {
  try {
    return await section(vector)
  } catch (error) {
    return Result.fail(
      `the runner broke: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    )
  }
}

interface Known {
  readonly quirks: Registry
  readonly deviations: Registry
  /** Why a rule of ours differs from upstream, by its name. */
  readonly rules: Readonly<Record<string, string>>
}

/** What we answer a case with: upstream's expectation, or ours where one is written down. */
interface Asked {
  readonly vector: Vectors.Case
  readonly kind: "as-upstream" | "quirk" | "deviation"
  readonly because: string
}

const askedOf = (
  file: { readonly name: string; readonly content: Entry },
  section: string,
  name: string,
  entry: unknown,
  known: Known,
): Asked | undefined => {
  const isSingle = isRecord(entry)
  const input = isSingle && Object.hasOwn(entry, "input") ? entry["input"] : entry
  const vector = { name, input, expected: isSingle ? entry["expected"] : undefined, file: file.content }
  if (isQuirk(entry)) {
    const quirk = known.quirks[file.name]?.[section]?.[name]
    return quirk === undefined
      ? undefined
      : { vector: { ...vector, expected: quirk.expected }, kind: "quirk", because: quirk.because }
  }
  const deviation = known.deviations[file.name]?.[section]?.[name]
  return deviation === undefined
    ? { vector, kind: "as-upstream", because: "" }
    : { vector: { ...vector, expected: deviation.expected }, kind: "deviation", because: deviation.because }
}

/** A case that was asked, in the words of the outcome. */
const judge = (
  asked: Asked,
  answer: Vectors.Verdict,
  rules: Known["rules"],
): Pick<Outcome, "kind" | "detail"> => {
  if (Result.isFailure(answer)) return { kind: "failed", detail: answer.failure }
  const unexplained = answer.success.filter((rule) => rules[rule] === undefined)
  if (unexplained.length > 0) {
    return { kind: "failed", detail: `deviations.json has no rule ${unexplained.join(", ")}` }
  }
  const reasons = [
    ...(asked.kind === "deviation" ? [asked.because] : []),
    ...answer.success.map((rule) => `${rule}: ${rules[rule]}`),
  ]
  return reasons.length === 0
    ? { kind: "passed", detail: "" }
    : { kind: "deviation", detail: reasons.join("\n") }
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
      const told = (kind: Outcome["kind"], detail: string) => outcomes.push({ section, name, kind, detail })
      const asked = askedOf({ name: file, content }, section, name, entry, known)
      if (answer === undefined) told("not-run", "")
      else if (asked === undefined) told("quirk", isRecord(entry) ? String(entry["recommended"] ?? "") : "")
      else {
        const { detail, kind } = judge(asked, await verdict(answer, asked.vector), known.rules)
        told(kind, detail)
      }
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
    rules: rules(ours),
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
