/**
 * Carries out the steps of one stage. When a step of an install fails, or the run is interrupted, everything that the
 * stage did is taken back, newest first, and a runtime that was restarted is started once more with what it had; a
 * cleanup notes the failure and goes on.
 */
import { Cause, Clock, Effect, Exit, Ref, Result } from "effect"
import * as RestartNeed from "../decide/RestartNeed.ts"
import type { Testimony } from "../decide/RuntimeEvidence.ts"
import type { Notice } from "../input/Problem.ts"
import { unitSeconds } from "../plan/CriStage.ts"
import { changes, type StageName, type Step, waits } from "../plan/Plan.ts"
import { summary } from "../plan/PlanDocument.ts"
import { HostShell } from "../ports/HostShell.ts"
import * as CarryOut from "./CarryOut.ts"
import * as Journal from "./Journal.ts"
import { Progress } from "./Progress.ts"
import type { StepReport } from "./Report.ts"
import * as OwnUnit from "./OwnUnit.ts"
import {
  type Done,
  journalStep,
  note,
  type StageState,
  type StageToApply,
  start,
  type StepError,
} from "./StageState.ts"

export type { StageToApply, StepError }

/** What became of a stage. */
export interface StageOutcome {
  readonly stage: StageName
  readonly outcome: "done" | "failed" | "undone" | "not-reached"
  readonly steps: ReadonlyArray<typeof StepReport.Type>
  /** What failed, in order; empty when all went well. */
  readonly failures: ReadonlyArray<StepError>
  /** Whether something could not be taken back. */
  readonly incomplete: boolean
  /** What was seen of the handlers after a restart; `undefined` when there was none. */
  readonly testimony: Testimony | undefined
  readonly left: ReadonlyArray<{ readonly path: string; readonly why: string }>
  readonly notices: ReadonlyArray<Notice>
}

/** Carries out a stage. Never fails: the outcome says what happened. */
export const stage = Effect.fn("Apply.stage")(function* (
  request: StageToApply,
): Effect.fn.Return<StageOutcome, never, CarryOut.Ports> {
  const progress = yield* Progress
  const state = yield* Ref.make(start)
  yield* progress.tell({ _tag: "StageStarted", stage: request.stage, steps: request.steps.length })
  const all: Effect.Effect<void, StepError, CarryOut.Ports> = Effect.forEach(
    request.steps,
    (step, at) => one({ request, state, at }, step),
    { discard: true },
  )
  // Interruption is let in between steps only, and whatever ended the stage, the undo runs to its end.
  const exit = yield* Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.exit(restore(all)), (ended) =>
      Effect.as(Exit.isSuccess(ended) ? finish(request, state) : giveUp(request, state), ended),
    ),
  )
  const { done, failures, irreversible, left, notices, outcomes, seconds, testimony } = yield* Ref.get(state)
  const incomplete = Exit.isFailure(exit) && request.onFailure === "undo" && (done.length > 0 || irreversible)
  if (Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)) return yield* Effect.interrupt
  if (Exit.isFailure(exit) && failures.length === 0) return yield* Effect.die(Cause.squash(exit.cause))
  yield* progress.tell({
    _tag: "StageDone",
    stage: request.stage,
    changed: [...outcomes.values()].filter((o) => o === "changed").length,
  })
  const isUndone = Exit.isFailure(exit) && request.onFailure === "undo" && !incomplete
  return {
    stage: request.stage,
    outcome: failures.length === 0 ? "done" : isUndone ? "undone" : "failed",
    steps: request.steps.map((step, at) => ({
      summary: summary(step.action),
      because: step.because,
      outcome: outcomes.get(at) ?? "not-reached",
      seconds: seconds.get(at) ?? 0,
    })),
    failures,
    incomplete,
    testimony,
    left,
    notices,
  }
})

const one = Effect.fnUntraced(function* (
  within: CarryOut.Within,
  step: Step,
): Effect.fn.Return<void, StepError, CarryOut.Ports> {
  const { at, request, state } = within
  const progress = yield* Progress
  const about = { stage: request.stage, at: at + 1, of: request.steps.length, step }
  yield* progress.tell({ _tag: "StepStarted", ...about })
  const started = yield* Clock.currentTimeMillis
  const outcome = changes(step.action) ? "changed" : "unchanged"
  const shell = yield* HostShell
  const run = Effect.andThen(
    outcome === "changed" ? Effect.andThen(shell.keepLock, Journal.begin(request, state, at)) : Effect.void,
    CarryOut.action(within, step.action),
  )
  const traced = Effect.withSpan(run, summary(step.action), {
    attributes: { "kata.stage": request.stage, "kata.step": at + 1 },
  })
  const exit = yield* Effect.exit(isLong(step) ? traced : Effect.uninterruptible(traced))
  const seconds = ((yield* Clock.currentTimeMillis) - started) / 1000
  yield* Ref.update(state, (s) => ({ ...s, seconds: new Map(s.seconds).set(at, seconds) }))
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
  if (request.onFailure === "go-on" && failure._tag === "Some" && !isEdit && !isLockLost(failure.value))
    return yield* bringLedgerBack(state)
  return yield* Effect.failCause(exit.cause)
})

/** Whether somebody else may be at work on this node now. */
const isLockLost = (error: StepError): boolean =>
  error._tag === "HostError" && error.reason._tag === "LockLost"

/** Steps that take long clean up after themselves; every other step is short and is never cut in half. */
const isLong = ({ action }: Step): boolean =>
  action._tag === "Extract" || action._tag === "RemoveSnapshots" || waits(action)

