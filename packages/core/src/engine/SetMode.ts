/**
 * Puts a shim into guest pull or into host sharing on this node: shows what that changes, or carries it out as the
 * install of the changed settings and records the choice. Source: cli.md; docs/decisions/0018.
 */
import { Effect, Result } from "effect"
import { mainConfigPathOf } from "../decide/CriConfig.ts"
import * as NydusModeChange from "../decide/NydusModeChange.ts"
import * as Policies from "../decide/Policies.ts"
import * as RecordedModes from "../decide/RecordedModes.ts"
import type { Facts } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import { type DecisionError, type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import { SettingsError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as Change from "../plan/Change.ts"
import * as InstallPlan from "../plan/InstallPlan.ts"
import { type Plan, puts } from "../plan/Plan.ts"
import type { HostError } from "../ports/HostError.ts"
import type { ModeReport } from "./ModeReport.ts"
import * as Observe from "./Observe.ts"
import * as OtherSnapshotters from "./OtherSnapshotters.ts"
import { ApplyError, type Report } from "./Report.ts"
import * as Run from "./Run.ts"

/** What is asked for. */
export interface SetModeRequest extends Omit<Run.Request, "action"> {
  readonly wish: NydusModeChange.ModeWish
  /** Whether the change is carried out, or only shown. */
  readonly apply: "show" | "apply"
}

/** Everything that a change of mode is decided from. */
interface Considered {
  readonly decision: NydusModeChange.Decision
  /** The settings as they hold on this node without it. */
  readonly asIs: Settings
  /** What speaks against carrying it out, besides what planning finds. */
  readonly refused: ReadonlyArray<Problem>
  /** Whether there is an install that it can be made to. */
  readonly installed: boolean
  /** Whether a run was cut off here; what it left half-done is settled by the next one, whatever that is. */
  readonly isCutOff: boolean
}

/** What carries it out: an install, with whatever settings. */
const installOf = (request: SetModeRequest): Run.Request => ({ ...request, action: "install" })

/** Shows a change of mode, or carries it out under the node lock. */
export const run = Effect.fn("SetMode.run")(function* (
  request: SetModeRequest,
): Effect.fn.Return<ModeReport, Run.RunError, Run.Requirements> {
  if (request.apply === "show") return yield* show(request)
  let change: NydusModeChange.ModeChange | undefined
  const work = Effect.gen(function* () {
    const considered = yield* consider(request)
    const { asIs, decision, refused } = considered
    change = decision.change
    if (refused.length > 0) return yield* refusal(request, considered)
    const besides = yield* alsoChanged(request, considered)
    if (besides.length > 0) return yield* new PrerequisiteError({ problems: [changesMore(besides)] })
    return yield* Effect.catch(
      Run.carryOut({ ...installOf(request), settings: decision.settings }),
      (error) => goBack(request, asIs, error),
    )
  })
  const report = yield* Run.underLock(installOf(request), work)
  return reportOf(change!, report.restarts, report)
})

/**
 * Fails with the error. Where the CRI runtime keeps the mode that it had, Kata's own configuration must not stay with the
 * other one: without forced guest pull, e.g., the host would pull what only guests may see.
 */
const goBack = Effect.fnUntraced(function* (
  request: SetModeRequest,
  asIs: Settings,
  error: Run.RunError,
): Effect.fn.Return<never, Run.RunError, Run.Requirements> {
  if (error._tag !== "ApplyError" || !isHalf(error.report)) return yield* Effect.fail(error)
  const back = yield* Effect.result(
    Run.carryOut({ ...request, action: "install-stage-artifacts", settings: asIs }),
  )
  if (Result.isSuccess(back))
    return yield* new ApplyError({
      report: { ...error.report, notices: [...error.report.notices, alsoBack] },
      cause: error.cause,
    })
  const failures = [...error.report.failures, back.failure.message]
  return yield* new ApplyError({
    report: { ...error.report, outcome: "incomplete", failures },
    cause: error.cause,
  })
})

const alsoBack: Notice = {
  code: "set-mode-taken-back",
  severity: "info",
  message:
    "Kata's own configuration is what it was, too, and the mode is not recorded. What was set up for the mode goes with the next install.",
}

/** Whether only the stage before that of the CRI runtime was carried out. */
const isHalf = ({ outcome, stages }: Report): boolean => {
  const of = (name: Report["stages"][number]["stage"]) => stages.find(({ stage }) => stage === name)?.outcome
  return outcome === "failed" && of("artifacts") === "done" && of("cri") !== "done"
}

const show = Effect.fnUntraced(function* (
  request: SetModeRequest,
): Effect.fn.Return<ModeReport, Run.RunError, Run.Requirements> {
  const considered = yield* consider(request)
  const { decision, installed, refused } = considered
  if (refused.length > 0) return yield* refusal(request, considered)
  if (!installed) {
    const notices = [...decision.change.notices, notInstalled]
    return reportOf({ ...decision.change, notices }, [], null)
  }
  const plan = yield* Run.planSettled({ ...installOf(request), settings: decision.settings })
  const { change } = decision
  // What an install with it would say, the host check's findings among it; nothing is recorded yet.
  const said = plan.notices.filter(({ code }) => code !== "set-mode-choice-kept")
  const besides = yield* alsoChanged(request, considered)
  const warned = besides.length === 0 ? [] : [wouldChangeMore(besides)]
  return reportOf({ ...change, notices: [...change.notices, ...warned, ...said] }, plan.restarts, null)
})

/** How many paths are named one by one. */
const mostNamed = 5

/** What a plan writes, removes and unpacks. */
const changedBy = (plan: Plan): ReadonlySet<string> =>
  new Set([
    ...puts(plan).flatMap((change) => (Change.isNoop(change) ? [] : [change.path])),
    ...plan.stages.flatMap(({ steps }) =>
      steps.flatMap(({ action }) =>
        action._tag === "Extract" ? action.components.map(({ name }) => `the component ${name}`) : [],
      ),
    ),
  ])

/**
 * What carrying it out would change besides the mode: nobody asked for that, and the changed settings do not show it.
 * An install with the settings as they are would change it, too. Where that alone would, it is the mode that is there
 * already, from a run that ended early.
 */
const alsoChanged = Effect.fnUntraced(function* (
  request: SetModeRequest,
  { asIs, decision, isCutOff }: Considered,
): Effect.fn.Return<ReadonlyArray<string>, never, Run.Requirements> {
  if (isCutOff) return []
  const of = (settings: Settings) => Effect.result(Run.planSettled({ ...installOf(request), settings }))
  const [without, withMode] = [yield* of(asIs), yield* of(decision.settings)]
  // What keeps an install from being planned is told by the one that is carried out.
  if (Result.isFailure(without) || Result.isFailure(withMode)) return []
  const both = changedBy(withMode.success)
  return [...changedBy(without.success)].filter((what) => both.has(what))
})

const moreThanTheMode = (besides: ReadonlyArray<string>): string => {
  const more = besides.length > mostNamed ? ` and ${besides.length - mostNamed} more` : ""
  return `what has nothing to do with the mode: ${besides.slice(0, mostNamed).join(", ")}${more}. These settings are not those of the install here, or somebody changed what it put there.`
}

const useTheSame =
  "Use the settings that it was installed with, e.g. by running this in the pod of the DaemonSet, or install with these first."

/** One node would get what the whole fleet has to get, or nobody. */
const changesMore = (besides: ReadonlyArray<string>): Problem => ({
  code: "E_SET_MODE_OTHER_SETTINGS",
  message: `With these settings --apply would also change ${moreThanTheMode(besides)}`,
  remedy: useTheSame,
})

const wouldChangeMore = (besides: ReadonlyArray<string>): Notice => ({
  code: "set-mode-more-changes",
  severity: "warning",
  message: `--apply is refused with these settings, since it would also change ${moreThanTheMode(besides)}`,
  remedy: useTheSame,
})

const reportOf = (
  { changes, from, ...change }: NydusModeChange.ModeChange,
  restarts: Plan["restarts"],
  report: Report | null,
): ModeReport => ({
  ...change,
  from: from ?? null,
  applied: report !== null,
  changes: changes.map(({ after, before, variable }) => ({
    variable,
    before: before ?? null,
    after: after ?? null,
  })),
  whyTwoNames: NydusModeChange.whyTwoNames,
  restarts,
  report,
})

/** Looks at the node and decides; fails where the settings have no such shim. */
const consider = Effect.fnUntraced(function* (
  request: SetModeRequest,
): Effect.fn.Return<Considered, DecisionError | HostError, Run.Requirements> {
  const { settings, wish } = request
  const policies = yield* Policies.fromServices
  const facts = yield* Observe.observe({
    // Of an install, the archives are the one thing that says nothing here.
    action: "install-stage-cri",
    settings,
    release: request.release,
    stateDir: Run.stateDirOf(request),
    namedRuntime: request.criRuntime,
    userDropIn: request.userDropIn,
    policies,
  })
  const detected = InstallPlan.detect({ settings, facts, policies })
  const others = Result.isSuccess(detected)
    ? yield* OtherSnapshotters.observe(
        facts,
        settings,
        mainConfigPathOf({ settings, detected: detected.success }),
      )
    : { found: [], unseen: ["the CRI runtime could not be told"] }
  const choices = FactsOf.ledgerOf(facts)?.modes ?? []
  // Without the ledger nobody can tell ours from others; planning says what is wrong with it.
  const sharing =
    facts.ledger._tag === "Unreadable" ? [] : NydusModeChange.sharing(settings, wish.mode, others)
  const decided = NydusModeChange.decide(settings, choices, wish)
  if (Result.isFailure(decided))
    return yield* new SettingsError({ problems: [...decided.failure.problems, ...sharing] })
  const { change, settings: changed } = decided.success
  return {
    asIs: RecordedModes.layOver(settings, choices),
    decision: {
      change: { ...change, notices: [...change.notices, ...NydusModeChange.unseenOthers(others)] },
      settings: changed,
    },
    refused: [
      ...(Result.isSuccess(detected) && detected.success.row.layout === "crio" ? [needsContainerd] : []),
      ...sharing,
      ...(isInstalled(facts)
        ? otherSettings(facts, changed)
        : request.apply === "apply"
          ? [nothingHere]
          : []),
    ],
    installed: isInstalled(facts),
    isCutOff: facts.ledger._tag === "Recovered",
  }
})

/** An older install that left no ledger is taken over by installing, and not by the way. */
const isInstalled = ({ ledger }: Pick<Facts, "ledger">): boolean =>
  ledger._tag !== "None" && ledger._tag !== "Adopted"

const needsContainerd: Problem = {
  code: "E_SET_MODE_NEEDS_CONTAINERD",
  message:
    "nydus is a snapshotter of containerd; this node runs CRI-O, which has none, so there is no mode to change.",
  remedy: "Leave it. With CRI-O the pull type alone says whether a guest pulls (PULL_TYPE_MAPPING).",
}

const nothingHere: Problem = {
  code: "E_SET_MODE_NOT_INSTALLED",
  message: "Nothing is installed here by this program, so there is no mode to change.",
  remedy: "Install with the changed settings; set-mode without --apply shows them.",
}

/** What keeps a change of mode from changing the mode and nothing else. */
const otherSettings = (facts: Facts, { handlers }: Settings): ReadonlyArray<Problem> => {
  // A stage that was cut off may have written either; the install that this comes to settles it.
  if (facts.ledger._tag !== "Read") return []
  const offered = facts.ledger.ledger.handlers
  const asked = handlers.map(({ name }) => name)
  const isSame = offered.length === asked.length && asked.every((name) => offered.includes(name))
  if (isSame) return []
  return [
    {
      code: "E_SET_MODE_OTHER_SETTINGS",
      message: `These settings ask for the handlers ${listed(asked)}, and the install here offers ${listed(offered)}; more than the mode would change.`,
      remedy: useTheSame,
    },
  ]
}

const listed = (names: ReadonlyArray<string>): string => (names.length === 0 ? "none" : names.join(", "))

const notInstalled: Notice = {
  code: "set-mode-not-installed",
  severity: "info",
  message:
    "Nothing is installed here by this program, so there is nothing that --apply could change; install with the changed settings.",
}

/** Fails with what was found and with what planning finds besides, all at once. */
const refusal = Effect.fnUntraced(function* (
  request: SetModeRequest,
  { decision, installed, refused }: Considered,
): Effect.fn.Return<never, DecisionError | HostError, Run.Requirements> {
  if (!installed) return yield* new PrerequisiteError({ problems: refused })
  const planned = yield* Effect.result(
    Run.planSettled({ ...installOf(request), settings: decision.settings }),
  )
  if (Result.isSuccess(planned)) return yield* new PrerequisiteError({ problems: refused })
  const { failure } = planned
  if (failure._tag === "HostError" || failure._tag === "UnseenError") return yield* Effect.fail(failure)
  const problems = [...refused, ...failure.problems]
  return yield* failure._tag === "SettingsError"
    ? new SettingsError({ problems })
    : new PrerequisiteError({ problems })
})
