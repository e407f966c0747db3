/**
 * Answers: does the CRI runtime have to be restarted to load what is on disk? Bytes decide, not times: the ledger
 * keeps a digest over the files that the runtime loaded at its last restart that we saw succeed.
 * Source: decisions §4 (`startedWith`), 12 W-06, W-31.
 */
import type { Fact } from "../input/Fact.ts"
import type { LedgerFact } from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import * as Distribution from "../model/Distribution.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Ledger } from "../plan/Ledger.ts"
import type { Restart } from "../plan/Plan.ts"
import { digest } from "../plan/PlanDocument.ts"
import type { UnitRun, UnitState } from "../ports/HostShell.ts"
import type { Disposition } from "./WholeFileDisposition.ts"

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

/**
 * Whether the runtime has loaded files of this digest: at a restart that we saw succeed, or at one that we asked for
 * and that came to pass although it ended this program. Source: spec 09 §6; 12 W-31.
 */
export const hasLoaded = (facts: {
  readonly ledger: Pick<Ledger, "startedWith" | "restarting">
  readonly digest: string
  readonly run: Fact<UnitRun>
}): boolean => {
  const { startedWith, restarting } = facts.ledger
  // A runtime that failed since has nothing loaded, whatever it was started with.
  if (facts.run._tag === "Known" && facts.run.value.state === "failed") return false
  if (startedWith === facts.digest) return true
  if (restarting?.with !== facts.digest || facts.run._tag === "Unknown") return false
  return becameActiveAnew(facts.run.value, restarting.since)
}

/** What the ledger says of a restart that is due because configuration was taken back. */
export const owedSince = (run: Fact<UnitRun>): Required<Ledger>["restartDue"] => ({
  since: run._tag === "Known" ? (run.value.activeSince ?? 0) : null,
})

/** Whether that restart is still due; somebody else's counts as well. In doubt it is. */
export const isOwed = (owed: Ledger["restartDue"], run: Fact<UnitRun>): boolean => {
  if (owed === undefined) return false
  if (owed.since === null || run._tag === "Unknown") return true
  return !becameActiveAnew(run.value, owed.since)
}

/**
 * Whether a stage that was cut off may have had the runtime restarted, and it has loaded what may be gone by now. In doubt
 * it has.
 */
export const mayHaveLoaded = ({ ledger }: { readonly ledger: LedgerFact }, run: Fact<UnitRun>): boolean => {
  if (ledger._tag !== "Recovered" || !ledger.stages.includes("cri")) return false
  const { restarting } = ledger.ledger
  if (restarting === undefined) return false
  return (
    run._tag === "Unknown" || run.value.state !== "active" || becameActiveAnew(run.value, restarting.since)
  )
}

/** Milliseconds by which one and the same start may seem to differ: systemctl's times are told from two clocks. */
const sameStart = 1000

/** Whether a unit became active another time than at `since` (milliseconds since the epoch). */
const becameActiveAnew = ({ activeSince, state }: UnitRun, since: number | null): boolean =>
  state === "active" &&
  activeSince !== undefined &&
  (since === null || Math.abs(activeSince - since) >= sameStart)

/** What is told where the operator wants a configuration kept with which the runtime did not come back. */
export const configurationKept = (unit: string): Notice => ({
  code: "configuration-kept",
  severity: "warning",
  message: `The configuration with which ${unit} did not come back is kept, since --rollback is never; until that is settled the node may be without its CRI runtime, or without our handlers.`,
  remedy: `Look at journalctl -u ${unit}; kata-deploy rollback takes the configuration back.`,
})

/** The restart of a runtime that has not loaded what is on disk. */
export const of = (row: RuntimeRow, control: Fact<"systemd">): typeof Restart.Type => ({
  unit: row.unit,
  due: row.restart === "reloads-itself" ? "reloads-itself" : control._tag === "Known" ? "ours" : "not-ours",
})

/**
 * The restart of the runtime that was configured before, where this run configures another: its files of ours go, and
 * it goes on offering their handlers until it starts anew. One that does not run reads nothing old when it starts.
 */
export const ofFormer = (facts: {
  /** The CRI runtime of the ledger, where handlers were written for it. */
  readonly former: string | undefined
  readonly row: RuntimeRow
  readonly units: ReadonlyMap<string, Fact<UnitState>>
  readonly control: Fact<"systemd">
}): typeof Restart.Type | undefined => {
  const former = facts.former === undefined ? undefined : Distribution.lookup(facts.former)
  if (former === undefined || former.unit === facts.row.unit) return undefined
  const state = facts.units.get(former.unit)
  if (state?._tag === "Known" && state.value !== "active") return undefined
  return state?._tag === "Known" ? of(former, facts.control) : { unit: former.unit, due: "not-ours" }
}

/** What is there of an instance's CRI configuration before it is taken back. */
export type ConfigurationEvidence =
  /** Our drop-in, of containerd or of CRI-O. */
  | { readonly _tag: "DropIn"; readonly state: FileState.FileState }
  /** A main config without drop-ins, and what may be undone in it. */
  | { readonly _tag: "WholeFile"; readonly disposition: Disposition }
  /** It could not be found out where the configuration is. */
  | { readonly _tag: "Unresolved" }

/** Whether taking the configuration back changes what the runtime loads; in doubt it does (spec 09 §3). */
export const revertNeedsRestart = (evidence: ConfigurationEvidence): boolean => {
  switch (evidence._tag) {
    case "DropIn":
      return evidence.state._tag !== "Absent"
    case "WholeFile":
      return evidence.disposition !== "keep"
    case "Unresolved":
      return true
  }
}
