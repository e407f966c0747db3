/**
 * Answers: what is shown, where and how? Decoded before everything else, because problems are shown by it too.
 */
import { SettingsGrammar } from "@kata-deploy/core"
import { type LogLevel, Result } from "effect"
import type { Surroundings } from "../Surroundings.ts"
import type { Arguments } from "./Arguments.ts"

/** How results, logs and progress are shown. */
export interface Display {
  readonly output: "text" | "json"
  readonly logLevel: LogLevel.LogLevel
  readonly logFormat: "text" | "json"
  /** `bar` is one line that is rewritten, `plain` a line every few seconds, `log` a record in the log as often. */
  readonly progress: "bar" | "plain" | "log" | "none"
  /** Whether standard output and standard error take colours. */
  readonly color: { readonly stdout: boolean; readonly stderr: boolean }
  /** Width of each in columns. */
  readonly columns: { readonly stdout: number; readonly stderr: number }
}

const levels: Readonly<Record<string, LogLevel.LogLevel>> = {
  error: "Error",
  warn: "Warn",
  info: "Info",
  debug: "Debug",
  trace: "Trace",
}

const isOn = (text: string | undefined): boolean =>
  Result.getOrElse(SettingsGrammar.boolean(text ?? ""), () => false)

/** A terminal gets a bar if it can show one; what is no terminal is a log, such as that of a pod. */
const usual = ({ env, stderr }: Surroundings): Display["progress"] =>
  !stderr.isTerminal ? "log" : env["TERM"] === "dumb" ? "none" : "bar"

/** Whether the log is all that somebody sees while the program runs. */
export const isLogRead = ({ logFormat, progress }: Display): boolean =>
  logFormat === "json" && (progress === "log" || progress === "none")

/** Decodes the flags about output; wrong values were reported before and fall back here. */
export const decode = (given: Arguments["given"], surroundings: Surroundings): Display => {
  const { env, stderr, stdout } = surroundings
  const plain = given.get("no-color") === "true" || (env["NO_COLOR"] ?? "") !== "" || env["TERM"] === "dumb"
  const json = (name: string, otherwise: "text" | "json") =>
    (given.get(name) as "text" | "json" | undefined) ?? otherwise
  const progress = given.get("progress") ?? "auto"
  return {
    output: json("output", "text"),
    logLevel:
      levels[given.get("log-level") ?? ""] ?? (isOn(given.get("debug") ?? env["DEBUG"]) ? "Debug" : "Info"),
    logFormat: json("log-format", stderr.isTerminal ? "text" : "json"),
    progress: progress === "auto" ? usual(surroundings) : progress === "plain" ? "plain" : "none",
    color: { stdout: stdout.isTerminal && !plain, stderr: stderr.isTerminal && !plain },
    columns: { stdout: stdout.columns, stderr: stderr.columns },
  }
}
