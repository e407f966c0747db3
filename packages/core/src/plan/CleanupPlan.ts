/**
 * Answers: what does a cleanup do on this node? It takes away what the ledger says is ours, whatever the settings
 * say now, in the one order of decisions §1: demote, configuration, artifacts, delete marks, restart.
 */
import { Result } from "effect"
import type { CleanupVerdict } from "../decide/CleanupPolicy.ts"
import * as ContainerdImports from "../decide/ContainerdImports.ts"
import * as Neighbours from "../decide/Neighbours.ts"
import type * as InUse from "../decide/InUse.ts"
import * as Fact from "../input/Fact.ts"
import * as FactsOf from "../input/Facts.ts"
import {
  type DecisionError,
  type Notice,
  PrerequisiteError,
  type Problem,
  UnseenError,
} from "../input/Problem.ts"
import * as HostPath from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import * as CleanupMarks from "./CleanupMarks.ts"
import * as CleanupUse from "./CleanupUse.ts"
import * as CleanupRestart from "./CleanupRestart.ts"
import * as CleanupStages from "./CleanupStages.ts"
import type { PlanInput } from "./InstallPlan.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Ledger from "./Ledger.ts"
import * as NydusData from "./NydusData.ts"
import * as Preconditions from "./Preconditions.ts"
import { type ActionName, nothing as nothingPlanned, type Plan, type StagePlan, step } from "./Plan.ts"
import * as Predict from "./Predict.ts"
import * as StagesApart from "./StagesApart.ts"

type CleanupStage = "revert-cri" | "remove-artifacts"

const stagesOf: Readonly<Partial<Record<ActionName, ReadonlyArray<CleanupStage>>>> = {
  cleanup: ["revert-cri", "remove-artifacts"],
  "cleanup-stage-revert-cri": ["revert-cri"],
  "cleanup-stage-remove-artifacts": ["remove-artifacts"],
}

/** Every path that planning a cleanup compares. */
export const pathsOfInterest = (facts: FactsOf.Facts): ReadonlyArray<HostPath.HostPath> => {
  const ledger = FactsOf.ledgerOf(facts)
  return ledger === undefined
    ? [facts.stateDir]
    : [
        ...ledger.files.map((f) => f.path),
        ...ledger.edits.map((e) => e.path),
        ...ledger.directories,
        ...(facts.ledger._tag === "Adopted"
          ? [...HostPath.ancestors(facts.stateDir), ...Leftovers.ofState(facts.stateDir)]
          : []),
      ]
}

/** Plans a cleanup or one of its stages. */
export const make = (input: PlanInput): Result.Result<Plan, DecisionError> =>
  Result.flatMap(Preconditions.check(input), () => {
    const otherInstances = Neighbours.names(input.facts, instanceName(input.settings.instance))
    // The staged actions are the dispatcher's decision; only the whole cleanup asks whether it may (spec 09 §3).
    const ownDaemonSet = input.action === "cleanup" ? input.facts.ownDaemonSet : notAsked
    return Result.flatMap(input.policies.cleanup({ ownDaemonSet, otherInstances }), (verdict) =>
      verdict.scope === "skip"
        ? Result.succeed(nothing(input, "still-wanted", `Nothing is removed: ${verdict.because}.`))
        : whole(input, verdict),
    )
  })

const notAsked = Fact.unknown("not-asked", "the dispatcher decided")

const whole = (input: PlanInput, verdict: CleanupVerdict): Result.Result<Plan, DecisionError> => {
  const ledger = FactsOf.ledgerOf(input.facts)
  return ledger === undefined ? Result.succeed(nothingToRemove(input)) : within(input, ledger, verdict)
}

/**
 * Whether an action removes what was unpacked. Configuration alone may always be taken back; removing programs ends
 * what runs from them.
 */
export const removes = (action: ActionName): boolean => (stagesOf[action] ?? []).includes("remove-artifacts")

const free: InUse.Guard = { _tag: "GoOn", notice: undefined }

/** Only the labels are demoted: no new sandbox comes, and those that run are left alone (decisions §1). */
const refusedPlan = (input: PlanInput, ledger: Ledger.Ledger, refused: Problem): Plan => ({
  ...nothing(input, "in-use", "Nothing is removed while it is in use; the node takes no new sandboxes."),
  runtime: ledger.runtime,
  stages: CleanupMarks.demotion(input),
  sandboxes: CleanupUse.sandboxes(input, ledger),
  refused,
})

/** Files of others that hold an edit of ours and cannot be looked into: our drop-in has to stay, too (law L5). */
const outOfReach = (input: PlanInput, ledger: Ledger.Ledger): ReadonlyArray<Problem> =>
  !(stagesOf[input.action] ?? []).includes("revert-cri")
    ? []
    : ledger.edits.flatMap((edit): ReadonlyArray<Problem> => {
        const { path } = edit
        const state = FactsOf.at(input.facts, path)
        if (state._tag === "File") return notToml(edit, state.text)
        if (state._tag === "Absent") return []
        return [
          {
            code: "E_CONTAINERD_CONFIG_UNREADABLE",
            path,
            message: `${path} holds an edit of ours, but ${state._tag === "Unreadable" ? `cannot be read (${state.detail})` : `is a ${state._tag.toLowerCase()} now`}. Removing what it refers to could keep the CRI runtime from starting.`,
            remedy: "Give this program permission to read the file, or put it back, and try again.",
          },
        ]
      })

