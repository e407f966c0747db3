/** What people and programs read of `artifacts list`, `verify` and `pack`. */
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
          archive.component,
          bytes(archive.bytes),
          archive.unpackedBytes === null ? "not told" : bytes(archive.unpackedBytes),
          String(archive.parts),
        ]),
      ])

/** The table of entries. */
export const entries = ({ entries: all }: Entries): string =>
  columns(
    all.map(({ mode, name, size, target, type }) => [
      type,
      mode.toString(8).padStart(4, "0"),
      String(size),
      target === "" ? name : `${name} -> ${target}`,
    ]),
  )

const trusts: Readonly<Record<ComponentArchives.Verification["trust"], string>> = {
  signed: "Every archive is held against checksums.sha256, whose signature fits the public key.",
  listed: "Every archive is held against checksums.sha256, whose signature was not asked for.",
  none: "There is no checksums.sha256: archives were only read through.",
}

/** Whether every archive is sound. */
export const isSound = ({ archives }: ComponentArchives.Verification): boolean =>
  archives.every(({ problem }) => problem === null)

/** What was found. */
export const verification = (found: ComponentArchives.Verification): string => {
  const bad = found.archives.filter(({ problem }) => problem !== null)
  const lines = found.archives.map(({ archive, problem, sha256 }) =>
    problem === null ? `ok   ${archive}  ${sha256 ?? ""}` : `BAD  ${archive}: ${problem}`,
  )
  const sum =
    bad.length === 0
      ? `${count(found.archives.length, "archive")}, all sound.`
      : `${bad.length} of ${count(found.archives.length, "archive")} must not be used.`
  return `${[...lines, trusts[found.trust], sum].join("\n")}\n`
}

/** What was packed. */
export const packed = (archive: string, result: ComponentArchives.Packed): string =>
  `${archive}: ${count(result.entries, "entry", "entries")}, ${bytes(result.fileBytes)} in ${bytes(result.bytes)}, ${count(result.parts, "part")}\n${result.sha256}\n`
