/**
 * Answers: what does a reset do on this node? It gives the labels up and restarts what loaded our handlers; nothing on
 * the host is removed. Where another instance holds the node, only its labels change. Source: spec 09 §4.
 */
import { Result } from "effect"
import * as NodeMarks from "../decide/NodeMarks.ts"
import * as FactsOf from "../input/Facts.ts"
import type { DecisionError } from "../input/Problem.ts"
import { name as instanceName } from "../model/Instance.ts"
import { restartSteps, unitSeconds } from "./CriStage.ts"
import { detect, type PlanInput, readySeconds } from "./InstallPlan.ts"
import * as Preconditions from "./Preconditions.ts"
import { type Plan, type StagePlan, type Step, step } from "./Plan.ts"

/** CRI runtimes beside which the kubelet is a unit of its own. */
const besideKubelet: ReadonlySet<string> = new Set(["containerd", "crio"])

const kubelet = "kubelet.service"

const restarts = (runtime: string, unit: string): ReadonlyArray<Step> => [
  ...restartSteps(unit, "it still offers handlers that are gone"),
  ...(besideKubelet.has(runtime)
    ? [
        step(
          { _tag: "Unit", verb: "restart", unit: kubelet } as const,
          "it has read the node's handlers before",
        ),
        step(
          { _tag: "AwaitUnit", unit: kubelet, seconds: unitSeconds } as const,
          "the node serves nothing before",
        ),
      ]
    : []),
  step({ _tag: "AwaitReady", unit, seconds: readySeconds } as const, "the node serves nothing before"),
]

/** Plans a reset. A ledger that cannot be read is no hindrance, as no file is touched. */
export const make = (input: PlanInput): Result.Result<Plan, DecisionError> =>
  Result.map(Result.andThen(Preconditions.nodeAnswers(input), detect(input)), ({ notices, row }) => {
    const { action, facts, settings } = input
    const instance = instanceName(settings.instance)
    const labels = facts.node._tag === "Known" ? facts.node.value.labels : {}
    const beside = FactsOf.otherDaemonSetsOf(facts)
    const isHeld = NodeMarks.sharedVerdict(labels, instance, beside) !== "remove"
    const released: ReadonlyArray<StagePlan> =
      facts.node._tag === "Known"
        ? [
            {
              stage: "unlabel",
              steps: [
                step(
                  { _tag: "Mark", intent: "release", instance, beside } as const,
                  "a reset gives the node up",
                ),
              ],
            },
          ]
        : []
    const isOurs = facts.control._tag === "Known" && row.restart === "restart"
    const due = row.restart === "reloads-itself" ? "reloads-itself" : isOurs ? "ours" : "not-ours"
    return {
      action,
      instance,
      runtime: row.runtime,
      handlers: [],
      stages: [
        ...released,
        ...(isHeld || !isOurs ? [] : [{ stage: "restart" as const, steps: restarts(row.runtime, row.unit) }]),
      ],
      restarts: isHeld ? [] : [{ unit: row.unit, due }],
      sandboxes: null,
      refused: null,
      notices: [
        ...notices,
        ...(isHeld
          ? [
              {
                code: "held-by-another",
                severity: "info" as const,
                message: "Another instance serves this node, so the CRI runtime is not restarted.",
              },
            ]
          : []),
      ],
      residues: [],
    }
  })
