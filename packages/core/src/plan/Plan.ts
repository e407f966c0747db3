/**
 * Answers: what is going to happen, in which order, and why? A plan is plain data: it can be printed, saved,
 * compared and reviewed before anything is touched.
 */
import { Schema } from "effect"
import { Notice, Problem } from "../input/Problem.ts"
import { Action, type HostAction } from "./Action.ts"
import * as Change from "./Change.ts"

/** The stages in which an action works; the staged actions run one each. */
export const StageName = Schema.Literals([
  "host-check",
  "artifacts",
  "cri",
  "label",
  "remove-unused",
  "demote",
  "revert-cri",
  "remove-artifacts",
  "unlabel",
  "restart",
])
/** The stages in which an action works. */
export type StageName = typeof StageName.Type

/** What the plan is for. */
export const ActionName = Schema.Literals([
  "install",
  "cleanup",
  "install-stage-host-check",
  "install-stage-artifacts",
  "install-stage-cri",
  "cleanup-stage-revert-cri",
  "cleanup-stage-remove-artifacts",
  "reset",
  "rollback",
])
/** What the plan is for. */
export type ActionName = typeof ActionName.Type

/** One entry of a plan. `because` is for people; nothing branches on it. */
export interface Step<A = Action> {
  /** What is done. */
  readonly action: A
  /** Why, as a clause. */
  readonly because: string
}

/** The ordered steps of one stage. */
export interface StagePlan<A = Action> {
  /** Which stage. */
  readonly stage: StageName
  /** Its steps, in order; considered-and-unchanged things are listed too. */
  readonly steps: ReadonlyArray<Step<A>>
}

/** A restart that the configuration asks for; `not-ours` where no unit may be controlled (`--systemd none`). */
export const Restart = Schema.Struct({
  unit: Schema.String,
  due: Schema.Literals(["ours", "not-ours", "reloads-itself"]),
})

/** The whole plan of an action. */
export const Plan = Schema.Struct({
  action: ActionName,
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
  /** The CRI runtime that is configured. */
  runtime: Schema.String,
  /** Runtime handlers that exist when an install is done; those that go, for a cleanup. */
  handlers: Schema.Array(Schema.String),
  stages: Schema.Array(
    Schema.Struct({
      stage: StageName,
      steps: Schema.Array(Schema.Struct({ action: Action, because: Schema.String })),
    }),
  ),
  restarts: Schema.Array(Restart),
  /** Kata sandboxes that were seen running; `null` when they could not be looked at. */
  sandboxes: Schema.NullOr(Schema.Array(Schema.String)),
  /** Why nothing but the demotion is planned (the tree is in use); `null` when the plan is whole. */
  refused: Schema.NullOr(Problem),
  notices: Schema.Array(Notice),
  /** What stays behind on purpose (decisions §3). */
  residues: Schema.Array(Schema.String),
}).annotate({ identifier: "Plan" })
/** The whole plan of an action. */
export type Plan = typeof Plan.Type

/** A plan that does nothing, and says why. */
export const nothing = (
  { action, instance }: Pick<Plan, "action" | "instance">,
  because: { readonly code: string; readonly message: string },
): Plan => ({
  action,
  instance,
  runtime: "none",
  handlers: [],
  stages: [],
  restarts: [],
  sandboxes: null,
  refused: null,
  notices: [{ ...because, severity: "info" }],
  residues: [],
})

/** A step from its parts. */
export const step = <A extends Action>(action: A, because: string): Step<A> => ({ action, because })

/** The step that changes one path. */
export const put = (change: Change.Change, because: string): Step<HostAction> =>
  step({ _tag: "Put", change }, because)

/** Whether carrying out this action is waiting for somebody else. */
export const waits = ({ _tag }: Action): boolean => _tag.startsWith("Await") || _tag === "HoldMarks"

/** Whether carrying out this action would change anything. */
export const changes = (action: Action): boolean => {
  switch (action._tag) {
    case "Put":
      return !Change.isNoop(action.change)
    case "Extract":
      return action.components.length > 0
    case "RemoveTree":
      return action.entries === "everything" || action.entries.length > 0
    case "Prune":
      return action.directories.length > 0
    case "RemoveSnapshots":
      return action.namespaces.length > 0
    case "KeepData":
    case "AwaitUnit":
    case "AwaitServed":
    case "AwaitReady":
    case "HoldMarks":
      return false
    case "PurgeData":
    case "Untaint":
    case "Unit":
    case "Record":
    case "Mark":
      return true
  }
}

/** The steps of a stage that really change something. */
export const changingSteps = (stage: StagePlan): ReadonlyArray<Step> =>
  stage.steps.filter((s) => changes(s.action))

/** Whether the whole plan changes nothing. */
export const isEmpty = (plan: Plan): boolean =>
  plan.stages.every((stage) => changingSteps(stage).length === 0)

/** Every change of a path in the plan, in order. */
export const puts = (plan: Pick<Plan, "stages">): ReadonlyArray<Change.Change> =>
  plan.stages.flatMap((stage) =>
    stage.steps.flatMap((s) => (s.action._tag === "Put" ? [s.action.change] : [])),
  )

/** Whether an action takes away: it goes on over failures, since what can be removed is better removed. */
export const isCleanup = (action: ActionName): boolean => action.startsWith("cleanup")
