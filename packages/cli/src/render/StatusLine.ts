/**
 * Answers: how do a line that is rewritten in place and lines that stay share one terminal? The rewritten line is
 * taken away before anything else is written, and comes back afterwards.
 */
import type { Output } from "../Surroundings.ts"

/** Standard error with a line at its end that may change. */
export interface StatusLine {
  /** Writes lines that stay. */
  readonly print: (text: string) => void
  /** Shows this line at the end; the empty text takes it away. */
  readonly show: (text: string) => void
}

const eraseLine = "\r\u001b[2K"

/** Cuts a line so that it never wraps: a wrapped line could not be taken away. */
const cut = (text: string, columns: number): string =>
  text.length < columns ? text : `${text.slice(0, Math.max(1, columns - 2))}…`

/** The status line of a terminal. */
export const make = (output: Output): StatusLine => {
  let shown = ""
  return {
    print: (text) => {
      if (shown === "") output.write(text)
      else output.write(`${eraseLine}${text}${cut(shown, output.columns)}`)
    },
    show: (text) => {
      if (text === shown) return
      output.write(`${shown === "" ? "" : eraseLine}${cut(text, output.columns)}`)
      shown = text
    },
  }
}