/** A ledger that went before the last was done comes back with its directories, so that the next cleanup finds what is left. */
const bringLedgerBack = Effect.fnUntraced(function* (state: Ref.Ref<StageState>) {
  const { done, forgotten } = yield* Ref.get(state)
  if (forgotten === undefined) return
  yield* Ref.update(state, (s) => ({ ...s, done: s.done.slice(0, forgotten), forgotten: undefined }))
  for (const { undo } of done.slice(forgotten).toReversed()) yield* Effect.ignore(undo)
})

/** The stage came to its end: what was kept for going back is dropped. */
const finish = Effect.fnUntraced(function* (
  request: StageToApply,
  state: Ref.Ref<StageState>,
): Effect.fn.Return<void, never, CarryOut.Ports> {
  const { commits, failures } = yield* Ref.get(state)
  // A leftover in staging is no failure: it is cleared with the journal, by the next run if need be.
  yield* Effect.forEach(commits, (each) => Effect.ignore(each), { discard: true })
  if (failures.length > 0) return
  yield* Effect.catch(Journal.done(request, state), (error) =>
    Ref.update(state, (s) => ({
      ...s,
      notices: [...s.notices, Journal.notClosed(request.stage, error)],
    })),
  )
})

/** The stage failed or was interrupted. */
const giveUp = Effect.fnUntraced(function* (
  request: StageToApply,
  state: Ref.Ref<StageState>,
): Effect.fn.Return<void, never, CarryOut.Ports> {
  const { restarted } = yield* Ref.get(state)
  if (request.onFailure === "go-on") return
  if (restarted !== undefined && request.rollback === "never")
    return yield* keep(request, state, restarted.unit)
  const shell = yield* HostShell
  const kept = yield* Effect.result(shell.keepLock)
  if (Result.isSuccess(kept)) return yield* undo(request, state)
  // What is half-done stays as after a crash: whoever has the lock now, or the next run, goes on from the journal.
  yield* Ref.update(state, (s) => ({
    ...s,
    failures: s.failures.some(isLockLost) ? s.failures : [...s.failures, kept.failure],
  }))
  yield* tellLeft(request, state)
})

/** What an install leaves on purpose is said; a rollback by hand has nothing to go back to. */
const keep = (request: StageToApply, state: Ref.Ref<StageState>, unit: string): Effect.Effect<void> =>
  request.stage === "cri"
    ? Ref.update(state, (s) => ({ ...s, notices: [...s.notices, RestartNeed.configurationKept(unit)] }))
    : Effect.void

const undo = Effect.fnUntraced(function* (request: StageToApply, state: Ref.Ref<StageState>) {
  const progress = yield* Progress
  const { done, ownUnits, restarted } = yield* Ref.get(state)
  yield* progress.tell({ _tag: "Undoing", stage: request.stage, changes: done.length })
  const journal = done.findIndex((each) => each.at === journalStep)
  for (const each of done.slice(journal + 1).toReversed()) yield* takeBack(each, state)
  const own = yield* Effect.result(OwnUnit.asTheyWere(ownUnits))
  if (Result.isFailure(own))
    yield* Ref.update(state, (s) => ({ ...s, irreversible: true, failures: [...s.failures, own.failure] }))
  const isAsItWas = restarted === undefined || (yield* startAgain(restarted.unit, state))
  // Until then the journal, and the directories that were made for it, tell that the runtime may have loaded what is gone.
  if (isAsItWas) for (const each of done.slice(0, journal + 1).toReversed()) yield* takeBack(each, state)
  yield* tellLeft(request, state)
})

const takeBack = Effect.fnUntraced(function* (each: Done, state: Ref.Ref<StageState>) {
  const exit = yield* Effect.exit(each.undo)
  if (Exit.isFailure(exit)) {
    const failure = Cause.findErrorOption(exit.cause)
    yield* Ref.update(state, (s) => ({
      ...s,
      failures: failure._tag === "Some" ? [...s.failures, failure.value] : s.failures,
    }))
    return
  }
  const { outcomes } = yield* Ref.get(state)
  if (outcomes.get(each.at) !== "failed") yield* note(state, each.at, "undone")
  yield* Ref.update(state, (s) => ({ ...s, done: s.done.filter((other) => other !== each) }))
})

/** An interrupted run has no report that could say what stays. */
const tellLeft = Effect.fnUntraced(function* (request: StageToApply, state: Ref.Ref<StageState>) {
  const progress = yield* Progress
  const { done: left, failures, irreversible } = yield* Ref.get(state)
  if (left.length > 0 || irreversible)
    yield* progress.tell({
      _tag: "NotUndone",
      stage: request.stage,
      failures: failures.map(({ message }) => message),
    })
})

/**
 * Starts the runtime once more with the bytes that it had. Failed starts may have used up the start limit, which
 * would keep even a good configuration from being started.
 */
const startAgain = Effect.fnUntraced(function* (unit: string, state: Ref.Ref<StageState>) {
  const shell = yield* HostShell
  yield* Effect.ignore(shell.unit("reset-failed", unit))
  const again = yield* Effect.result(
    Effect.andThen(shell.unit("restart", unit), shell.awaitActive(unit, unitSeconds)),
  )
  if (Result.isSuccess(again)) return true
  yield* Ref.update(state, (s) => ({
    ...s,
    irreversible: true,
    failures: [...s.failures, again.failure],
  }))
  return false
})
