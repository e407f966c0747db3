/**
 * Answers: what is a TOML text of somebody else without some of its tables? Their lines are cut, and every byte of the
 * rest stays, also the comments and blank lines between two tables.
 * Source: decisions §3, §4; facts toml-safety §2.
 */
import { Equal, Result } from "effect"
import * as RootSection from "./RootSection.ts"
import * as Splice from "./Splice.ts"
import * as Toml from "./Toml.ts"
import * as TomlEdit from "./TomlEdit.ts"

/** Whole lines, and the keys from the root to what they set. */
interface Lines {
  readonly path: TomlEdit.Path
  readonly start: number
  /** Offset behind the last statement; remarks behind it are the next table's. */
  readonly end: number
}

/** A table header with the statements below it; the root section has an empty path. */
interface Section extends Lines {
  readonly statements: ReadonlyArray<Lines>
}

/**
 * The keys of a header or statement. One that is written with escapes is not resolved, and so is not found: then the
 * meaning of the cut text tells.
 */
const keysOf = (written: string): TomlEdit.Path =>
  (written.match(/"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+/g) ?? []).map((key) => key.replace(/^(["'])(.*)\1$/, "$2"))

const statementsOf = (
  statements: ReadonlyArray<RootSection.Statement>,
  table: TomlEdit.Path,
): ReadonlyArray<Lines> =>
  statements.map(({ end, key, start }) => ({ path: [...table, ...keysOf(key)], start, end }))

/** Upstream's editor, toml_edit, puts one empty line in front of every table that it makes; it goes with the table. */
const withEmptyLine = (text: string, header: number): number => {
  const empty = ["\r\n", "\n"].find((newline) => text.endsWith(`\n${newline}`, header))
  return header - (empty?.length ?? 0)
}

const sectionsOf = (text: string): ReadonlyArray<Section> => {
  const root = RootSection.scan(text)
  const sections: Array<Section> = [
    { path: [], start: root.start, end: root.end, statements: statementsOf(root.statements, []) },
  ]
  let header = root.end
  while (header < text.length) {
    const open = text.indexOf("[", header)
    const close = RootSection.headerEnd(text, open)
    const path = keysOf(text.slice(open, close))
    const body = RootSection.lineEnd(text, close)
    const below = RootSection.statementsFrom(text, body)
    sections.push({
      path,
      start: withEmptyLine(text, header),
      end: below.statements.at(-1)?.end ?? body,
      statements: statementsOf(below.statements, path),
    })
    header = below.end
  }
  return sections
}

/** The text without the lines that set something at or below one of the paths. */
const withoutLines = (text: string, paths: ReadonlyArray<TomlEdit.Path>): string => {
  const isCut = (lines: Lines): boolean =>
    paths.some((path) => path.every((key, depth) => lines.path[depth] === key))
  const cut = sectionsOf(text).flatMap((section) =>
    isCut(section) ? [section] : section.statements.filter(isCut),
  )
  return Splice.apply(
    text,
    cut.map(({ end, start }) => ({ from: start, to: end, insert: "" })),
  )
}

/**
 * `text` without what is at `paths`, and with the meaning of everything else. Where cutting lines does not give that
 * meaning, as inside of inline tables, the library rewrites the text as little as it can. `undefined` where that does
 * not give it either, or the text is no TOML.
 */
export const without = (text: string, paths: ReadonlyArray<TomlEdit.Path>): string | undefined =>
  Result.match(Toml.parse(text), {
    onFailure: () => undefined,
    onSuccess: (before) => {
      const meaning = paths.reduce(TomlEdit.withoutKey, before)
      const cut = withoutLines(text, paths)
      const says = Toml.parse(cut)
      if (Result.isSuccess(says) && Equal.equals(says.success, meaning)) return cut
      const rewritten = TomlEdit.rewrite(text, meaning)
      return Result.isSuccess(rewritten) && Equal.equals(rewritten.success.table, meaning)
        ? rewritten.success.text
        : undefined
    },
  })
