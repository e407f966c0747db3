/**
 * Answers: what does an install do on this node? Every problem of every stage is found before the first step, and
 * each stage is planned on the node as the stages before it will leave it.
 * Source: spec 09 §2; decisions §4–§6; architecture "Order is the product".
 */
import { Result } from "effect"
import * as CriConfig from "../decide/CriConfig.ts"
import * as HostCheck from "../decide/HostCheck.ts"
import type { Findings } from "../decide/hostCheck/SnapshotterFit.ts"
import type { WhenInUse } from "../decide/InUse.ts"
import * as NodeMarks from "../decide/NodeMarks.ts"
import type { Policies } from "../decide/Policies.ts"
import * as RecordedModes from "../decide/RecordedModes.ts"
import type { Detected } from "../decide/RuntimeDetection.ts"
import * as SnapshotterConfig from "../decide/SnapshotterConfig.ts"
import type { DataWish } from "../decide/SnapshotterData.ts"
import * as Distribution from "../model/Distribution.ts"
import * as FactsOf from "../input/Facts.ts"
import { type DecisionError, type Notice, PrerequisiteError, SettingsError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as HostPath from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import * as ArtifactsStage from "./ArtifactsStage.ts"
import * as CriStage from "./CriStage.ts"
import * as DaemonVersion from "./DaemonVersion.ts"
import {
  type ActionName,
  nothing,
  type Plan,
  type Restart,
  type StageName,
  type StagePlan,
  type Step,
  step,
} from "./Plan.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Preconditions from "./Preconditions.ts"
import * as Predict from "./Predict.ts"
import * as Reconcile from "./Reconcile.ts"
import * as StagesApart from "./StagesApart.ts"
import * as UnusedStage from "./UnusedStage.ts"

/** Seconds that a node gets to become ready after a restart (spec 09 §12). */
export const readySeconds = 300

type Labels = Readonly<Record<string, string>>

/** Which stages an action runs. */
const stagesOf: Readonly<
  Partial<Record<ActionName, ReadonlyArray<"host-check" | "artifacts" | "cri" | "label" | "remove-unused">>>
> = {
  install: ["host-check", "artifacts", "cri", "label", "remove-unused"],
  "install-stage-host-check": ["host-check", "artifacts", "cri"],
  "install-stage-artifacts": ["artifacts"],
  "install-stage-cri": ["cri", "remove-unused"],
}

/** What a plan is made from. */
export interface PlanInput {
  readonly action: ActionName
  /** Plans this stage alone, on the node as it is; all stages of the action when left out. */
  readonly only?: StageName
  readonly settings: Settings
  readonly facts: FactsOf.Facts
  readonly policies: Policies
  /** What becomes of a removal while the tree is in use; refused when left out. */
  readonly whenInUse?: WhenInUse
  /** Whether a cleanup restarts the runtime where other instances share the node; it does when left out. */
  readonly restartBesideOthers?: "now" | "defer"
  /** What becomes of what nydus stored, where a cleanup takes it away; kept when left out. */
  readonly nydusData?: DataWish
}

/** Detects the CRI runtime from the facts. */
export const detect = ({
  facts,
  policies,
  settings,
}: Omit<PlanInput, "action" | "only">): Result.Result<Detected, DecisionError> =>
  policies.detect({
    named: facts.namedRuntime,
    declared: settings.k8sDistribution,
    remembered: FactsOf.ledgerOf(facts)?.runtime,
    units: facts.units,
    version: FactsOf.runtimeVersion(facts, settings.containerRuntimeVersion),
    exists: (path) => {
      const state = FactsOf.at(facts, HostPath.make(path))
      return state._tag === "Directory" || state._tag === "File" || state._tag === "Link"
    },
  })

/** Paths that have to be looked at before the runtime can be detected. */
export const detectionPaths: ReadonlyArray<HostPath.HostPath> = [
  ...Distribution.markers.map((m) => m.path),
  Distribution.vanillaMarkers.crio,
  Distribution.vanillaMarkers.containerd,
]

/** Paths whose content decides what is desired; to be looked at once the runtime is known. */
export const inputPaths = (settings: Settings, detected: Detected): ReadonlyArray<HostPath.HostPath> => {
  if (detected.row.layout === "crio") return []
  const main = CriConfig.mainConfigPathOf({ detected, settings })
  return [main, ...CriConfig.backupPaths(main)]
}

/** Every path that planning compares, given all that decides what is desired. */
export const pathsOfInterest = (
  input: Omit<PlanInput, "action" | "only">,
): ReadonlyArray<HostPath.HostPath> =>
  Result.match(detect(input), {
    onFailure: () => [],
    onSuccess: (detected) => {
      const stage = { ...input, detected }
      const cri = Result.match(CriConfig.decide(stage), { onFailure: () => [], onSuccess: (c) => c.desired })
      return [
        ...inputPaths(input.settings, detected),
        ...Reconcile.pathsOfInterest(
          [...ArtifactsStage.desired(stage), ...cri],
          FactsOf.ledgerOf(input.facts),
        ),
      ]
    },
  })

/** Plans an install or one of its stages. */
export const make = (input: PlanInput): Result.Result<Plan, DecisionError> => {
  if (input.settings.nothingToDo) return Result.succeed(nothingToDo(input))
  const plan = (of: PlanInput) => Result.flatMap(detect(of), (detected) => makeWith(of, detected))
  return Result.flatMap(Preconditions.check(input), () => DaemonVersion.reconciled(input, plan))
}

const nothingToDo = ({ action, settings }: PlanInput): Plan =>
  nothing(
    { action, instance: instanceName(settings.instance) },
    {
      code: "nothing-to-do",
      message: `No shim is asked for on ${settings.architecture} and there is no custom runtime, so there is nothing to do here.`,
    },
  )

const makeWith = (input: PlanInput, detected: Detected): Result.Result<Plan, DecisionError> => {
  const { action, only, policies, settings } = input
  const asked = (stagesOf[action] ?? []).filter((stage) => only === undefined || only === stage)
  const failures: Array<DecisionError> = []
  const notices: Array<Notice> = [...settings.notices, ...detected.notices]
  const stages: Array<StagePlan> = []
  const restarts: Array<typeof Restart.Type> = []
  const version = FactsOf.runtimeVersion(input.facts, settings.containerRuntimeVersion)
  const seen = machineFindings(input, detected.row.runtime, version)
  const refused = [
    ...(only === undefined ? seen.problems : []),
    ...HostCheck.RuntimeFit.mapping(settings, detected.row, version),
    ...HostCheck.RuntimeFit.named(settings, input.facts.sight.runtimeSays),
  ]
  if (refused.length > 0) failures.push(new PrerequisiteError({ problems: refused }))
  const misnamed = SnapshotterConfig.misnamed(settings, detected.row)
  if (misnamed.length > 0) failures.push(new SettingsError({ problems: misnamed }))
  if (asked.includes("host-check")) {
    notices.push(...HostCheck.notices(settings, detected.row, version), ...seen.notices)
    stages.push({ stage: "host-check", steps: [] })
  }
  const labels =
    action === "install" && input.facts.node._tag === "Known" ? input.facts.node.value.labels : undefined
  const instance = instanceName(settings.instance)
  let facts = input.facts
  let leftovers = Leftovers.steps(facts)
  if (asked.includes("artifacts")) {
    const claim = labels === undefined ? [] : claimSteps(labels, instance)
    const result = ArtifactsStage.plan({ settings, facts, detected })
    if (Result.isFailure(result)) failures.push(result.failure)
    else {
      stages.push({ stage: "artifacts", steps: [...claim, ...leftovers, ...result.success.steps] })
      leftovers = []
      notices.push(...result.success.notices)
      restarts.push(...result.success.restarts)
      facts = Predict.after(facts, result.success.steps)
    }
  }
  if (asked.includes("cri")) {
    const result = CriStage.plan({ settings, facts, detected, policies })
    if (Result.isFailure(result)) failures.push(result.failure)
    else {
      stages.push({ stage: "cri", steps: [...leftovers, ...result.success.steps] })
      notices.push(...result.success.notices)
      // A whole install has just brought them.
      if (action === "install-stage-cri") notices.push(...StagesApart.withoutPrograms(facts, settings))
      const { former, restart } = result.success
      restarts.push(...[former, restart].filter((due) => due !== undefined))
      // What the last stage removes is in the ledger alone.
      facts = { ...facts, ledger: { _tag: "Read", ledger: result.success.ledger } }
    }
  }
  if (asked.includes("label") && labels !== undefined) {
    const restart = restarts.find((r) => r.due !== "not-ours")?.unit
    stages.push({ stage: "label", steps: labelSteps({ labels, instance, restart, settings }) })
  }
  if (asked.includes("remove-unused")) {
    const { notices: told, steps } = UnusedStage.plan(facts, settings)
    if (steps.length > 0) stages.push({ stage: "remove-unused", steps })
    notices.push(...told)
  }
  if (failures.length > 0) return Result.fail(combine(failures, settings))
  const checkOnly = action === "install-stage-host-check"
  return Result.succeed({
    action,
    instance,
    runtime: detected.row.runtime,
    handlers: settings.handlers.map((h) => h.name),
    stages: checkOnly ? stages.filter((s) => s.stage === "host-check") : stages,
    restarts: checkOnly ? [] : restarts,
    sandboxes: null,
    refused: null,
    notices,
    residues: [],
  })
}

/** What the machine itself keeps from being done, or makes worth saying; nothing where nobody looked. */
const machineFindings = (
  { facts, settings }: PlanInput,
  runtime: string,
  version: string | undefined,
): Findings => {
  const { machine } = facts.sight
  if (machine === undefined) return { problems: [], notices: [] }
  return HostCheck.check(settings, {
    runtime,
    version,
    machine,
    kernel: machine.kernel,
    mkfs: machine.mkfsErofs,
    probeFile: facts.sight.probeFile,
    ...(facts.artifacts.nydusPrograms === undefined ? {} : { nydusPrograms: facts.artifacts.nydusPrograms }),
    configz: facts.configz,
  })
}

/** Marks that are there already are left alone. */
const claimSteps = (labels: Labels, instance: string): ReadonlyArray<Step> =>
  Object.keys(NodeMarks.claim(labels, instance)).length === 0
    ? []
    : [step({ _tag: "Mark", intent: "claim", instance }, "an uninstall has to find this node")]

/** The node is promoted once it is ready, and its labels are seen to hold wherever somebody may take them back. */
const labelSteps = ({
  instance,
  labels,
  restart,
  settings,
}: {
  readonly labels: Labels
  readonly instance: string
  /** The unit that restarts, if any does. */
  readonly restart: string | undefined
  readonly settings: Settings
}): ReadonlyArray<Step> => {
  const changesLabels = Object.keys(NodeMarks.promote(labels, instance)).length > 0
  return [
    ...(restart === undefined
      ? []
      : [
          step(
            { _tag: "AwaitReady", unit: restart, seconds: readySeconds },
            "the kubelet may have gone down with the runtime",
          ),
        ]),
    ...(changesLabels
      ? [step({ _tag: "Mark", intent: "promote", instance }, "the handlers are served now")]
      : []),
    ...(changesLabels || restart !== undefined
      ? [
          step(
            { _tag: "HoldMarks", instance },
            "a kubelet that comes back brings the labels that it had cached",
          ),
        ]
      : []),
    ...(settings.startupTaints.length === 0
      ? []
      : [
          step(
            { _tag: "Untaint", matchers: settings.startupTaints },
            "pods may come now that the labels hold",
          ),
        ]),
  ]
}

/** All problems as one error; wrong settings outrank an unfit node (decisions §12). */
const combine = (failures: ReadonlyArray<DecisionError>, settings: Settings): DecisionError => {
  // Two stages may have the same in their way.
  const all = RecordedModes.explained(
    failures.flatMap((f) => f.problems),
    settings,
  )
  const problems = [...new Map(all.map((problem) => [JSON.stringify(problem), problem])).values()]
  return failures.some((f) => f._tag === "SettingsError")
    ? new SettingsError({ problems })
    : new PrerequisiteError({ problems })
}
