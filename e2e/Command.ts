/**
 * How does a test run another program? Without a shell, with everything it printed kept, and never throwing for an
 * exit code: what a code means is the test's business.
 */
import { spawn } from "node:child_process"

/** What a finished program left behind. */
export interface Outcome {
  /** Exit code; 128 plus the signal's number where a signal ended it, 127 where it could not be started. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
  readonly milliseconds: number
}

/** How a program is run. */
export interface CommandOptions {
  readonly cwd?: string
  /** The whole environment of the child; nothing is inherited beside it. Default: this process's environment. */
  readonly env?: Readonly<Record<string, string>>
  /** After this many milliseconds the program is killed. Default one minute. */
  readonly timeout?: number
}

const signalNumber: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGTERM: 15 }

/** Runs `program` to its end and tells how it went. */
export const run = (
  program: string,
  args: ReadonlyArray<string>,
  options: CommandOptions = {},
): Promise<Outcome> =>
  new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(program, [...args], {
      cwd: options.cwd,
      env: options.env,
      stdio: ["ignore", "pipe", "pipe"],
      timeout: options.timeout ?? 60_000,
      killSignal: "SIGKILL",
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text))
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text))
    const finish = (code: number) =>
      resolve({ code, stdout, stderr, milliseconds: Math.round(performance.now() - started) })
    child.once("error", (error) => {
      stderr += `${program}: ${error.message}\n`
      finish(127)
    })
    child.once("close", (code, signal) => finish(code ?? 128 + (signalNumber[signal ?? ""] ?? 0)))
  })

/** As {@link run}, for steps of the harness itself: anything but exit code 0 is an error that shows what was printed. */
export const must = async (
  program: string,
  args: ReadonlyArray<string>,
  options: CommandOptions = {},
): Promise<Outcome> => {
  const outcome = await run(program, args, options)
  if (outcome.code !== 0) {
    throw new Error(
      `${program} ${args.join(" ")} ended with ${outcome.code}\n${(outcome.stderr || outcome.stdout).slice(-4000)}`,
    )
  }
  return outcome
}
