/**
 * Answers: how is the show written so that it looks right on a narrow terminal, on a wide one and in a file? Knows
 * headings, paragraphs, command lines and verdicts; nothing of what they are about.
 */
import { widest, wrap } from "../render/Prose.ts"

/** Where the show is written to. */
export interface Page {
  /** Takes text as it is. */
  readonly write: (text: string) => void
  /** Width of the terminal, or a fixed one where there is none. */
  readonly columns: number
  /** `coloured` only on a terminal that did not ask otherwise. */
  readonly style: "coloured" | "plain"
}

/** What a page needs to know of an output stream. */
export interface PageStream {
  /** Takes text as it is. */
  readonly write: (text: string) => void
  /** Whether a person may be looking. */
  readonly isTerminal: boolean
  /** Width in columns. */
  readonly columns: number
}

/** The page of a stream. `environment` is asked for `NO_COLOR` and a `TERM` that knows no colours. */
export const pageOf = (
  stream: PageStream,
  environment: Readonly<Record<string, string | undefined>>,
): Page => {
  const refused = (environment["NO_COLOR"] ?? "") !== "" || environment["TERM"] === "dumb"
  return {
    write: stream.write,
    columns: Math.max(40, stream.columns),
    style: stream.isTerminal && !refused ? "coloured" : "plain",
  }
}

type Tone = "strong" | "faint" | "good" | "bad"

const codes: Readonly<Record<Tone, number>> = { strong: 1, faint: 2, good: 32, bad: 31 }

const tone = (page: Page, text: string, as: Tone): string =>
  page.style === "coloured" ? `\u001b[${codes[as]}m${text}\u001b[0m` : text

const widthOf = (page: Page): number => Math.min(page.columns, widest)

/** A line in bold. */
export const title = (page: Page, text: string): void => page.write(`${tone(page, text, "strong")}\n`)

/** A heading with a rule, after an empty line. */
export const heading = (page: Page, text: string): void => {
  const rule = "─".repeat(Math.max(3, widthOf(page) - text.length - 4))
  page.write(`\n${tone(page, `── ${text} ${rule}`, "strong")}\n`)
}

/** A paragraph. */
export const paragraph = (page: Page, text: string): void => {
  for (const line of wrap(text, widthOf(page))) page.write(`${line}\n`)
}

/** An empty line. */
export const gap = (page: Page): void => page.write("\n")

/** Rows of a name and a value, values aligned. */
export const facts = (page: Page, rows: ReadonlyArray<readonly [name: string, value: string]>): void => {
  const width = Math.max(...rows.map(([name]) => name.length))
  for (const [name, value] of rows) {
    const [first = "", ...rest] = wrap(value, Math.max(20, widthOf(page) - width - 4))
    page.write(`  ${tone(page, name.padEnd(width), "faint")}  ${first}\n`)
    for (const line of rest) page.write(`${" ".repeat(width + 4)}${line}\n`)
  }
}

/** What became of a claim. */
export interface Verdict {
  /** The claim, one sentence. */
  readonly claim: string
  /** What was measured, in a few words. */
  readonly measured: string
  /** Whether it turned out to be true. */
  readonly verdict: "held" | "failed"
  /** What speaks against it, line by line. */
  readonly against: ReadonlyArray<string>
}

/** No more lines than this speak against a claim; whoever looks for a mistake keeps the tree. */
const enough = 20

/** A claim with its verdict and what was measured, and what speaks against it below. */
export const verdict = (page: Page, { against, claim, measured, verdict }: Verdict): void => {
  const mark = verdict === "held" ? tone(page, "✓", "good") : tone(page, "✗", "bad")
  const [first = "", ...rest] = wrap(claim, widthOf(page) - 4)
  page.write(`  ${mark} ${first}\n`)
  for (const line of rest) page.write(`    ${line}\n`)
  page.write(`    ${tone(page, measured, "faint")}\n`)
  for (const line of against.slice(0, enough)) page.write(`    ${tone(page, line, "bad")}\n`)
  if (against.length > enough) page.write(`    and ${against.length - enough} more\n`)
}

/** How a shell wants one word of a command line. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./…-]+$/.test(word) ? word : `"${word.replace(/[\\"$`]/g, "\\$&")}"`

/** Words that no line break may part: a flag and its value, and the action with its own words. */
const units = (words: ReadonlyArray<string>, action: ReadonlyArray<string>): ReadonlyArray<string> => {
  const found: Array<string> = []
  for (const word of words) {
    const last = found.at(-1)
    if (last !== undefined && /^--[\w-]+$/.test(last) && !word.startsWith("-")) {
      found[found.length - 1] = `${last} ${quoted(word)}`
    } else {
      found.push(quoted(word))
    }
  }
  return [...found, action.map(quoted).join(" ")]
}

/**
 * A command line as a user would type it, broken with backslashes where the terminal ends. `words` are the program
 * and its flags, `action` is what comes behind them.
 */
export const command = (page: Page, words: ReadonlyArray<string>, action: ReadonlyArray<string>): void => {
  const lines: Array<string> = []
  let line = "$"
  for (const unit of units(words, action)) {
    // Two columns are kept for the blank and the backslash.
    if (line !== "$" && line.length + 1 + unit.length > widthOf(page) - 2) {
      lines.push(`${line} \\`)
      line = `    ${unit}`
    } else {
      line = `${line} ${unit}`
    }
  }
  for (const part of [...lines, line]) page.write(`${tone(page, part, "strong")}\n`)
}

/** Bytes as people read them: `812 B`, `32.4 MB`. */
export const bytes = (count: number): string => {
  if (count < 1000) return `${count} B`
  if (count < 1_000_000) return `${(count / 1000).toFixed(1)} kB`
  return `${(count / 1_000_000).toFixed(1)} MB`
}

/** Milliseconds as people read them: `0.8 s`. */
export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`
