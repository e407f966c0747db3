/**
 * Answers: how is the show written so that it looks right on a narrow terminal, on a wide one and in a file? Knows
 * headings, paragraphs, command lines and verdicts; nothing of what they are about.
 */
import type { Style } from "../render/Paint.ts"
import { commandLines, widest, wrap } from "../render/Prose.ts"

/** Where the show is written to, and how it is laid out there. */
export interface Page extends Style {
  /** Takes text as it is. */
  readonly write: (text: string) => void
}

const widthOf = (page: Page): number => Math.min(page.columns, widest)

/** A line in bold. */
export const title = (page: Page, text: string): void => page.write(`${page.paint("bold", text)}\n`)

/** A heading with a rule, after an empty line. */
export const heading = (page: Page, text: string): void => {
  const rule = "─".repeat(Math.max(3, widthOf(page) - text.length - 4))
  page.write(`\n${page.paint("bold", `── ${text} ${rule}`)}\n`)
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
    page.write(`  ${page.paint("dim", name.padEnd(width))}  ${first}\n`)
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
  const mark = verdict === "held" ? page.paint("green", "✓") : page.paint("red", "✗")
  const [first = "", ...rest] = wrap(claim, widthOf(page) - 4)
  page.write(`  ${mark} ${first}\n`)
  for (const line of rest) page.write(`    ${line}\n`)
  page.write(`    ${page.paint("dim", measured)}\n`)
  for (const line of against.slice(0, enough)) page.write(`    ${page.paint("red", line)}\n`)
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
  for (const line of commandLines("$", "    ", units(words, action), widthOf(page)))
    page.write(`${page.paint("bold", line)}\n`)
}

/** Milliseconds as people read them: `0.8 s`. */
export const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`
