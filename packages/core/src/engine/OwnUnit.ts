/**
 * Answers: how is a unit asked for something whose file the same stage writes, and how does it become again what it was
 * when the stage is taken back?
 */
import { Clock, Effect, Ref } from "effect"
import type { HostAction } from "../plan/Action.ts"
import { HostShell } from "../ports/HostShell.ts"
import type { HostError } from "../ports/HostError.ts"
import * as Evidence from "./Evidence.ts"
import { remember, type StageState } from "./StageState.ts"

type Asked = Extract<HostAction, { readonly _tag: "Unit" }>

/** Remembers whether the unit ran before it is asked for the first time. */
const remembered = Effect.fnUntraced(function* (
  { at, state }: { readonly at: number; readonly state: Ref.Ref<StageState> },
  unit: string,
) {
  const shell = yield* HostShell
  const { ownUnits } = yield* Ref.get(state)
  if (ownUnits.some((known) => known.unit === unit)) return
  const before = yield* shell.unitState(unit)
  const ran = before._tag === "Known" && before.value === "active"
  yield* Ref.update(state, (s) => ({ ...s, ownUnits: [...s.ownUnits, { unit, ran }] }))
  // One that ran before runs again once its files are back; one that did not goes before its file does.
  const taken = Effect.andThen(
    Effect.ignore(shell.unit("stop", unit)),
    Effect.ignore(shell.unit("disable", unit)),
  )
  if (!ran) yield* remember(state, at, taken)
})

/** Asks for it; a failure comes with what the unit's log says. */
export const ask = Effect.fn("OwnUnit.ask")(function* (
  within: { readonly at: number; readonly state: Ref.Ref<StageState> },
  { onFailure, unit, verb }: Asked,
): Effect.fn.Return<void, HostError, HostShell> {
  const shell = yield* HostShell
  yield* remembered(within, unit)
  if (onFailure === "ignore") return yield* Effect.ignore(shell.unit(verb, unit))
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
