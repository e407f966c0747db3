/**
 * Observe, plan, apply, confirm: the whole program in one function. Every stage of an install observes afresh, and
 * all problems of all stages are found before the first step of the first one.
 */
import { Effect, Result } from "effect"
import * as HostCheck from "../decide/HostCheck.ts"
import * as Policies from "../decide/Policies.ts"
import type { Confirmation } from "../decide/Confirmation.ts"
import { type DecisionError, PrerequisiteError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as CleanupPlan from "../plan/CleanupPlan.ts"
import * as InstallPlan from "../plan/InstallPlan.ts"
import { type ActionName, changes, type Plan, type StageName } from "../plan/Plan.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import type { HostShell } from "../ports/HostShell.ts"
import type { NodeApi } from "../ports/NodeApi.ts"
import * as Apply from "./Apply.ts"
import * as Confirm from "./Confirm.ts"
import * as Observe from "./Observe.ts"
import { Progress } from "./Progress.ts"
import { ApplyError, type Report } from "./Report.ts"
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
}

/** Everything that a run needs from outside. */
export type Requirements = HostFiles | HostShell | NodeApi | Policies.PolicyServices

/** Stages that are planned again just before they run: those before may have taken minutes, or failed. */
const changesHost: ReadonlySet<StageName> = new Set([
  "artifacts",
  "cri",
  "remove-unused",
  "revert-cri",
  "remove-artifacts",
])

/** How often a stage starts over when the host changed under it. */
const attempts = 3

const isCleanup = (action: ActionName): boolean => action.startsWith("cleanup")

const stateDirOf = (request: Pick<Request, "stateDir" | "settings">): HostPath =>
  request.stateDir ?? Instance.defaultStateDir(request.settings.instance)

/** Observes and plans; nothing is touched. */
export const plan = (request: Request): Effect.Effect<Plan, DecisionError | HostError, Requirements> =>
  planStage(request, undefined)

/** Observes and plans one stage of the action, or all. */
const planStage = Effect.fn("Run.plan")(function* (
  request: Request,
  only: StageName | undefined,
): Effect.fn.Return<Plan, DecisionError | HostError, Requirements> {
  const { action, settings } = request
  const policies = yield* Policies.fromServices
  const facts = yield* Observe.observe({
    action,
    settings,
    release: request.release,
    stateDir: stateDirOf(request),
    namedRuntime: request.criRuntime,
    userDropIn: request.userDropIn,
    policies,
  })
  const input = { action, settings, facts, policies, ...(only === undefined ? {} : { only }) }
  const made = yield* Effect.fromResult(isCleanup(action) ? CleanupPlan.make(input) : InstallPlan.make(input))
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

/** Observes, plans, applies, confirms. On failure the error's report says what was undone and what is left. */
export const run = Effect.fn("Run.run")(function* (
  request: Request,
): Effect.fn.Return<Report, DecisionError | HostError | ApplyError, Requirements> {
  const progress = yield* Progress
  const first = yield* plan(request)
  yield* progress.tell({ _tag: "Planned", plan: first })
  const done: Array<Done> = []
  let failure: ApplyError["cause"] | undefined
  let confirmed: Confirmation | null = null
  const confirm = Effect.suspend(() =>
    Confirm.confirm(
      done.map((d) => d.stage),
      handlersOf(request, first),
    ),
  )
  for (const [at, planned] of first.stages.entries()) {
    // The node is promoted only for handlers that it really serves.
    if (planned.stage === "label") {
      confirmed = yield* confirm
      failure ??= Confirm.failureOf(confirmed)
    }
    if (failure !== undefined && !isCleanup(request.action)) break
    const plannedFor = at > 0 && changesHost.has(planned.stage) ? undefined : first
    const result = yield* Effect.result(applyStage(request, plannedFor, planned.stage, done))
    if (Result.isSuccess(result)) {
      done.push(result.success)
      failure ??= result.success.outcome.failures[0]
      continue
    }
    // Once something was changed, a stage that cannot be planned is a failure of the run and not of its request.
    if (!changedAnything(done)) return yield* Effect.fail(result.failure)
    failure ??= result.failure
  }
  if (failure === undefined && confirmed === null) {
    confirmed = yield* confirm
    failure = Confirm.failureOf(confirmed)
  }
  const report = RunReport.make(first, done, failure, confirmed)
  return failure === undefined ? report : yield* Effect.fail(new ApplyError({ report, cause: failure }))
})

const changedAnything = (done: ReadonlyArray<Done>): boolean =>
  done.some((d) => d.outcome.steps.some((s) => s.outcome === "changed"))

/** Handlers that are expected to be served afterwards: those of an install that ran to its CRI stage. */
const handlersOf = (request: Request, planned: Plan): ReadonlyArray<string> =>
  !isCleanup(request.action) && planned.stages.some((s) => s.stage === "cri") ? planned.handlers : []

/** Applies one stage of a plan; starts over from observation when the host changed since it was looked at. */
const applyStage = Effect.fnUntraced(function* (
  request: Request,
  planned: Plan | undefined,
  name: StageName,
  before: ReadonlyArray<Done>,
): Effect.fn.Return<Done, DecisionError | HostError, Requirements> {
  const cleanup = isCleanup(request.action)
  let current = planned ?? (yield* planStage(request, name))
  for (let attempt = 1; ; attempt++) {
    const steps = current.stages.find((s) => s.stage === name)?.steps ?? []
    // The labels are given up only when everything before went well (decisions §1).
    const skipped = cleanup && name === "unlabel" && before.some((d) => d.outcome.failures.length > 0)
    const stage = { stage: name, steps: skipped ? [] : steps }
    const outcome = yield* Apply.stage({
      ...stage,
      installDir: request.settings.instance.installDir,
      stateDir: stateDirOf(request),
      onFailure: cleanup ? "go-on" : "undo",
    })
    const drifted = outcome.failures.some((f) => f._tag === "HostError" && f.reason._tag === "Drifted")
    const startsOver = drifted && (cleanup || outcome.outcome === "undone") && attempt < attempts
    if (!startsOver) return { stage, outcome, restarts: current.restarts }
    current = yield* planStage(request, name)
  }
})
