/** Answers: are the unpacked components as we left them? Compares what the ledger lists with what is on the host. */
import { Effect } from "effect"
import type { UnpackedFacts } from "../input/Facts.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Ledger from "../plan/Ledger.ts"
import { type Comparison, type DriftedEntry, HostFiles } from "../ports/HostFiles.ts"

/** What was seen. */
export interface Unpacked {
  readonly facts: UnpackedFacts
  /** Components of which something is gone or changed. */
  readonly damaged: ReadonlySet<string>
}

/** Whether a file or a link of somebody else is there now; what is gone can no longer be lost. */
const isChanged = ({ found }: DriftedEntry): boolean => found._tag === "File" || found._tag === "Link"

const byComponent = <A>(
  compared: ReadonlyArray<{ readonly name: string; readonly comparison: Comparison }>,
  of: (comparison: Comparison) => ReadonlyArray<A>,
): ReadonlyMap<string, ReadonlyArray<A>> =>
  new Map(
    compared.flatMap(({ comparison, name }): ReadonlyArray<readonly [string, ReadonlyArray<A>]> => {
      const found = of(comparison)
      return found.length === 0 ? [] : [[name, found]]
    }),
  )

/**
 * Compares every component, reading only files whose times are not the recorded ones. Where a run died, nobody knows
 * which bytes should be there; then nobody is said to have changed them, and the component is unpacked again anyway.
 */
export const observe = Effect.fnUntraced(function* (
  installDir: HostPath,
  recorded: Ledger.Ledger | undefined,
) {
  const files = yield* HostFiles
  const whole = (recorded?.components ?? []).filter(({ archive }) => archive.sha256 !== Ledger.unfinished)
  const compared = yield* Effect.forEach(whole, ({ entries, name }) =>
    Effect.map(files.drift(installDir, entries, "metadata"), (comparison) => ({ name, comparison })),
  )
  const seen: Unpacked = {
    facts: {
      changed: byComponent(compared, ({ drifted }) =>
        drifted.filter(isChanged).map(({ entry }) => entry.path),
      ),
      renewed: byComponent(compared, ({ renewed }) => renewed),
    },
    damaged: new Set(compared.flatMap((c) => (c.comparison.drifted.length > 0 ? [c.name] : []))),
  }
  return seen
})
