/**
 * Carries out the steps of one stage through the ports. When a step of an install fails, or the run is interrupted,
 * everything that the stage did is taken back, newest first; a cleanup notes the failure and goes on.
 */
import { Cause, Effect, Exit, Ref } from "effect"
import * as Ownership from "../decide/Ownership.ts"
import * as NodeMarks from "../decide/NodeMarks.ts"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Action } from "../plan/Action.ts"
import * as Change from "../plan/Change.ts"
import * as Ledger from "../plan/Ledger.ts"
import { changes, type StageName, type Step } from "../plan/Plan.ts"
import { summary } from "../plan/PlanDocument.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import { type ClusterError, NodeApi } from "../ports/NodeApi.ts"
import { Progress } from "./Progress.ts"
import type { StepReport } from "./Report.ts"

/** Why a step failed. */
export type StepError = HostError | ClusterError

/** A stage to carry out. */
export interface StageToApply {
  readonly stage: StageName
  readonly steps: ReadonlyArray<Step>
  readonly installDir: HostPath.HostPath
  readonly stateDir: HostPath.HostPath
  /** `undo`: the first failure takes the stage back. `go-on`: failures are collected, the rest is still tried. */
  readonly onFailure: "undo" | "go-on"
}

/** What became of a stage. */
export interface StageOutcome {
  readonly stage: StageName
  readonly outcome: "done" | "failed" | "undone" | "not-reached"
  readonly steps: ReadonlyArray<typeof StepReport.Type>
  /** What failed, in order; empty when all went well. */
  readonly failures: ReadonlyArray<StepError>
  /** Whether something could not be taken back. */
  readonly incomplete: boolean
  readonly left: ReadonlyArray<{ readonly path: string; readonly why: string }>
}

/** One thing done that can be taken back. */
interface Done {
  readonly at: number
  readonly undo: Effect.Effect<void, HostError>
}

interface State {
  readonly done: ReadonlyArray<Done>
  readonly outcomes: ReadonlyMap<number, (typeof StepReport.Type)["outcome"]>
  readonly settled: Ledger.Settled
  readonly commits: ReadonlyArray<Effect.Effect<void, HostError>>
  /** Whether something was done that no undo takes back. */
  readonly irreversible: boolean
  /** Puts the ledger back that this stage removed. */
  readonly forgotten: Effect.Effect<void, HostError> | undefined
  readonly left: StageOutcome["left"]
  readonly failures: ReadonlyArray<StepError>
}

const start: State = {
  done: [],
  outcomes: new Map(),
  settled: { extracted: new Map(), created: [], gone: [] },
  commits: [],
  forgotten: undefined,
  irreversible: false,
  left: [],
  failures: [],
}

type Ports = HostFiles | HostShell | NodeApi

/** Carries out a stage. Never fails: the outcome says what happened. */
export const stage = Effect.fn("Apply.stage")(function* (
  request: StageToApply,
): Effect.fn.Return<StageOutcome, never, Ports> {
  const progress = yield* Progress
  const state = yield* Ref.make(start)
  yield* progress.tell({ _tag: "StageStarted", stage: request.stage, steps: request.steps.length })
  const all: Effect.Effect<void, StepError, Ports> = Effect.forEach(
    request.steps,
    (step, at) => one(request, state, step, at),
    { discard: true },
  )
  // Interruption is let in between steps only, and whatever ended the stage, the undo runs to its end.
  const exit = yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.exit(restore(all)), (ended) =>
      Effect.as(
        Exit.isFailure(ended) && request.onFailure === "undo" ? undo(request, state) : commit(state),
        ended,
      ),
    ),
  )
  const { done, failures, irreversible, left, outcomes } = yield* Ref.get(state)
  const undone = Exit.isFailure(exit) && request.onFailure === "undo"
  const incomplete = undone && (done.length > 0 || irreversible)
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
  if (Exit.isFailure(exit) && failures.length === 0) return yield* Effect.die(Cause.squash(exit.cause))
  yield* progress.tell({
    _tag: "StageDone",
    stage: request.stage,
    changed: [...outcomes.values()].filter((o) => o === "changed").length,
  })
  return {
    stage: request.stage,
    outcome: failures.length === 0 ? "done" : undone && !incomplete ? "undone" : "failed",
    steps: request.steps.map((step, at) => ({
      summary: summary(step.action),
      because: step.because,
      outcome: outcomes.get(at) ?? "not-reached",
    })),
    failures,
    incomplete,
    left,
  }
})

