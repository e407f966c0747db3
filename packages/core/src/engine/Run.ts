/**
 * Observe, plan, apply, confirm: the whole program in one function. All of it happens under the node lock; a stage
 * observes afresh once something was changed, and all problems of all stages are found before the first step of the first one.
 */
import { Effect, Result } from "effect"
import * as HostCheck from "../decide/HostCheck.ts"
import type { Confirmation } from "../decide/Confirmation.ts"
import type { WhenInUse } from "../decide/InUse.ts"
import * as Policies from "../decide/Policies.ts"
import type { Testimony } from "../decide/RuntimeEvidence.ts"
import type { DataWish } from "../decide/SnapshotterData.ts"
import type { Facts } from "../input/Facts.ts"
import { type DecisionError, PlanDriftError, PrerequisiteError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as CleanupMarks from "../plan/CleanupMarks.ts"
import * as CleanupPlan from "../plan/CleanupPlan.ts"
import * as InstallPlan from "../plan/InstallPlan.ts"
import { type ActionName, changes, isCleanup, type Plan, type StageName, waits } from "../plan/Plan.ts"
import type { PlanDocument } from "../plan/PlanDocument.ts"
import * as PlanReview from "../plan/PlanReview.ts"
import * as ResetPlan from "../plan/ResetPlan.ts"
import * as RollbackPlan from "../plan/RollbackPlan.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import type { NodeApi } from "../ports/NodeApi.ts"
import * as Apply from "./Apply.ts"
import * as Confirm from "./Confirm.ts"
import * as EffectiveSettings from "./EffectiveSettings.ts"
import * as Evidence from "./Evidence.ts"
import * as Events from "./Events.ts"
import * as Observe from "./Observe.ts"
import { Progress } from "./Progress.ts"
import { ApplyError, InUseError, type Report } from "./Report.ts"
import * as RunReport from "./RunReport.ts"
import type { Done } from "./RunReport.ts"

/** What is to be done. */
export interface Request {
  readonly action: ActionName
  readonly settings: Settings
  /** Version of this program, for provenance. */
  readonly release: string
  /** Where ledger and staging are; `undefined` for the instance's own place. */
  readonly stateDir: HostPath | undefined
  /** The CRI runtime, where the operator names it. */
  readonly criRuntime: string | undefined
  /** The operator's containerd drop-in, where one is configured. */
  readonly userDropIn: FileState | undefined
  /** How the run goes about others and about failure; `usualConduct` where nothing is said. */
  readonly conduct?: Partial<Conduct>
}

/** How a run goes about others and about failure. */
export interface Conduct {
  /** Seconds to wait for the node lock. */
  readonly lockSeconds: number
  /** What becomes of a configuration with which the runtime does not come back. */
  readonly rollback: "when-runtime-is-down" | "never"
  /** What becomes of a removal while Kata sandboxes run from the tree. */
  readonly whenInUse: WhenInUse
  /** Whether a cleanup restarts the runtime where other instances share the node. */
  readonly restartBesideOthers: "now" | "defer"
  /** What becomes of what nydus stored, where a cleanup takes it away. */
  readonly nydusData: DataWish
  /** A plan that somebody reviewed: exactly it is applied, or nothing. */
  readonly reviewed: PlanDocument | undefined
}

/** What is done where nothing is said. */
export const usualConduct: Conduct = {
  lockSeconds: 300,
  rollback: "when-runtime-is-down",
  whenInUse: "refuse",
  restartBesideOthers: "now",
  nydusData: "keep",
  reviewed: undefined,
}

/** Everything that a run needs from outside. */
export type Requirements = HostFiles | HostShell | NodeApi | Policies.PolicyServices

/** What a run can fail with. */
export type RunError = DecisionError | HostError | ApplyError | InUseError | PlanDriftError

/**
 * Stages that are planned again just before they run, from another look at the host when those before did something
 * or failed at it: that may have taken minutes.
 */
const changesHost: ReadonlySet<StageName> = new Set([
  "artifacts",
  "cri",
  "remove-unused",
  "revert-cri",
  "remove-artifacts",
])

/** How often a stage starts over when the host changed under it. */
const attempts = 3

/** Where ledger and staging of a request are. */
export const stateDirOf = (request: Pick<Request, "stateDir" | "settings">): HostPath =>
  request.stateDir ?? Instance.defaultStateDir(request.settings.instance)

const conductOf = (request: Request): Conduct => ({ ...usualConduct, ...request.conduct })

/** Observes and plans; nothing is touched. */
export const plan = (request: Request): Effect.Effect<Plan, DecisionError | HostError, Requirements> =>
  Effect.flatMap(settled(request), planSettled)

/** The request with the settings as they hold on this node; what takes away goes by what is there, not by settings. */
const settled = (request: Request): Effect.Effect<Request, never, HostFiles> =>
  request.action.startsWith("install")
    ? Effect.map(EffectiveSettings.of(request.settings, stateDirOf(request)), (settings) => ({
        ...request,
        settings,
      }))
    : Effect.succeed(request)

/** The same of settings that hold on this node as they are. */
export const planSettled = (request: Request): Effect.Effect<Plan, DecisionError | HostError, Requirements> =>
  Effect.flatMap(observe(request), (facts) => planStage(request, facts, undefined))

const planOf = (input: InstallPlan.PlanInput): Result.Result<Plan, DecisionError> => {
  if (input.action === "rollback") return RollbackPlan.make(input)
  if (input.action === "reset") return ResetPlan.make(input)
  return isCleanup(input.action) ? CleanupPlan.make(input) : InstallPlan.make(input)
}

/** What the action's plan is made from. */
const observe = Effect.fnUntraced(function* (
  request: Request,
): Effect.fn.Return<Facts, HostError, Requirements> {
  return yield* Observe.observe({
    action: request.action,
    settings: request.settings,
    release: request.release,
    stateDir: stateDirOf(request),
    namedRuntime: request.criRuntime,
    userDropIn: request.userDropIn,
    nydusData: conductOf(request).nydusData,
    policies: yield* Policies.fromServices,
  })
})

/** Plans one stage of the action, or all. */
const planStage = Effect.fn("Run.plan")(function* (
  request: Request,
  facts: Facts,
  only: StageName | undefined,
): Effect.fn.Return<Plan, DecisionError | HostError, Requirements> {
  const { action, settings } = request
  const policies = yield* Policies.fromServices
  const { nydusData, restartBesideOthers, whenInUse } = conductOf(request)
  const made = yield* Effect.fromResult(
    planOf({
      action,
      settings,
      facts,
      policies,
      whenInUse,
      restartBesideOthers,
      nydusData,
      ...(only === undefined ? {} : { only }),
    }),
  )
  yield* permissions(made, request)
  return made
})

/** Refuses a plan that this process could only carry out in part. */
const permissions = Effect.fnUntraced(function* (made: Plan, request: Request) {
  const files = yield* HostFiles
  const paths = made.stages.flatMap((stage) =>
    stage.steps.flatMap(({ action }): ReadonlyArray<HostPath> => {
      if (!changes(action)) return []
      if (action._tag === "Put") return [action.change.path]
      if (action._tag === "Record") return [action.path]
      return action._tag === "Extract" ? [action.into, stateDirOf(request)] : []
    }),
  )
  const answers = yield* Effect.forEach(new Set(paths), (path) =>
    Effect.map(files.mayWrite(path), (may) => ({ path, may })),
  )
  const refused = answers.flatMap(({ may, path }) => (may._tag === "Known" && !may.value ? [path] : []))
  if (refused.length > 0)
    return yield* Effect.fail(new PrerequisiteError({ problems: HostCheck.permissions(refused) }))
})

/**
 * Observes, plans, applies, confirms, under the node lock. On failure the error's report says what was undone and
 * what is left; the Node object is told how it ended.
 */
export const run = Effect.fn("Run.run")(function* (
  request: Request,
): Effect.fn.Return<Report, RunError, Requirements> {
  return yield* underLock(request, Effect.flatMap(settled(request), carryOut))
})

/** Does something under the node lock; the Node object is told how it ended. */
export const underLock = Effect.fnUntraced(function* (
  request: Request,
  work: Effect.Effect<Report, RunError, Requirements>,
): Effect.fn.Return<Report, RunError, Requirements> {
  const shell = yield* HostShell
  const { lockSeconds } = conductOf(request)
  return yield* Effect.scoped(Effect.andThen(shell.lock(lockSeconds), work)).pipe(
    Effect.tap((report) => Events.finished(report)),
    Effect.tapError((error) => Events.failed(request.action, error)),
  )
})

/** Observes, plans, applies, confirms, with settings that hold on this node as they are; the caller holds the lock. */
export const carryOut = Effect.fnUntraced(function* (
  request: Request,
): Effect.fn.Return<Report, RunError, Requirements> {
  const progress = yield* Progress
  const facts = yield* observe(request)
  const first = yield* planStage(request, facts, undefined)
  yield* progress.tell({ _tag: "Planned", plan: first })
  yield* agreesWith(request, first)
  const done: Array<Done> = []
  let failure: ApplyError["cause"] | InUseError | undefined
  let confirmed: Confirmation | null = null
  const confirm = Effect.gen(function* () {
    const handlers = handlersOf(request, first)
    const testimony = testimonyOf(done) ?? (yield* Evidence.atPresent(first.runtime, handlers))
    return yield* Confirm.confirm(
      done.map((d) => d.stage),
      handlers,
      testimony,
    )
  })
  // Whatever a stage does or waits for may take minutes, in which others do something, too.
  let seen = { facts, stages: 0 }
  const look = Effect.gen(function* () {
    if (!didNothing(done.slice(seen.stages))) seen = { facts: yield* observe(request), stages: done.length }
    return seen.facts
  })
  for (const planned of first.stages) {
    // The node is promoted only for handlers that it really serves.
    if (planned.stage === "label") {
      confirmed = yield* confirm
      failure ??= Confirm.failureOf(confirmed)
    }
    if (failure !== undefined && !isCleanup(request.action)) break
    if (isLeftOut(planned.stage, failure, done)) continue
    const plannedFor = done.length > 0 && changesHost.has(planned.stage) ? undefined : first
    const result = yield* Effect.result(applyStage(request, plannedFor, look, planned.stage))
    if (Result.isSuccess(result)) {
      done.push(result.success)
      failure ??= result.success.outcome.failures[0]
      continue
    }
    // Once something was changed, a stage that cannot be planned is a failure of the run and not of its request.
    if (!changedAnything(done)) return yield* Effect.fail(result.failure)
    // What is in use outranks what else went wrong (decisions §12).
    failure = result.failure._tag === "InUseError" ? result.failure : (failure ?? result.failure)
  }
  if (failure === undefined && confirmed === null) {
    confirmed = yield* confirm
    failure = Confirm.failureOf(confirmed)
  }
  const report = RunReport.make(first, done, failure, confirmed)
  if (first.refused !== null)
    return yield* Effect.fail(
      failure === undefined
        ? new InUseError({ problems: [first.refused] })
        : new InUseError({ problems: [first.refused, CleanupMarks.notDemoted(failure.message)], report }),
    )
  if (failure?._tag === "InUseError")
    return yield* Effect.fail(new InUseError({ problems: failure.problems, report }))
  return failure === undefined ? report : yield* Effect.fail(new ApplyError({ report, cause: failure }))
})

/** What a cleanup leaves out once something went wrong; the rest is still tried (decisions §1). */
const isLeftOut = (
  stage: StageName,
  failure: ApplyError["cause"] | InUseError | undefined,
  done: ReadonlyArray<Done>,
): boolean => {
  if (failure === undefined) return false
  // A later cleanup has to find this node.
  if (stage === "unlabel") return true
  // Nothing goes from under a sandbox; a configuration that was taken back by then has to be loaded all the same.
  const isReverted = done.some((d) => d.stage.stage === "revert-cri")
  return failure._tag === "InUseError" && !(stage === "restart" && isReverted)
}

/** A reviewed plan is applied as it is, or not at all. */
const agreesWith = Effect.fnUntraced(function* (request: Request, made: Plan) {
  const { reviewed } = conductOf(request)
  const problems = reviewed === undefined ? [] : PlanReview.differences(reviewed, made)
  if (problems.length > 0) return yield* Effect.fail(new PlanDriftError({ problems }))
})

/** The same of a stage that is planned again: the host may have changed while those before it took their time. */
const stageAgreesWith = Effect.fnUntraced(function* (request: Request, made: Plan, stage: StageName) {
  const { reviewed } = conductOf(request)
  const problems = reviewed === undefined ? [] : PlanReview.stageDifferences(reviewed, made, stage)
  if (problems.length > 0) return yield* Effect.fail(new PlanDriftError({ problems }))
})

const changedAnything = (done: ReadonlyArray<Done>): boolean =>
  done.some((d) => d.outcome.steps.some((s) => s.outcome === "changed"))

/** Whether these stages only found what they wanted; then looking again a moment later would show the same. */
const didNothing = (done: ReadonlyArray<Done>): boolean =>
  done.every(
    ({ outcome, stage }) =>
      outcome.failures.length === 0 && stage.steps.every(({ action }) => !changes(action) && !waits(action)),
  )

/** Handlers that are expected to be served afterwards: those of an install that ran to its CRI stage. */
const handlersOf = (request: Request, planned: Plan): ReadonlyArray<string> =>
  request.action.startsWith("install") && planned.stages.some((s) => s.stage === "cri")
    ? planned.handlers
    : []

const testimonyOf = (done: ReadonlyArray<Done>): Testimony | undefined =>
  done.findLast((d) => d.outcome.testimony !== undefined)?.outcome.testimony

/** Plans a stage once more. A sandbox may have started since the first look, and keeps what it runs from. */
const planAgain = Effect.fnUntraced(function* (request: Request, facts: Facts, name: StageName) {
  const made = yield* planStage(request, facts, name)
  return made.refused === null ? made : yield* Effect.fail(new InUseError({ problems: [made.refused] }))
})

/** Applies one stage of a plan, or of one made of another look; starts over when the host changed since it was looked at. */
const applyStage = Effect.fnUntraced(function* (
  request: Request,
  planned: Plan | undefined,
  look: Effect.Effect<Facts, HostError, Requirements>,
  name: StageName,
): Effect.fn.Return<Done, DecisionError | HostError | PlanDriftError | InUseError, Requirements> {
  const { action, release, settings } = request
  const cleanup = isCleanup(action)
  let current = planned ?? (yield* planAgain(request, yield* look, name))
  yield* stageAgreesWith(request, current, name)
  for (let attempt = 1; ; attempt++) {
    const stage = { stage: name, steps: current.stages.find((s) => s.stage === name)?.steps ?? [] }
    const outcome = yield* Apply.stage({
      ...stage,
      installDir: settings.instance.installDir,
      stateDir: stateDirOf(request),
      onFailure: cleanup ? "go-on" : "undo",
      // Bytes that were taken back by hand are not brought forth again.
      rollback: action === "rollback" ? "never" : conductOf(request).rollback,
      author: { instance: Instance.name(settings.instance), release },
    })
    const drifted = outcome.failures.some((f) => f._tag === "HostError" && f.reason._tag === "Drifted")
    const startsOver = drifted && (cleanup || outcome.outcome === "undone") && attempt < attempts
    if (!startsOver) return { stage, outcome, restarts: current.restarts, notices: current.notices }
    current = yield* planAgain(request, yield* observe(request), name)
    yield* stageAgreesWith(request, current, name)
  }
})
