/**
 * Answers: what in a runtime's log says why it did not come up? Daemons write much; people want the line that names
 * the file, and the words that follow. Source: decisions §11; facts measured on containerd 1.6, 1.7 and 2.1.
 */

/** Lines that are worth showing. */
export const most = 3

const grave = /level=(?:fatal|error)|\b(?:panic|fatal):|^containerd: |failed to load|cannot decode|unmarshal/i

/** The text of a `key="…"` or `key=…` field in a line of logfmt. */
const field = (line: string, key: string): string | undefined => {
  const match = new RegExp(`\\b${key}=(?:"((?:[^"\\\\]|\\\\.)*)"|(\\S+))`).exec(line)
  const text = match?.[1] ?? match?.[2]
  return text?.replace(/\\(["\\])/g, "$1")
}

/** A log line in a reader's words: message, error and file of logfmt, or the line as it is. */
const readable = (line: string): string => {
  const parts = [field(line, "msg"), field(line, "error"), field(line, "path")]
  const told = parts.filter((part) => part !== undefined)
  return told.length === 0 ? line.trim() : told.join(": ")
}

/** The last lines that say why, oldest first, each once; empty when none does. */
export const reasons = (lines: ReadonlyArray<string>): ReadonlyArray<string> =>
  [...new Set(lines.filter((line) => grave.test(line)).map(readable))].slice(-most)
