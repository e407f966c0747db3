/**
 * Answers: how does the supervisor write its few log lines? In the form of the children's own log (`run/Logging.ts`),
 * without loading what they need for it.
 */
import { fs } from "./Builtins.ts"
import { flagText } from "./CommandLine.ts"

/** How bad it is. */
export type Level = "error" | "warn" | "info"

/** Writes one line. */
export type Log = (level: Level, text: string) => void

const ranks: Readonly<Record<string, number>> = { error: 0, warn: 1, info: 2, debug: 3, trace: 4 }

/** The line of a record. */
export const format = (form: "text" | "json", level: Level, text: string, at: Date): string =>
  form === "json"
    ? `${JSON.stringify({ time: at.toISOString(), level, message: text })}\n`
    : `${at.toISOString().slice(11, 19)} ${level.toUpperCase().padEnd(5)} ${text}\n`

/** Whether a person may be looking at standard error. */
const isTerminal = (): boolean => {
  try {
    return fs.fstatSync(2).isCharacterDevice() && fs.fstatSync(2).rdev !== fs.statSync("/dev/null").rdev
  } catch {
    return false
  }
}

/** The log of this process: standard error, as the command line has it. */
export const ofProcess = (argv: ReadonlyArray<string>): Log => {
  const asked = flagText(argv, "log-format")
  const form = asked === "text" || asked === "json" ? asked : isTerminal() ? "text" : "json"
  const most = ranks[flagText(argv, "log-level")?.toLowerCase() ?? ""] ?? 2
  return (level, text) => {
    if (ranks[level]! > most) return
    try {
      fs.writeSync(2, format(form, level, text, new Date()))
    } catch {
      // Nobody reads the log any more; what is to be done stays to be done.
    }
  }
}
