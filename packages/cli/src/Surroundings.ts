/**
 * Answers: what does the program see of the process it runs in? Everything that tests want to give it is in here,
 * so that no test needs a child process.
 */
import process from "node:process"
import { Architecture } from "@kata-deploy/core"
import type { StopSignal } from "./supervisor/Life.ts"

/** One of the two streams that people and programs read. */
export interface Output {
  /** Writes text; a reader that has gone away is no failure. */
  readonly write: (text: string) => void
  /** Whether a person may be looking. */
  readonly isTerminal: boolean
  /** Width in columns; 80 where there is no terminal, or one that does not know its size. */
  readonly columns: number
}

/** What the program sees of its process. */
export interface Surroundings {
  /** Environment variables. */
  readonly env: Readonly<Record<string, string | undefined>>
  readonly stdout: Output
  readonly stderr: Output
  /** Architecture of this machine, and so of the node. */
  readonly architecture: Architecture.Architecture
  /** Whether the effective user is root. */
  readonly isRoot: boolean
  /** Directory that relative paths of flags are taken below. */
  readonly workingDirectory: string
  /** Directory with the operator's custom runtimes and drop-ins; a path of this process, not of the host. */
  readonly customConfigs: string
  /** Calls back at every SIGINT and SIGTERM until the returned function is called. */
  readonly onInterrupt: (listener: (signal: StopSignal) => void) => () => void
}

/** What an output stream of the process has that is used here. */
export interface ProcessStream {
  readonly write: (text: string) => unknown
  readonly on: (event: "error", listener: (error: NodeJS.ErrnoException) => void) => unknown
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
}

/**
 * The output behind a stream. A reader such as `head` may leave before the end, which is no failure; everything else
 * that keeps text from being written is told to `onFailure`, once.
 */
export const outputOf = (
  stream: ProcessStream,
  onFailure: (error: NodeJS.ErrnoException) => void,
): Output => {
  let gone = false
  stream.on("error", (error) => {
    if (!gone && error.code !== "EPIPE") onFailure(error)
    gone = true
  })
  return {
    write: (text) => {
      if (!gone) stream.write(text)
    },
    isTerminal: stream.isTTY === true,
    get columns() {
      return stream.isTTY === true ? Math.max(40, stream.columns || 80) : 80
    },
  }
}

/** A result that nobody can read is a failure, even where everything else went well. */
const failAtExit = (error: NodeJS.ErrnoException): void => {
  process.stderr.write(
    `error: The result could not be written to standard output (${error.code ?? error.message}).\n`,
  )
  process.once("exit", () => {
    process.exitCode ||= 1
  })
}

/** The working directory; one that was removed under a shell still has its name, and nothing below it is there. */
export const workingDirectoryOf = ({ cwd, env }: Pick<NodeJS.Process, "cwd" | "env">): string => {
  try {
    return cwd()
  } catch {
    return env["PWD"] ?? "/"
  }
}

/** The surroundings of the real process. */
export const ofProcess = (): Surroundings => ({
  env: process.env,
  stdout: outputOf(process.stdout, failAtExit),
  stderr: outputOf(process.stderr, () => {}),
  architecture: Architecture.fromNodeName(process.arch),
  isRoot: process.geteuid?.() === 0,
  workingDirectory: workingDirectoryOf(process),
  customConfigs: "/custom-configs",
  onInterrupt: (listener) => {
    process.on("SIGINT", listener)
    process.on("SIGTERM", listener)
    return () => {
      process.off("SIGINT", listener)
      process.off("SIGTERM", listener)
    }
  },
})
