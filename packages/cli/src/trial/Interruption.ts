/** Answers: was the show asked to stop? */
import process from "node:process"
import { Effect } from "effect"

/** Exit status after a signal, as shells count: 128 and the number of the signal. */
const statusOf = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Waits for SIGINT or SIGTERM, tells `notice` which one it was, and answers the exit status. While it waits the
 * signals do not end the process, so that what was made can be removed.
 */
export const untilSignal = (notice: (name: keyof typeof statusOf) => void): Effect.Effect<number> =>
  Effect.callback<number>((resume) => {
    const stop = (name: "SIGINT" | "SIGTERM") => {
      notice(name)
      resume(Effect.succeed(statusOf[name]))
    }
    process.on("SIGINT", stop)
    process.on("SIGTERM", stop)
    return Effect.sync(() => {
      process.off("SIGINT", stop)
      process.off("SIGTERM", stop)
    })
  })