const note = (state: Ref.Ref<State>, at: number, outcome: (typeof StepReport.Type)["outcome"]) =>
  Ref.update(state, (s) => ({ ...s, outcomes: new Map(s.outcomes).set(at, outcome) }))

const one = Effect.fnUntraced(function* (
  request: StageToApply,
  state: Ref.Ref<State>,
  step: Step,
  at: number,
): Effect.fn.Return<void, StepError, Ports> {
  const progress = yield* Progress
  const about = { stage: request.stage, at: at + 1, of: request.steps.length, step }
  yield* progress.tell({ _tag: "StepStarted", ...about })
  const outcome = changes(step.action) ? "changed" : "unchanged"
  const run = carryOut(request, state, step.action, at)
  // Unpacking takes long and cleans up after itself; every other step is short and is never cut in half.
  const exit = yield* Effect.exit(step.action._tag === "Extract" ? run : Effect.uninterruptible(run))
  if (Exit.isSuccess(exit)) {
    const { failures } = yield* Ref.get(state)
    const isKept = step.action._tag === "Record" && failures.length > 0
    yield* note(state, at, isKept ? "not-reached" : outcome)
    return yield* progress.tell({ _tag: "StepDone", ...about, outcome })
  }
  const failure = Cause.findErrorOption(exit.cause)
  if (failure._tag === "Some")
    yield* Ref.update(state, (s) => ({ ...s, failures: [...s.failures, failure.value] }))
  yield* note(state, at, "failed")
  // Where our part could not be taken out of a file, what that file names has to stay.
  const isEdit = step.action._tag === "Put" && step.action.change.after._tag !== "Absent"
  if (request.onFailure === "go-on" && failure._tag === "Some" && !isEdit)
    return yield* bringLedgerBack(state)
  return yield* Effect.failCause(exit.cause)
})

/** A ledger that went before the last directories did comes back, so that the next cleanup finds what is left. */
const bringLedgerBack = Effect.fnUntraced(function* (state: Ref.Ref<State>) {
  const { forgotten } = yield* Ref.get(state)
  if (forgotten !== undefined) yield* Effect.ignore(forgotten)
})

const remember = (state: Ref.Ref<State>, at: number, undoing: Effect.Effect<void, HostError>) =>
  Ref.update(state, (s) => ({ ...s, done: [...s.done, { at, undo: undoing }] }))

