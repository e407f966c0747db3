/** Answers: how is a program of the machine run? Without a shell, with a deadline, and killed when nobody waits any more. */
import { spawn } from "node:child_process"
import { Effect } from "effect"

/** A program that ran to its end. */
export interface Ended {
  /** Exit code; 128 plus the signal's number where a signal ended it. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** A program could not be run to its end; as a clause for people. */
export type NotRun =
  | { readonly _tag: "Missing"; readonly code: string }
  | { readonly _tag: "TimedOut"; readonly seconds: number }

/** Runs programs: the arguments begin with the program, and it is killed after so many seconds. */
export type RunProgram = (
  argv: readonly [string, ...string[]],
  seconds: number,
) => Effect.Effect<Ended, NotRun>

/** Characters of each stream that are kept; the first ones. */
const kept = 1024 * 1024

/** Why a program was not run to its end, as a clause. */
export const describe = (program: string, reason: NotRun): string =>
  reason._tag === "Missing"
    ? `${program} could not be started (${reason.code})`
    : `${program} did not end within ${reason.seconds} s`

/** Runs a program of this machine, found on `PATH`. */
export const run: RunProgram = (argv, seconds) =>
  Effect.callback<Ended, NotRun>((resume) => {
    const [program, ...args] = argv
    const child = spawn(program, args, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, LC_ALL: "C" },
    })
    let stdout = ""
    let stderr = ""
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (stdout.length < kept) stdout += text
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      if (stderr.length < kept) stderr += text
    })
    child.once("error", (error: NodeJS.ErrnoException) =>
      resume(Effect.fail({ _tag: "Missing", code: error.code ?? error.message })),
    )
    child.once("close", (code, signal) =>
      resume(Effect.succeed({ code: code ?? 128 + (signal === "SIGKILL" ? 9 : 15), stdout, stderr })),
    )
    return Effect.sync(() => void child.kill("SIGKILL"))
  }).pipe(
    Effect.timeoutOrElse({
      duration: `${seconds} seconds`,
      orElse: () => Effect.fail<NotRun>({ _tag: "TimedOut", seconds }),
    }),
  )