/** An import that cannot be taken out would name a file that is gone, which keeps containerd from starting. */
const notToml = (edit: Ledger.Edit, text: string): ReadonlyArray<Problem> => {
  if (edit.kind !== "import") return []
  const without = ContainerdImports.remove(text, edit.elements, edit.region)
  return Result.isSuccess(without)
    ? []
    : [
        {
          code: "E_CONTAINERD_CONFIG_NOT_TOML",
          path: edit.path,
          message: `${edit.path} is not valid TOML (${without.failure.detail}), so our import cannot be taken out of it. Removing the file that it names would keep the CRI runtime from starting.`,
          remedy: "Repair the file, and try again.",
        },
      ]
}

const within = (
  input: PlanInput,
  ledger: Ledger.Ledger,
  verdict: CleanupVerdict,
): Result.Result<Plan, DecisionError> => {
  const problems = outOfReach(input, ledger)
  if (problems.length > 0) return Result.fail(new PrerequisiteError({ problems }))
  // Nothing runs from what is gone: a ledger may be there for a restart alone.
  const isGuarded = removes(input.action) && !Ledger.ownsNothing(ledger)
  const guard = isGuarded ? CleanupUse.guard(input, ledger) : free
  switch (guard._tag) {
    case "CannotTell":
      return Result.fail(new UnseenError({ problems: [guard.problem] }))
    case "Refuse":
      return Result.succeed(refusedPlan(input, ledger, guard.problem))
    case "GoOn":
      return Result.succeed(makeWith(input, ledger, { verdict, use: guard.notice }))
  }
}

const nothingRecorded = ({ facts, settings }: PlanInput): string =>
  `There is no ledger at ${Ledger.pathIn(facts.stateDir)}, so nothing on this host belongs to the instance ${instanceName(settings.instance)}.`

/** An install that was cut off early leaves empty directories at most, and a node that it had claimed. */
const nothingToRemove = (input: PlanInput): Plan => {
  const leftovers = Leftovers.steps(input.facts)
  // What nydus stored outlives an install, and is found by its name.
  const data = NydusData.of(input)
  const path = Ledger.pathIn(input.facts.stateDir)
  const steps = [
    ...leftovers,
    // Taking them away is journalled; the journal goes with the ledger, before its directory.
    ...(leftovers.length === 0
      ? []
      : [step({ _tag: "Record", path, ledger: null } as const, "nothing is ours")]),
    ...Leftovers.emptyDirectories(input.facts, input.settings.instance.installDir),
  ]
  const bare = nothing(input, "no-install", nothingRecorded(input))
  const dataSteps = [...data.removal, ...data.purge]
  return {
    ...bare,
    notices: [...bare.notices, ...data.notices],
    residues: data.residues,
    stages: [
      ...(dataSteps.length === 0 ? [] : [{ stage: "revert-cri" as const, steps: dataSteps }]),
      ...(steps.length === 0 ? [] : [{ stage: "remove-artifacts" as const, steps }]),
      ...(CleanupMarks.isMarked(input) ? CleanupMarks.release(input) : []),
    ],
  }
}

const nothing = ({ action, settings }: PlanInput, code: string, message: string): Plan =>
  nothingPlanned({ action, instance: instanceName(settings.instance) }, { code, message })

const makeWith = (
  input: PlanInput,
  ledger: Ledger.Ledger,
  { verdict, use }: { readonly verdict: CleanupVerdict; readonly use: Notice | undefined },
): Plan => {
  const { action, settings } = input
  const asked = (stagesOf[action] ?? []).filter((stage) => input.only === undefined || input.only === stage)
  const due = CleanupRestart.decide(input, ledger, verdict)
  const restart = asked.includes("revert-cri") ? due : CleanupRestart.none
  const stages: Array<StagePlan> = []
  const notices: Array<Notice> = [...(use === undefined ? [] : [use]), ...restart.notices]
  let facts = input.facts
  const take = <A extends CleanupStages.StageResult>(
    stage: CleanupStage,
    of: (facts: FactsOf.Facts) => A,
  ): A | undefined => {
    if (!asked.includes(stage)) return undefined
    const result = of(facts)
    stages.push({ stage, steps: result.steps })
    notices.push(...result.notices)
    facts = Predict.after(facts, result.steps)
    return result
  }
  const data = NydusData.of(input)
  let books: CleanupRestart.Books | undefined
  const order = CleanupRestart.order(input, ledger, verdict)
  for (const part of order) {
    if (part === "demote") stages.push(...CleanupMarks.demotion(input))
    // Snapshotters and their data are parts of the same stage.
    if (part === "configuration")
      take("revert-cri", (at) => CleanupStages.revertCri(at, settings.instance, { order, data, restart }))
    if (part === "artifacts")
      books = take("remove-artifacts", (at) =>
        CleanupStages.removeArtifacts(at, settings.instance, due),
      )?.books
    if (part === "release") stages.push(...CleanupMarks.release(input))
    if (part === "restart") stages.push(...CleanupRestart.forgetting(restart, books))
  }
  if (action === "cleanup-stage-remove-artifacts") {
    notices.push(...StagesApart.stillConfigured(input.facts, ledger, settings.instance.installDir))
    if (books !== undefined) notices.push(...CleanupRestart.stillOwed(due))
  }
  return {
    action,
    instance: instanceName(settings.instance),
    runtime: ledger.runtime,
    handlers: asked.includes("revert-cri") ? ledger.handlers : [],
    stages,
    restarts: restart.restarts,
    sandboxes: CleanupUse.sandboxes(input, ledger),
    refused: null,
    notices: [...notices, ...(asked.includes("revert-cri") ? data.notices : [])],
    residues: [...residues, ...data.residues],
  }
}

/** What a cleanup leaves on purpose, wherever it runs (decisions §3). */
const residues: Plan["residues"] = ["/run/lock/kata-deploy.lock"]