const carryOut = Effect.fnUntraced(function* (
  request: StageToApply,
  state: Ref.Ref<State>,
  action: Action,
  at: number,
): Effect.fn.Return<void, StepError, Ports> {
  const files = yield* HostFiles
  const shell = yield* HostShell
  const temporary = (path: HostPath.HostPath) => TemporaryPlace.of(path, request)
  const putBack = (change: Change.Change) => files.put(Change.invert(change), temporary(change.path))
  switch (action._tag) {
    case "Put": {
      if (Change.isNoop(action.change)) return
      yield* files.put(action.change, temporary(action.change.path))
      return yield* remember(state, at, putBack(action.change))
    }
    case "Extract": {
      if (action.components.length === 0) return
      const progress = yield* Progress
      const extraction = yield* files.extract(action, (p) =>
        progress.tell({ _tag: "Extracting", progress: p }),
      )
      yield* remember(state, at, extraction.revert)
      return yield* Ref.update(state, (s) => ({
        ...s,
        settled: {
          ...s.settled,
          extracted: new Map([...s.settled.extracted, ...extraction.entries]),
          created: [
            ...s.settled.created,
            ...extraction.createdDirectories.map((relative) => HostPath.join(action.into, relative)),
          ],
        },
        commits: [...s.commits, extraction.commit],
      }))
    }
    case "RemoveTree": {
      const { settled } = yield* Ref.get(state)
      const fresh = new Set([...settled.extracted.values()].flatMap((entries) => entries.map((e) => e.path)))
      const entries =
        action.entries === "everything" ? action.entries : action.entries.filter((e) => !fresh.has(e.path))
      // Even a removal that fails may have removed a part.
      yield* Ref.update(state, (s) => ({ ...s, irreversible: true }))
      const removal = yield* files.removeTree({ ...action, entries })
      return yield* Ref.update(state, (s) => ({ ...s, left: [...s.left, ...removal.left] }))
    }
    case "Prune": {
      const gone = yield* files.prune(action.directories)
      yield* Ref.update(state, (s) => ({
        ...s,
        settled: { ...s.settled, gone: [...s.settled.gone, ...gone] },
      }))
      const back = gone.toReversed().map((path) => Change.make(path, FileState.absent, FileState.directory()))
      return yield* remember(
        state,
        at,
        Effect.forEach(back, (change) => files.put(change, temporary(change.path)), { discard: true }),
      )
    }
    case "Unit":
      return yield* shell.unit(action.verb, action.unit)
    case "AwaitUnit":
      return yield* shell.awaitActive(action.unit, action.seconds)
    case "Record":
      return yield* record(request, state, action, at)
    case "Mark": {
      const api = yield* NodeApi
      return yield* api.updateLabels((labels) => NodeMarks.decide(action.intent, labels, action.instance))
    }
  }
})

const record = Effect.fnUntraced(function* (
  request: StageToApply,
  state: Ref.Ref<State>,
  action: Extract<Action, { readonly _tag: "Record" }>,
  at: number,
): Effect.fn.Return<void, HostError, HostFiles> {
  const { failures, settled } = yield* Ref.get(state)
  // What could not be removed has to be found by the next cleanup, so the ledger stays when something failed.
  if (failures.length > 0) return
  const files = yield* HostFiles
  const before = yield* files.look(action.path)
  const text =
    action.ledger === null
      ? undefined
      : Ledger.encode(
          Ledger.withDigests(Ledger.settle(action.ledger, settled), Ownership.digestAfter(request.steps)),
        )
  const change = Change.make(
    action.path,
    before,
    text === undefined ? FileState.absent : FileState.file(text),
  )
  const temporary = TemporaryPlace.of(action.path, request)
  yield* files.put(change, temporary)
  const back = files.put(Change.invert(change), temporary)
  yield* remember(state, at, back)
  if (action.ledger === null) yield* Ref.update(state, (s) => ({ ...s, forgotten: back }))
})

const undo = Effect.fnUntraced(function* (request: StageToApply, state: Ref.Ref<State>) {
  const progress = yield* Progress
  const { done } = yield* Ref.get(state)
  yield* progress.tell({ _tag: "Undoing", stage: request.stage, changes: done.length })
  for (const each of done.toReversed()) {
    const exit = yield* Effect.exit(each.undo)
    if (Exit.isFailure(exit)) {
      const failure = Cause.findErrorOption(exit.cause)
      yield* Ref.update(state, (s) => ({
        ...s,
        failures: failure._tag === "Some" ? [...s.failures, failure.value] : s.failures,
      }))
      continue
    }
    yield* note(state, each.at, "undone")
    yield* Ref.update(state, (s) => ({ ...s, done: s.done.filter((other) => other !== each) }))
  }
})

/** Drops what was kept for going back. A leftover in staging is no failure: the next run clears it. */
const commit = Effect.fnUntraced(function* (state: Ref.Ref<State>) {
  const { commits } = yield* Ref.get(state)
  yield* Effect.forEach(commits, (each) => Effect.ignore(each), { discard: true })
})
