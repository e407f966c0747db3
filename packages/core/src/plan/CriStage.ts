/**
 * Answers: which steps make the CRI runtime offer our handlers, and does it have to be restarted?
 * Source: spec 03, 04, 09 §6; decisions §4, §5.
 */
import { Result } from "effect"
import * as CriConfig from "../decide/CriConfig.ts"
import * as RecordedModes from "../decide/RecordedModes.ts"
import * as RestartNeed from "../decide/RestartNeed.ts"
import type { Policies } from "../decide/Policies.ts"
import * as FactsOf from "../input/Facts.ts"
import type { DecisionError } from "../input/Problem.ts"
import type { FileState } from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as Ledger from "./Ledger.ts"
import * as CriPrediction from "./CriPrediction.ts"
import { record, stateDirectories, type StageInput, type StageResult, startLedger } from "./ArtifactsStage.ts"
import { puts, type Restart, type Step, step } from "./Plan.ts"
import * as Reconcile from "./Reconcile.ts"

/** Seconds that a unit gets to become active after a restart (spec 09 §12). */
export const unitSeconds = 300

/** The stage, and the restart that it asks for. */
export interface CriStageResult extends StageResult {
  readonly restart: typeof Restart.Type | undefined
  /** The restart of the runtime that was configured before this one. */
  readonly former: typeof Restart.Type | undefined
}

/** Plans the stage. */
export const plan = (
  input: StageInput & { readonly policies: Policies },
): Result.Result<CriStageResult, DecisionError> =>
  CriConfig.decide(input).pipe(Result.flatMap((config) => planWith(input, config)))

const planWith = (
  input: StageInput,
  config: CriConfig.CriConfig,
): Result.Result<CriStageResult, DecisionError> => {
  const { detected, facts, settings } = input
  const desired = [...stateDirectories(facts), ...RecordedModes.withReasons(config.desired, settings)]
  const reconciled = Reconcile.reconcile({
    stage: "cri",
    desired,
    ledger: startLedger(input),
    neighbours: facts.neighbours,
    deadEnds: facts.deadEnds,
    look: (path) => FactsOf.at(facts, path),
  })
  return Result.flatMap(reconciled, (stage) => {
    const before = FactsOf.ledgerOf(facts)
    const former = RestartNeed.ofFormer({
      former: before?.handlers.length === 0 ? undefined : before?.runtime,
      row: detected.row,
      units: facts.units,
      control: facts.control,
    })
    const ledger = {
      // With the handlers that they are made for, so that a stage that is taken back takes them back as well.
      ...Ledger.withModes(stage.ledger, settings.recordedModes),
      runtime: detected.row.runtime,
      handlers: settings.handlers.map((h) => h.name),
      loaded: config.loaded,
    }
    const vacated = Reconcile.vacate(stage.ledger, desired, Reconcile.removedBy(stage.removals))
    const steps = [...stage.directories, ...stage.puts, ...stage.removals, ...vacated]
    const after = lookAfter(facts, steps)
    let digested: string | undefined
    const digest = (): string => (digested ??= RestartNeed.loadedDigest(config.loaded, after))
    // What was never seen to start with files of ours has not loaded these, whatever they are.
    const mayHaveLoaded = ledger.startedWith !== null || ledger.restarting !== undefined
    // What only these steps bring about was not there at the last start, and whatever was has been loaded since, maybe.
    const brings = puts({ stages: [{ stage: "cri", steps }] }).some(
      (change) => config.loaded.includes(change.path) && !Change.isNoop(change),
    )
    const hasLoaded =
      mayHaveLoaded &&
      !brings &&
      RestartNeed.hasLoaded({ ledger, digest: digest(), run: facts.sight.runtimeRun })
    const restart = hasLoaded ? undefined : RestartNeed.of(detected.row, facts.control)
    const { restartDue: _due, restarting: _, ...rest } = ledger
    // Whoever starts it from now on starts it with what is on disk, so what it was started with before says nothing.
    const settled = { ...rest, startedWith: hasLoaded ? digest() : null }
    const started = restart?.due === "ours" ? { ...settled, startedWith: digest() } : settled
    // The restart may end this program as well; the next run has to know that it was asked for.
    const recorded = record(
      facts,
      restart?.due === "ours" ? { ...settled, restarting: restartingOf(facts, digest()) } : started,
      stage.puts,
    )
    const predicted = CriPrediction.notices({ ...input, loaded: config.loaded, lookAfter: after })
    return Result.map(predicted, (notices) => ({
      steps: [
        ...steps,
        ...(former?.due === "ours"
          ? restartSteps(former.unit, "it was configured before, and still offers handlers that are gone")
          : []),
        ...recorded,
        ...(restart?.due === "ours"
          ? [
              ...restartSteps(restart.unit, "it has not loaded the configuration that is on disk"),
              step(
                {
                  _tag: "AwaitServed",
                  unit: restart.unit,
                  socket: detected.row.socket,
                  handlers: ledger.handlers,
                } as const,
                "a runtime that is active need not have loaded them",
              ),
              ...record(facts, started, stage.puts),
            ]
          : []),
      ],
      ledger: started,
      notices: [...config.notices, ...stage.notices, ...notices],
      restart,
      former,
    }))
  })
}

/** What the ledger says of a restart that is about to be asked for. */
const restartingOf = ({ sight }: FactsOf.Facts, digest: string): Required<Ledger.Ledger>["restarting"] => ({
  with: digest,
  since: sight.runtimeRun._tag === "Known" ? (sight.runtimeRun.value.activeSince ?? null) : null,
})

/** Reload, restart, and wait until the unit is active. */
export const restartSteps = (unit: string, because: string): ReadonlyArray<Step<HostAction>> => [
  step({ _tag: "Unit", verb: "reload", unit } as const, "unit files may have changed"),
  step({ _tag: "Unit", verb: "restart", unit } as const, because),
  step({ _tag: "AwaitUnit", unit, seconds: unitSeconds } as const, "the node serves nothing before"),
]

/** What is at a path once the steps are done. */
const lookAfter = (
  facts: FactsOf.Facts,
  steps: ReadonlyArray<Step<HostAction>>,
): ((path: HostPath) => FileState) => {
  const changed = new Map(
    puts({ stages: [{ stage: "cri", steps: [...steps] }] }).map((c) => [c.path, c.after]),
  )
  return (path) => changed.get(path) ?? FactsOf.at(facts, path)
}
