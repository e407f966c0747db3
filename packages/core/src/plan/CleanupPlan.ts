/**
 * Answers: what does a cleanup do on this node? It takes away what the ledger says is ours, whatever the settings
 * say now, in the one order of decisions §1: demote, configuration, artifacts, delete marks, restart.
 */
import { Result } from "effect"
import type { CleanupVerdict } from "../decide/CleanupPolicy.ts"
import * as ContainerdImports from "../decide/ContainerdImports.ts"
import * as Neighbours from "../decide/Neighbours.ts"
import type * as InUse from "../decide/InUse.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as Fact from "../input/Fact.ts"
import * as FactsOf from "../input/Facts.ts"
import {
  type DecisionError,
  type Notice,
  PrerequisiteError,
  type Problem,
  UnseenError,
} from "../input/Problem.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { type Instance, name as instanceName } from "../model/Instance.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as CleanupMarks from "./CleanupMarks.ts"
import * as CleanupUse from "./CleanupUse.ts"
import * as CleanupRestart from "./CleanupRestart.ts"
import type { PlanInput } from "./InstallPlan.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Ledger from "./Ledger.ts"
import * as Preconditions from "./Preconditions.ts"
import { type ActionName, type Plan, put, type StagePlan, type Step, step } from "./Plan.ts"
import * as Predict from "./Predict.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

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
    : [...ledger.files.map((f) => f.path), ...ledger.edits.map((e) => e.path), ...ledger.directories]
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

/** Configuration alone may always be taken back; removing programs ends what runs from them. */
const removes = (action: ActionName): boolean => (stagesOf[action] ?? []).includes("remove-artifacts")

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
  const guard = removes(input.action) ? CleanupUse.guard(input, ledger) : free
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
  const path = Ledger.pathIn(input.facts.stateDir)
  const steps = [
    ...leftovers,
    // Taking them away is journalled; the journal goes with the ledger, before its directory.
    ...(leftovers.length === 0
      ? []
      : [step({ _tag: "Record", path, ledger: null } as const, "nothing is ours")]),
    ...Leftovers.emptyDirectories(input.facts, input.settings.instance.installDir),
  ]
  return {
    ...nothing(input, "no-install", nothingRecorded(input)),
    stages: [
      ...(steps.length === 0 ? [] : [{ stage: "remove-artifacts" as const, steps }]),
      ...(CleanupMarks.isMarked(input) ? CleanupMarks.release(input) : []),
    ],
  }
}

const nothing = ({ action, settings }: PlanInput, code: string, message: string): Plan => ({
  action,
  instance: instanceName(settings.instance),
  runtime: "none",
  handlers: [],
  stages: [],
  restarts: [],
  sandboxes: null,
  refused: null,
  notices: [{ code, severity: "info", message }],
  residues: [],
})

interface StageResult {
  readonly steps: ReadonlyArray<Step<HostAction>>
  readonly notices: ReadonlyArray<Notice>
}

const makeWith = (
  input: PlanInput,
  ledger: Ledger.Ledger,
  { verdict, use }: { readonly verdict: CleanupVerdict; readonly use: Notice | undefined },
): Plan => {
  const { action, settings } = input
  const asked = (stagesOf[action] ?? []).filter((stage) => input.only === undefined || input.only === stage)
  const restart = asked.includes("revert-cri")
    ? CleanupRestart.decide(input, ledger, verdict)
    : CleanupRestart.none
  const stages: Array<StagePlan> = []
  const notices: Array<Notice> = [...(use === undefined ? [] : [use]), ...restart.notices]
  let facts = input.facts
  const take = (stage: CleanupStage, of: (facts: FactsOf.Facts) => StageResult): void => {
    if (!asked.includes(stage)) return
    const result = of(facts)
    stages.push({ stage, steps: result.steps })
    notices.push(...result.notices)
    facts = Predict.after(facts, result.steps)
  }
  for (const part of CleanupRestart.order(input, ledger, verdict)) {
    if (part === "demote") stages.push(...CleanupMarks.demotion(input))
    // Snapshotters are part of the same stage, in front of it.
    if (part === "configuration") take("revert-cri", (at) => revertCri(at, settings.instance))
    if (part === "artifacts") take("remove-artifacts", (at) => removeArtifacts(at, settings.instance))
    if (part === "release") stages.push(...CleanupMarks.release(input))
    if (part === "restart") stages.push(...restart.stages)
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
    notices,
    residues,
  }
}

