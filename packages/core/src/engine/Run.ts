/**
 * Observe, plan, apply, confirm: the whole program in one function. Every stage of an install observes afresh, and
 * all problems of all stages are found before the first step of the first one.
 */
import { Effect } from "effect"
import * as HostCheck from "../decide/HostCheck.ts"
import * as Policies from "../decide/Policies.ts"
import { type DecisionError, PrerequisiteError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as CleanupPlan from "../plan/CleanupPlan.ts"
import * as InstallPlan from "../plan/InstallPlan.ts"
import { type ActionName, changes, type Plan, type StageName, type StagePlan } from "../plan/Plan.ts"
import { summary } from "../plan/PlanDocument.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import type { HostShell } from "../ports/HostShell.ts"
import type { NodeApi } from "../ports/NodeApi.ts"
import * as Apply from "./Apply.ts"
import * as Observe from "./Observe.ts"
import { Progress } from "./Progress.ts"
import { ApplyError, type Report } from "./Report.ts"

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
const changesHost: ReadonlySet<StageName> = new Set(["artifacts", "cri", "revert-cri", "remove-artifacts"])

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

/** Observes, plans, applies. On failure the error's report says what was undone and what is left. */
export const run = Effect.fn("Run.run")(function* (
  request: Request,
): Effect.fn.Return<Report, DecisionError | HostError | ApplyError, Requirements> {
  const progress = yield* Progress
  const first = yield* plan(request)
  yield* progress.tell({ _tag: "Planned", plan: first })
  const outcomes: Array<Apply.StageOutcome> = []
  let restarts = first.restarts
  for (const [at, { stage }] of first.stages.entries()) {
    const current = at > 0 && changesHost.has(stage) ? yield* planStage(request, stage) : first
    if (stage === "cri") restarts = current.restarts
    const outcome = yield* applyStage(request, current, stage, outcomes)
    outcomes.push(outcome)
    if (outcome.outcome !== "done" && !isCleanup(request.action)) break
  }
  const report = reportOf(first, restarts, outcomes)
  const failure = outcomes.flatMap((o) => o.failures)[0]
  return failure === undefined ? report : yield* Effect.fail(new ApplyError({ report, cause: failure }))
})

/** Applies one stage of a plan; starts over from observation when the host changed since it was looked at. */
const applyStage = Effect.fnUntraced(function* (
  request: Request,
  planned: Plan,
  name: StagePlan["stage"],
  before: ReadonlyArray<Apply.StageOutcome>,
): Effect.fn.Return<Apply.StageOutcome, DecisionError | HostError, Requirements> {
  const cleanup = isCleanup(request.action)
  let current = planned
  for (let attempt = 1; ; attempt++) {
    const steps = current.stages.find((s) => s.stage === name)?.steps ?? []
    // Marks and the ledger are given up only when everything before went well (decisions §1).
    const skipped = cleanup && name === "unlabel" && before.some((o) => o.failures.length > 0)
    const outcome = yield* Apply.stage({
      stage: name,
      steps: skipped ? [] : steps,
      installDir: request.settings.instance.installDir,
      stateDir: stateDirOf(request),
      onFailure: cleanup ? "go-on" : "undo",
    })
    const drifted = outcome.failures.some((f) => f._tag === "HostError" && f.reason._tag === "Drifted")
    if (cleanup || !drifted || outcome.outcome !== "undone" || attempt === attempts) return outcome
    current = yield* planStage(request, name)
  }
})

const reportOf = (
  first: Plan,
  restarts: Plan["restarts"],
  outcomes: ReadonlyArray<Apply.StageOutcome>,
): Report => {
  const failures = outcomes.flatMap((o) => o.failures.map((f) => f.message))
  const incomplete = outcomes.some((o) => o.incomplete)
  return {
    action: first.action,
    instance: first.instance,
    runtime: first.runtime,
    outcome: failures.length === 0 ? "done" : incomplete ? "incomplete" : "failed",
    handlers: first.handlers,
    stages: first.stages
      .map(
        (planned) =>
          outcomes.find((o) => o.stage === planned.stage) ?? {
            stage: planned.stage,
            outcome: "not-reached" as const,
            steps: planned.steps.map((s) => ({
              summary: summary(s.action),
              because: s.because,
              outcome: "not-reached" as const,
            })),
          },
      )
      .map(({ outcome, stage, steps }) => ({ stage, outcome, steps })),
    // A configuration that was taken back is what the runtime has loaded already.
    restarts: outcomes.some((o) => (o.stage === "cri" || o.stage === "revert-cri") && o.outcome !== "undone")
      ? restarts
      : [],
    left: outcomes.flatMap((o) => o.left),
    notices: first.notices,
    failures,
  }
}
