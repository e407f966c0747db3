/** Answers: when is a unit active? Looks every two seconds until it is. Source: spec 09 §6, §12. */
import { type Fact, HostError, type HostShell } from "@kata-deploy/core"
import { Effect } from "effect"
import * as UnitReading from "./UnitReading.ts"

const every = "2 seconds"

/** Waits until a unit is active, at most `seconds`; the failure says what it was at the last look. */
export const awaitActive = (
  unitRun: (unit: string) => Effect.Effect<Fact.Fact<HostShell.UnitRun>>,
  unit: string,
  seconds: number,
): Effect.Effect<void, HostError.HostError> => {
  let last = "which nobody could look at"
  const look = Effect.gen(function* () {
    for (;;) {
      const run = yield* unitRun(unit)
      if (run._tag === "Known" && run.value.state === "active") return
      last =
        run._tag === "Known"
          ? `which is ${UnitReading.describe(run.value)}`
          : `of which nothing is known: ${run.why}`
      yield* Effect.sleep(every)
    }
  })
  return Effect.timeoutOrElse(look, {
    duration: `${seconds} seconds`,
    orElse: () =>
      Effect.fail(
        new HostError.HostError({
          operation: `wait for ${unit}, ${last}`,
          path: undefined,
          reason: { _tag: "TimedOut", seconds },
          unit,
        }),
      ),
  })
}
