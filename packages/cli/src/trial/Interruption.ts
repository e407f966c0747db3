/** Answers: was the show asked to stop? */
import type { StopSignal } from "../supervisor/Life.ts"
import type { Surroundings } from "../Surroundings.ts"
import { Deferred, Effect, type Scope } from "effect"

/** Exit status after a signal, as shells count: 128 and the number of the signal. */
const statusOf: Readonly<Record<StopSignal, number>> = { SIGINT: 130, SIGTERM: 143 }

/**
 * Listens for signals as long as the scope is open, so that what was made can be removed. The effect inside waits
 * for the first one and answers the exit status. Later ones are ignored: npx passes on the SIGINT that the terminal
 * has already sent to everybody.
 */
export const firstSignal = (
  onInterrupt: Surroundings["onInterrupt"],
  notice: (signal: StopSignal) => void,
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
