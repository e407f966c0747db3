/**
 * Answers: which settings hold on this node? What was asked for, with the modes that were chosen on the node laid over
 * it as far as they still hold.
 */
import { Effect } from "effect"
import * as RecordedModes from "../decide/RecordedModes.ts"
import type { Settings } from "../input/Settings.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Ledger from "../plan/Ledger.ts"
import { HostFiles } from "../ports/HostFiles.ts"

/** The settings as they hold on this node. A ledger that cannot be read records nothing here; planning refuses it. */
export const of = Effect.fn("EffectiveSettings.of")(function* (
  settings: Settings,
  stateDir: HostPath,
): Effect.fn.Return<Settings, never, HostFiles> {
  const files = yield* HostFiles
  const ledger = Ledger.from(yield* files.look(Ledger.pathIn(stateDir)))
  const choices = ledger._tag === "Read" ? (ledger.ledger.modes ?? []) : []
  return choices.length === 0 ? settings : RecordedModes.layOver(settings, choices)
})