/** What a cleanup leaves on purpose, wherever it runs (decisions §3). */
const residues: Plan["residues"] = ["/run/lock/kata-deploy.lock"]

/** What stands where a file of ours was, and is none: it is left alone. */
const notAFile = (owned: Ledger.OwnedFile, state: FileState.FileState): ReadonlyArray<Notice> =>
  state._tag === "Directory" || state._tag === "Unreadable"
    ? [
        {
          code: "owned-file-not-removed",
          severity: "warning",
          message: `${owned.path} was a file of ours and is ${state._tag === "Directory" ? "a directory" : `not readable (${state.detail})`} now, so it stays.`,
          remedy: "Look at it, and remove it if nobody needs it.",
        },
      ]
    : Ownership.changedSince(owned, state)

const removeFiles = (
  facts: FactsOf.Facts,
  ledger: Ledger.Ledger,
  stage: Ledger.OwnedFile["stage"],
): Removals =>
  removeThese(
    facts,
    ledger.files.filter((file) => file.stage === stage),
  )

interface Removals extends StageResult {
  readonly unseen: ReadonlyArray<Ledger.OwnedFile>
}

const removeThese = (facts: FactsOf.Facts, owned: ReadonlyArray<Ledger.OwnedFile>): Removals => {
  return {
    steps: owned.flatMap((file) => {
      const before = FactsOf.at(facts, file.path)
      return before._tag === "Directory" || before._tag === "Unreadable"
        ? []
        : [put(Change.make(file.path, before, FileState.absent), "it is ours")]
    }),
    // What could not be looked at may still be ours, so the ledger goes on naming it.
    unseen: owned.filter((file) => FactsOf.at(facts, file.path)._tag === "Unreadable"),
    notices: owned.flatMap((file) => notAFile(file, FactsOf.at(facts, file.path))),
  }
}

const deepestFirst = (directories: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<HostPath.HostPath> =>
  [...new Set(directories)].toSorted().toReversed()

/** Directories of ours that hold nothing that stays, deepest first. */
const emptied = (
  ledger: Ledger.Ledger,
  stays: ReadonlyArray<HostPath.HostPath>,
): ReadonlyArray<HostPath.HostPath> =>
  deepestFirst(
    ledger.directories.filter((directory) => !stays.some((path) => HostPath.isWithin(path, directory))),
  )

const prune = (directories: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<Step<HostAction>> =>
  directories.length === 0
    ? []
    : [step({ _tag: "Prune", directories } as const, "we created them and they are empty")]

/** Our part goes out of files of others first: an import of a missing file would keep the runtime from starting. */
const revertCri = (facts: FactsOf.Facts, instance: Instance): StageResult => {
  const ledger = FactsOf.ledgerOf(facts)!
  const down = SnapshotterSteps.takeDown(facts, ledger.files, instance)
  const unitFiles = ledger.files.filter(({ path }) => down.unitFiles.includes(path))
  const units = removeThese(facts, unitFiles)
  const edits = ledger.edits.map((edit) => {
    const before = FactsOf.at(facts, edit.path)
    const { after, notices } = Ownership.undoEdit(before, edit, ledger.instance)
    return { edit, step: put(Change.make(edit.path, before, after), "only our part goes"), notices }
  })
  const files = removeFiles(facts, ledger, "cri")
  const rest = [
    ...ledger.files.filter((file) => file.stage !== "cri" && !unitFiles.includes(file)),
    ...units.unseen,
    ...files.unseen,
  ]
  const { restarting: _, ...settled } = ledger
  const after: Ledger.Ledger = {
    ...settled,
    files: rest,
    edits: [],
    handlers: [],
    loaded: [],
    startedWith: null,
  }
  const stays = [facts.stateDir, ...rest.map((file) => file.path)]
  const directories = emptied(ledger, stays).filter(
    (directory) => !HostPath.isWithin(directory, facts.stateDir),
  )
  // An adopted ledger is nowhere on the host; the next stage adopts what is left by itself.
  const changed = facts.ledger._tag !== "Adopted" && Ledger.encode(after) !== Ledger.encode(ledger)
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...down.before,
      ...units.steps,
      ...down.after,
      ...edits.map((e) => e.step),
      ...files.steps,
      ...prune(directories),
      ...(changed
        ? [
            step(
              { _tag: "Record", path: Ledger.pathIn(facts.stateDir), ledger: after } as const,
              "the configuration is no longer ours",
            ),
          ]
        : []),
    ],
    notices: [...down.notices, ...units.notices, ...edits.flatMap((e) => e.notices), ...files.notices],
  }
}

