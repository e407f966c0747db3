/**
 * Answers: what in a runtime's log says why it did not come up? Daemons write much; people want the line that names
 * the file, and the words that follow. Source: decisions §11; facts measured on containerd 1.6, 1.7 and 2.1.
 */

/** Lines that are worth showing. */
export const most = 3

const grave = /level=(?:fatal|error)|\b(?:panic|fatal):|^containerd: |failed to load|cannot decode|unmarshal/i

/** What containerd complains of at every start, on nodes where all is well too. */
const usual = /devmapper not configured|cni plugin not initialized|no OpenTelemetry endpoint/

/** The text of a `key="…"` or `key=…` field in a line of logfmt. */
const field = (line: string, key: string): string | undefined => {
  const match = new RegExp(`\\b${key}=(?:"((?:[^"\\\\]|\\\\.)*)"|(\\S+))`).exec(line)
  const text = match?.[1] ?? match?.[2]
  return text?.replace(/\\(["\\])/g, "$1")
}

/** The place in a file that a line of logfmt names; containerd 2.x says `file`, `row` and `column`. */
const placeOf = (line: string): string | undefined => {
  const file = field(line, "file") ?? field(line, "path")
  const [row, column] = [field(line, "row"), field(line, "column")]
  return file === undefined || row === undefined ? file : `${file} (row ${row}, column ${column})`
}

/** A log line in a reader's words: message, error and place of logfmt, or the line as it is. */
const readable = (line: string): string => {
  const parts = [field(line, "msg"), field(line, "error"), placeOf(line)]
  const told = parts.filter((part) => part !== undefined)
  return told.length === 0 ? line.trim() : told.join(": ")
}

/** The last lines that say why, oldest first, each once; empty when none does. */
export const reasons = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(lines.filter((line) => grave.test(line) && !usual.test(line)).map(readable))].slice(-most)
