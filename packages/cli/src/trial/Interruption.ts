/** Answers: was the show asked to stop? */
import process from "node:process"
import { Deferred, Effect, type Scope } from "effect"

/** Exit status after a signal, as shells count: 128 and the number of the signal. */
const statusOf = { SIGINT: 130, SIGTERM: 143 } as const

/**
 * Listens to SIGINT and SIGTERM as long as the scope is open; until then neither ends the process, so that what was
 * made can be removed. The effect inside waits for the first of them and answers the exit status. Later ones are
 * ignored: npx passes on the SIGINT that the terminal has already sent to everybody.
 */
export const signals = (
  notice: (name: keyof typeof statusOf) => void,
): Effect.Effect<Effect.Effect<number>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const first = Deferred.makeUnsafe<number>()
      let asked: keyof typeof statusOf | undefined
      const stop = (name: keyof typeof statusOf) => {
        if (asked === undefined) notice(name)
        asked ??= name
        Deferred.doneUnsafe(first, Effect.succeed(statusOf[asked]))
      }
      process.on("SIGINT", stop)
      process.on("SIGTERM", stop)
      return { first, stop }
    }),
    ({ stop }) =>
      Effect.sync(() => {
        process.off("SIGINT", stop)
        process.off("SIGTERM", stop)
      }),
  ).pipe(Effect.map(({ first }) => Deferred.await(first)))
