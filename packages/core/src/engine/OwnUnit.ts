/**
 * Answers: how is a unit asked for something whose file the same stage writes, and how does it become again what it was
 * when the stage is taken back?
 */
import { Clock, Effect, Ref } from "effect"
import { HostShell, type UnitVerb } from "../ports/HostShell.ts"
import type { HostError } from "../ports/HostError.ts"
import * as Evidence from "./Evidence.ts"
import { remember, type StageState } from "./StageState.ts"

/** Asks for it; before a restart it is remembered whether the unit ran. */
export const ask = Effect.fn("OwnUnit.ask")(function* (
  { at, state }: { readonly at: number; readonly state: Ref.Ref<StageState> },
  verb: UnitVerb,
  unit: string,
): Effect.fn.Return<void, HostError, HostShell> {
  const shell = yield* HostShell
  if (verb === "enable") {
    const before = yield* shell.unitState(unit)
    const ran = before._tag === "Known" && before.value === "active"
    // One that ran before runs again once its files are back; one that did not goes before its file does.
    if (!ran)
      yield* remember(
        state,
        at,
        Effect.andThen(
          Effect.ignore(shell.unit("stop", unit)),
          Effect.ignore(shell.unit("disable", unit)),
        ),
      )
    yield* Ref.update(state, (s) => ({ ...s, ownUnits: [...s.ownUnits, { unit, ran }] }))
  }
  const since = yield* Clock.currentTimeMillis
  yield* Effect.catch(shell.unit(verb, unit), (error) =>
    Effect.flatMap(Evidence.withLog(error, unit, since), Effect.fail),
  )
})

/** Behind the undo: the manager forgets the files that went, and units that ran run with those that came back. */
export const asTheyWere = Effect.fn("OwnUnit.asTheyWere")(function* (
  units: StageState["ownUnits"],
): Effect.fn.Return<void, HostError, HostShell> {
  if (units.length === 0) return
  const shell = yield* HostShell
  yield* shell.unit("reload", units[0]!.unit)
  for (const { ran, unit } of units) {
    if (!ran) continue
    yield* Effect.ignore(shell.unit("reset-failed", unit))
    yield* shell.unit("enable", unit)
    yield* shell.unit("restart", unit)
  }
})
