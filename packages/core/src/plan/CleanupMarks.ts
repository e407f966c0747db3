/** Answers: which labels does a cleanup change before it touches the host, and which after? Source: decisions §1. */
import * as NodeMarks from "../decide/NodeMarks.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Problem } from "../input/Problem.ts"
import { name as instanceName } from "../model/Instance.ts"
import type { PlanInput } from "./InstallPlan.ts"
import { type StagePlan, step } from "./Plan.ts"

const mark = (
  { facts, settings }: PlanInput,
  stage: "demote" | "unlabel",
  intent: "demote" | "release",
  because: string,
): StagePlan => ({
  stage,
  steps: [
    step(
      {
        _tag: "Mark",
        intent,
        instance: instanceName(settings.instance),
        beside: FactsOf.otherDaemonSetsOf(facts),
      } as const,
      because,
    ),
  ],
})

/** Whether the labels are this action's: the staged ones leave them to the dispatcher. */
const areOurs = ({ action, facts }: PlanInput): boolean => facts.node._tag === "Known" && action === "cleanup"

/** Whether the node has our own mark: an install claims it before it touches the host. */
export const isMarked = ({ facts, settings }: PlanInput): boolean =>
  facts.node._tag === "Known" &&
  facts.node.value.labels[NodeMarks.markOf(instanceName(settings.instance))] !== undefined

/** First of all, so that no new sandbox is scheduled here. */
export const demotion = (input: PlanInput): ReadonlyArray<StagePlan> =>
  areOurs(input) ? [mark(input, "demote", "demote", "no new sandbox may be scheduled here")] : []

/** What is to be told where nothing was removed, and the node goes on taking sandboxes all the same. */
export const notDemoted = (why: string): Problem => ({
  code: "E_NOT_DEMOTED",
  message: `The node's labels could not be demoted, so new Kata sandboxes may still be scheduled here. ${why.replace(/\.?$/, ".")}`,
  remedy:
    "Cordon the node (kubectl cordon) meanwhile, and run the cleanup again once the API takes the change.",
})

/** Before a rollback after which the instance has no handler: pods that still came could not be started. */
export const demotionOfRollback = (input: PlanInput): ReadonlyArray<StagePlan> =>
  isMarked(input) ? [mark(input, "demote", "demote", "no handler of this instance is left")] : []

/** When nothing of the instance is left. */
export const release = (input: PlanInput): ReadonlyArray<StagePlan> =>
  areOurs(input) ? [mark(input, "unlabel", "release", "nothing of this instance is left")] : []
