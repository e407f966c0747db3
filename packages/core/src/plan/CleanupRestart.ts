/**
 * Answers: in which order does a cleanup go about its parts, and which restart is due at its end? It is due whenever
 * taking the configuration back changes what the runtime loads, or did and the runtime was not restarted since.
 * Source: decisions §1, §4; spec 09 §3.
 */
import type { CleanupVerdict } from "../decide/CleanupPolicy.ts"
import * as CleanupOrder from "../decide/CleanupOrder.ts"
import * as CriConfig from "../decide/CriConfig.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as RestartNeed from "../decide/RestartNeed.ts"
import * as WholeFileDisposition from "../decide/WholeFileDisposition.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import * as Distribution from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import type * as HostPath from "../model/HostPath.ts"
import type { Unit } from "./Action.ts"
import { restartSteps } from "./CriStage.ts"
import { type PlanInput, readySeconds } from "./InstallPlan.ts"
import type { Ledger } from "./Ledger.ts"
import * as NydusData from "./NydusData.ts"
import { type Restart, type StagePlan, step } from "./Plan.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** The parts of a cleanup in their order. Whether the tree is in use was asked before. */
export const order = (
  input: PlanInput,
  ledger: Ledger,
  verdict: CleanupVerdict,
): ReadonlyArray<CleanupOrder.CleanupPart> => {
  const { facts, settings } = input
  const data = NydusData.of(input)
  return CleanupOrder.decide({
    verdict,
    row: Distribution.lookup(ledger.runtime) ?? { restart: "restart" },
    snapshotters: [
      ...SnapshotterSteps.takeDown(facts, ledger.files, settings.instance).names,
      ...data.snapshotters,
    ],
    data: data.directories,
    restartBesideOthers: input.restartBesideOthers ?? "now",
  })
}

/** What is there of our configuration: whole files, and edits in files of others with what speaks for an older one. */
const evidence = (facts: FactsOf.Facts, ledger: Ledger): ReadonlyArray<RestartNeed.ConfigurationEvidence> => {
  const there = (path: HostPath.HostPath | undefined): "present" | "absent" =>
    path === undefined || FactsOf.at(facts, path)._tag === "Absent" ? "absent" : "present"
  const beside = new Set(ledger.edits.flatMap((edit) => CriConfig.backupPaths(edit.path)))
  return [
    ...ledger.files
      .filter((file) => file.stage === "cri" && !beside.has(file.path))
      .map((file) => ({ _tag: "DropIn" as const, state: FactsOf.at(facts, file.path) })),
    ...ledger.edits.map((edit) => {
      const before = FactsOf.at(facts, edit.path)
      const { after } = Ownership.undoEdit(before, edit, ledger.instance)
      const owned = CriConfig.backupPaths(edit.path).map((path) =>
        ledger.files.some((file) => file.path === path) ? path : undefined,
      )
      return {
        _tag: "WholeFile" as const,
        disposition: WholeFileDisposition.decide({
          block: FileState.equals(before, after) ? "absent" : "present",
          backup: there(owned[0]),
          createdMark: there(owned[1]),
        }),
      }
    }),
  ]
}

/** The restart of a cleanup: what the plan says of it, the stage that does it, and what is worth telling. */
export interface CleanupRestart {
  readonly restarts: ReadonlyArray<typeof Restart.Type>
  readonly stages: ReadonlyArray<StagePlan>
  readonly notices: ReadonlyArray<Notice>
}

/** No restart. */
export const none: CleanupRestart = { restarts: [], stages: [], notices: [] }

/** The restart that is due; left to somebody else's where other installs share the node and the operator wants it so. */
export const decide = (input: PlanInput, ledger: Ledger, verdict: CleanupVerdict): CleanupRestart => {
  const { action, facts } = input
  const row = Distribution.lookup(ledger.runtime)
  const changes = evidence(facts, ledger).some(RestartNeed.revertNeedsRestart)
  const run = facts.sight.runtimeRun
  const isDue = changes || RestartNeed.isOwed(ledger.restartDue, run) || RestartNeed.mayHaveLoaded(facts, run)
  if (row === undefined || !isDue) return none
  const restart = RestartNeed.of(row, facts.control)
  if (restart.due !== "ours") return { ...none, restarts: [restart] }
  if (!order(input, ledger, verdict).includes("restart")) {
    return { ...none, restarts: [{ unit: restart.unit, due: "not-ours" }], notices: [deferred(restart.unit)] }
  }
  const waits = facts.node._tag === "Known" && action === "cleanup"
  const steps = [
    ...restartSteps(restart.unit, "it still offers handlers that are gone"),
    ...(waits
      ? [
          step(
            { _tag: "AwaitReady", unit: restart.unit, seconds: readySeconds } as const,
            "the kubelet may have gone down with the runtime",
          ),
        ]
      : []),
  ]
  return { restarts: [restart], stages: [{ stage: "restart", steps }], notices: [] }
}

/**
 * The ledger with what is due, so that a run that dies or fails before the restart leaves it to the next one. A restart
 * that came to pass since is known by its time, so nobody has to take it out.
 */
export const remembered = (ledger: Ledger, { restarts }: CleanupRestart, facts: FactsOf.Facts): Ledger => {
  if (!restarts.some(({ due }) => due !== "reloads-itself")) return ledger
  const isLeft = facts.control._tag === "Known" && restarts.every(({ due }) => due === "not-ours")
  const since = RestartNeed.owedSince(facts.sight.runtimeRun)
  return { ...ledger, restartDue: isLeft ? { ...since, leftTo: "others" } : since }
}

/** The last that is ours: the ledger and the directories that go with it. */
export type Books = Required<typeof Unit.Type>["forgets"]

/** The stages of the restart, which take the last that is ours away as well, where that had to wait for it. */
export const forgetting = (
  { stages }: CleanupRestart,
  forgets: Books | undefined,
): ReadonlyArray<StagePlan> =>
  forgets === undefined
    ? stages
    : stages.map(({ stage, steps }) => ({
        stage,
        steps: steps.map(({ action, because }) =>
          step(
            action._tag === "Unit" && action.verb === "restart" ? { ...action, forgets } : action,
            because,
          ),
        ),
      }))

/** What is told where a stage is through that no restart belongs to, and the ledger has to stay for one. */
export const stillOwed = ({ restarts }: CleanupRestart): ReadonlyArray<Notice> =>
  restarts.map(({ unit }) => ({
    code: "restart-owed",
    severity: "warning",
    message: `${unit} was not restarted since our configuration was taken back, so it may still offer handlers whose programs are gone. The ledger stays, which says so.`,
    remedy: "Run cleanup: it restarts the runtime and removes the ledger.",
  }))

const deferred = (unit: string): Notice => ({
  code: "restart-deferred",
  severity: "info",
  message: `${unit} is not restarted, since other installs share this node; until its next restart it offers handlers that are gone.`,
})
