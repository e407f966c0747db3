/** Answers: was the show asked to stop? */
import { Deferred, Effect, type Scope } from "effect"

/** A signal by which a person or the system asks to stop. */
export type Signal = "SIGINT" | "SIGTERM"

/** Calls back at every signal until the returned function is called; meanwhile no signal ends the process. */
export type OnInterrupt = (listener: (signal: Signal) => void) => () => void

/** Exit status after a signal, as shells count: 128 and the number of the signal. */
const statusOf: Readonly<Record<Signal, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Listens for signals as long as the scope is open, so that what was made can be removed. The effect inside waits
 * for the first one and answers the exit status. Later ones are ignored: npx passes on the SIGINT that the terminal
 * has already sent to everybody.
 */
export const firstSignal = (
  onInterrupt: OnInterrupt,
  notice: (signal: Signal) => void,
): Effect.Effect<Effect.Effect<number>, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => {
      const first = Deferred.makeUnsafe<number>()
      let asked = false
      const stopListening = onInterrupt((signal) => {
        if (asked) return
        asked = true
        notice(signal)
        Deferred.doneUnsafe(first, Effect.succeed(statusOf[signal]))
      })
      return { first, stopListening }
    }),
    ({ stopListening }) => Effect.sync(stopListening),
  ).pipe(Effect.map(({ first }) => Deferred.await(first)))
