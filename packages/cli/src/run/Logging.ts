/**
 * Answers: how is the log written? One line for each record on standard error, as text or JSON, secrets masked.
 */
import { Masking } from "@kata-deploy/core"
import { Layer, Logger, Predicate, References } from "effect"
import type { Display } from "../command/Display.ts"
import type { StatusLine } from "../render/StatusLine.ts"

const textOf = (message: unknown): string =>
  (Array.isArray(message) ? message : [message])
    .map((part) => (Predicate.isString(part) ? part : JSON.stringify(part)))
    .join(" ")

/** The layer of a logger that writes to the status line's terminal. */
export const layer = (display: Display, line: StatusLine): Layer.Layer<never> => {
  const showsCauses = display.logLevel === "Debug" || display.logLevel === "Trace"
  const logger = Logger.map(Logger.formatStructured, ({ annotations, cause, level, message, timestamp }) => {
    const details = cause !== undefined && showsCauses ? Masking.maskSecrets(cause) : undefined
    const text = Masking.maskSecrets(textOf(message))
    // Masking the record as a whole could break its quotes.
    const about = Object.entries(annotations).map(([key, value]) => [key, Masking.maskTexts(value)] as const)
    const record =
      display.logFormat === "json"
        ? JSON.stringify({
            time: timestamp,
            level: level.toLowerCase(),
            message: text,
            ...Object.fromEntries(about),
            ...(details === undefined ? {} : { cause: details }),
          })
        : [
            timestamp.slice(11, 19),
            level.padEnd(5),
            text,
            ...about.map(([key, value]) => `${key}=${textOf(value)}`),
            ...(details === undefined ? [] : [`\n${details}`]),
          ].join(" ")
    line.print(`${record}\n`)
  })
  return Layer.mergeAll(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, display.logLevel))
}
