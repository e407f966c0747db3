/** What people and programs read of `artifacts list`, `verify` and `pack`. */
import { ArchiveEntry } from "@kata-deploy/core"
import type { ComponentArchives } from "@kata-deploy/filesystem"
import { bytes, count } from "../render/Prose.ts"

/** Result of `artifacts list`. */
export interface Archives {
  readonly directory: string
  readonly archives: ReadonlyArray<ComponentArchives.ArchiveSummary>
}

/** Result of `artifacts list COMPONENT`. */
export interface Entries {
  readonly component: string
  readonly entries: ReadonlyArray<ComponentArchives.ListedEntry>
}

/** A document with the head that all of ours have. */
export const document = (kind: string, content: object): string =>
  `${JSON.stringify({ schemaVersion: 1, kind, ...content }, null, 2)}\n`

const columns = (rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]!.length)))
  return rows
    .map(
      (row) =>
        `${row
          .map((cell, at) => cell.padEnd(widths[at]!))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("")
}

/** The table of archives. */
export const list = ({ archives, directory }: Archives): string =>
  archives.length === 0
    ? `There is no component archive in ${directory}/tarballs.\n`
    : columns([
        ["COMPONENT", "ARCHIVE", "UNPACKED", "PARTS"],
        ...archives.map((archive) => [
          ArchiveEntry.shown(archive.component),
          bytes(archive.bytes),
          archive.unpackedBytes === null ? "not told" : bytes(archive.unpackedBytes),
          String(archive.parts),
        ]),
      ]) + archives.flatMap(({ archive, problem }) => badLine(archive, problem)).join("")

/** Whether every archive could be looked into. */
export const isWhole = ({ archives }: Archives): boolean => archives.every(({ problem }) => problem === null)

const badLine = (path: string, problem: string | null): ReadonlyArray<string> =>
  problem === null ? [] : [`BAD  ${ArchiveEntry.shown(`${path}: ${problem}`)}\n`]

/** The table of entries. */
export const entries = ({ entries: all }: Entries): string =>
  columns(
    all.map(({ mode, name, size, target, type }) => [
      type,
      mode.toString(8).padStart(4, "0"),
      String(size),
      ArchiveEntry.shown(target === "" ? name : `${name} -> ${target}`),
    ]),
  )

const trusts: Readonly<Record<ComponentArchives.Verification["trust"], string>> = {
  signed: "Every archive is held against checksums.sha256, whose signature fits the public key.",
  listed: "Every archive is held against checksums.sha256, whose signature was not asked for.",
  none: "There is no checksums.sha256: archives were only read through.",
}

const verdicts = ({ archives, files }: ComponentArchives.Verification) => [
  ...archives.map(({ archive, problem, sha256 }) => ({ path: archive, problem, sha256 })),
  ...files,
]

/** Whether every archive is sound, and whatever else the checksums list. Where nothing was checked nothing is known. */
export const isSound = (found: ComponentArchives.Verification): boolean =>
  found.archives.length > 0 && verdicts(found).every(({ problem }) => problem === null)

const sum = ({ archives, files }: ComponentArchives.Verification, bad: number): string => {
  if (archives.length === 0) return "There is no component archive, so nothing is known to be sound."
  const others = files.length === 0 ? "" : ` and ${count(files.length, "other file")}`
  const all = `${count(archives.length, "archive")}${others}`
  return bad === 0 ? `${all}, all sound.` : `${bad} of ${all} must not be used.`
}

/** What was found. */
export const verification = (found: ComponentArchives.Verification): string => {
  const all = verdicts(found)
  const lines = all.flatMap(({ path, problem, sha256 }) =>
    problem === null ? [`ok   ${ArchiveEntry.shown(path)}  ${sha256 ?? ""}\n`] : badLine(path, problem),
  )
  const bad = all.filter(({ problem }) => problem !== null).length
  return `${lines.join("")}${trusts[found.trust]}\n${sum(found, bad)}\n`
}

/** What was packed. */
export const packed = (archive: string, result: ComponentArchives.Packed): string =>
  `${archive}: ${count(result.entries, "entry", "entries")}, ${bytes(result.fileBytes)} in ${bytes(result.bytes)}, ${count(result.parts, "part")}\n${result.sha256}\n`