const removeArtifacts = (facts: FactsOf.Facts, instance: Instance): StageResult => {
  const { installDir } = instance
  const ledger = FactsOf.ledgerOf(facts)!
  // The stage may be all that is run; after the one before it nothing of this is left.
  const down = SnapshotterSteps.takeDown(facts, ledger.files, instance)
  const files = removeFiles(facts, ledger, "artifacts")
  const entries = ledger.adopted ?? [
    ...ledger.components.flatMap((component) => component.entries),
    ...ledger.directories
      .filter((path) => HostPath.isBelow(path, installDir) && !HostPath.isWithin(path, facts.stateDir))
      .map((path): Ledger.OwnedEntry => ({ type: "directory", path: HostPath.relativeTo(path, installDir) })),
  ]
  const rest = [...ledger.files.filter((file) => file.stage !== "artifacts"), ...files.unseen]
  // What the CRI runtime still loads stays until its own stage has taken it back.
  const loaded = [
    ...rest.map((file) => file.path),
    ...ledger.edits.flatMap((edit) => (edit.kind === "import" ? edit.elements.map(HostPath.make) : [])),
  ].filter((path) => FactsOf.at(facts, path)._tag !== "Absent")
  const reserved = [facts.stateDir, ...loaded].filter((path) => HostPath.isWithin(path, installDir))
  const { adopted: _, ...own } = ledger
  const left: Ledger.Ledger = { ...own, components: [], files: rest }
  const last = Ledger.ownsNothing(left)
  const directories = emptied(
    ledger,
    last ? [] : [facts.stateDir, ...rest.map((f) => f.path), ...ledger.edits.map((e) => e.path)],
  )
  const path = Ledger.pathIn(facts.stateDir)
  // The ledger goes as late as can be: only the directories around and beside it are removed without it.
  const aroundLedger = directories.filter(
    (directory) =>
      HostPath.isWithin(facts.stateDir, directory) || Leftovers.ofState(facts.stateDir).includes(directory),
  )
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...Leftovers.staging(facts),
      ...down.before,
      ...files.steps,
      ...down.after,
      ...(ledger.components.length === 0 && ledger.adopted === undefined
        ? []
        : [
            step(
              { _tag: "RemoveTree", root: installDir, entries, reserved } as const,
              ledger.adopted === undefined
                ? "it came out of our archives"
                : "an install without a ledger left it here",
            ),
          ]),
      ...prune(directories.filter((directory) => !aroundLedger.includes(directory))),
      ...(facts.ledger._tag === "Adopted"
        ? []
        : [
            last
              ? step({ _tag: "Record", path, ledger: null } as const, "nothing is ours any more")
              : step({ _tag: "Record", path, ledger: left } as const, "the artifacts are no longer ours"),
          ]),
      // The state directory is ours by its name, also where an install died before it could write that down.
      ...prune(deepestFirst([...(last ? Leftovers.ofState(facts.stateDir) : []), ...aroundLedger])),
    ],
    notices: [...down.notices, ...files.notices],
  }
}
