/**
 * Answers: does the CRI runtime have to be restarted to load what is on disk? Bytes decide, not times: the ledger
 * keeps a digest over the files that the runtime loaded at its last restart that we saw succeed.
 * Source: decisions §4 (`startedWith`), 12 W-06, W-31.
 */
import type { Fact } from "../input/Fact.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Restart } from "../plan/Plan.ts"
import { digest } from "../plan/PlanDocument.ts"

/** Digest over the files that the runtime loads, in the order of loading: path, length and text of each. */
export const loadedDigest = (
  loaded: ReadonlyArray<HostPath>,
  look: (path: HostPath) => FileState.FileState,
): string =>
  digest(
    loaded
      .map((path) => {
        const text = FileState.textOf(look(path))
        return `${path}\n${text === undefined ? "absent" : text.length}\n${text ?? ""}`
      })
      .join("\n"),
  )

/** The restart that is due, or `undefined` when the runtime has loaded what is on disk. */
export const decide = (facts: {
  readonly row: RuntimeRow
  readonly control: Fact<"systemd">
  readonly startedWith: string | null
  readonly loadedDigest: string
}): typeof Restart.Type | undefined => {
  if (facts.startedWith === facts.loadedDigest) return undefined
  if (facts.row.restart === "reloads-itself") return { unit: facts.row.unit, due: "reloads-itself" }
  return { unit: facts.row.unit, due: facts.control._tag === "Known" ? "ours" : "not-ours" }
}
