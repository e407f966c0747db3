/** Answers: what has a stage done so far? Kept while its steps are carried out, for undoing and for the report. */
import type { Effect } from "effect"
import { Ref } from "effect"
import type { Testimony } from "../decide/RuntimeEvidence.ts"
import type { Notice } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Journal } from "../plan/Journal.ts"
import type { Settled } from "../plan/Ledger.ts"
import type { StageName, Step } from "../plan/Plan.ts"
import type { HostError } from "../ports/HostError.ts"
import type { ClusterError } from "../ports/NodeApi.ts"
import type { StepReport } from "./Report.ts"

/** Why a step failed. */
export type StepError = HostError | ClusterError

/** A stage to carry out. */
export interface StageToApply {
  readonly stage: StageName
  readonly steps: ReadonlyArray<Step>
  readonly installDir: HostPath
  readonly stateDir: HostPath
  /** `undo`: the first failure takes the stage back. `go-on`: failures are collected, the rest is still tried. */
  readonly onFailure: "undo" | "go-on"
  /** What becomes of the stage when the runtime does not come back with it (`--rollback`). */
  readonly rollback: "when-runtime-is-down" | "never"
  /** Whose work this is; for the journal. */
  readonly author: {
    /** Instance name: the suffix or `default`. */
    readonly instance: string
    /** Version of this program. */
    readonly release: string
  }
}

/** What became of one step. */
export type StepOutcome = (typeof StepReport.Type)["outcome"]

/** One thing done that can be taken back. */
export interface Done {
  /** Which step, counted from 0. */
  readonly at: number
  readonly undo: Effect.Effect<void, HostError>
}

/** What became of the snapshots of a snapshotter. */
export interface RemovedSnapshots {
  /** Removed, or taken by the garbage collector before. */
  readonly count: number
  /** Why the data has to stay, as a clause. */
  readonly obstacle: string | undefined
}

/** What has been done. */
export interface StageState {
  readonly done: ReadonlyArray<Done>
  readonly outcomes: ReadonlyMap<number, StepOutcome>
  /** How long each step took, in seconds. */
  readonly seconds: ReadonlyMap<number, number>
  readonly settled: Settled
  readonly commits: ReadonlyArray<Effect.Effect<void, HostError>>
  /** Whether something was done that no undo takes back. */
  readonly irreversible: boolean
  /** How much had been done when this stage removed the ledger; taking back what came since brings it back. */
  readonly forgotten: number | undefined
  /** The unit that was restarted last, and when that was asked for (milliseconds since the epoch). */
  readonly restarted: { readonly unit: string; readonly since: number } | undefined
  /** Units whose files the stage writes, and whether they ran before. */
  readonly ownUnits: ReadonlyArray<{ readonly unit: string; readonly ran: boolean }>
  /** What was seen of the handlers after the restart. */
  readonly testimony: Testimony | undefined
  /** The journal that lies on the host for this stage. */
  readonly journal: Journal | undefined
  /** By the name of a snapshotter: how many of its snapshots went, and what keeps its data all the same. */
  readonly removedSnapshots: ReadonlyMap<string, RemovedSnapshots>
  readonly left: ReadonlyArray<{ readonly path: string; readonly why: string }>
  readonly notices: ReadonlyArray<Notice>
  readonly failures: ReadonlyArray<StepError>
}

/** Before the first step. */
export const start: StageState = {
  done: [],
  outcomes: new Map(),
  seconds: new Map(),
  settled: { extracted: new Map(), digests: new Map(), created: [], gone: [] },
  commits: [],
  irreversible: false,
  forgotten: undefined,
  restarted: undefined,
  ownUnits: [],
  testimony: undefined,
  journal: undefined,
  removedSnapshots: new Map(),
  left: [],
  notices: [],
  failures: [],
}

/** The number under which writing the journal is remembered: it is no step of the plan. */
export const journalStep = -1

/** Remembers how a step is taken back. */
export const remember = (
  state: Ref.Ref<StageState>,
  at: number,
  undo: Effect.Effect<void, HostError>,
): Effect.Effect<void> => Ref.update(state, (s) => ({ ...s, done: [...s.done, { at, undo }] }))

/** Notes what became of a step. */
export const note = (state: Ref.Ref<StageState>, at: number, outcome: StepOutcome): Effect.Effect<void> =>
  Ref.update(state, (s) => ({ ...s, outcomes: new Map(s.outcomes).set(at, outcome) }))
