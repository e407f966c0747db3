/**
 * Plans, removes and repairs the snapshots of one snapshotter in containerd. What is planned is shown before anything is
 * removed, what a container uses stays, and what is gone already when its turn comes is as good as removed.
 * Source: spec 07 §3; decisions §16; docs/decisions/0007.
 */
import { Effect } from "effect"
import { snapshotterName } from "../decide/DropInRendering.ts"
import * as Policies from "../decide/Policies.ts"
import * as SnapshotRecords from "../decide/SnapshotRecords.ts"
import * as SnapshotRemoval from "../decide/SnapshotRemoval.ts"
import * as SnapshotRepair from "../decide/SnapshotRepair.ts"
import { known, valueOf } from "../input/Fact.ts"
import { type DecisionError, PrerequisiteError } from "../input/Problem.ts"
import * as Instance from "../model/Instance.ts"
import { detect } from "../plan/InstallPlan.ts"
import type { Containerd } from "../ports/Containerd.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostShell } from "../ports/HostShell.ts"
import { ContainerdAt } from "./ContainerdAt.ts"
import * as Observe from "./Observe.ts"
import type { Request, Requirements } from "./Run.ts"
import type { NamespaceReport, SnapshotsAction, SnapshotsReport } from "./SnapshotsReport.ts"
import * as SnapshotsCarryOut from "./SnapshotsCarryOut.ts"
import * as Sight from "./SnapshotsSight.ts"

/** What is asked for. */
export interface SnapshotsRequest extends Pick<Request, "settings" | "release" | "stateDir" | "criRuntime"> {
  readonly action: SnapshotsAction
  /** Its name in containerd, or the settings' word for it (`nydus`, `nydus-hs`). */
  readonly snapshotter: string
  /** One namespace of containerd; all of them when left out. */
  readonly namespace: string | undefined
  /** Whether a plan is carried out; a mere plan never is. */
  readonly apply: "apply" | "show"
  /** Seconds to wait for the node lock. */
  readonly lockSeconds: number
}

/** Is told the plan before anything is done. */
export type Show = (plan: SnapshotsReport) => Effect.Effect<void>

/** What keeps a snapshot, as a clause. */
const clauseOf = (because: SnapshotRemoval.BlockedBecause): string => {
  switch (because._tag) {
    case "InUse":
      return `it is used by ${because.by.join(", ")}`
    case "UseUnknown":
      return `it is not known whether a container uses it (${because.why})`
    case "HasBlockedChild":
      return `${because.child} lies on it`
    case "Cycle":
      return "the listing says that it lies on itself"
  }
}

const removalOf = ({ records, removal }: Sight.NamespaceSight, snapshotter: string): NamespaceReport => {
  const [planned] = SnapshotRemoval.plan([removal]).namespaces
  const { blocked, namespace, order, outcome } = planned!
  const stale = SnapshotRepair.planNamespace(records, snapshotter)
  // Records without a snapshot go as well, above and below: they would be in the way of the next pull.
  const goes = new Set(order)
  const lost = stale.order.filter((key) => !goes.has(key))
  const { listed } = records
  const left = listed._tag === "Known" ? known(listed.value.filter(({ key }) => !goes.has(key))) : listed
  const afterwards = SnapshotRepair.planNamespace({ ...records, listed: left }, snapshotter)
  const below = afterwards.order.filter((key) => !goes.has(key) && !lost.includes(key))
  return {
    namespace,
    order: [...lost, ...order, ...below],
    blocked: blocked.map(({ because, key }) => ({ key, because: clauseOf(because) })),
    images: stale.images,
    doubts: stale.doubts,
    outcome: stale.doubts.length > 0 ? "unknown" : outcome,
    figures: null,
  }
}

const repairOf = ({ records }: Sight.NamespaceSight, snapshotter: string): NamespaceReport => {
  const { blocked, doubts, images, namespace, order, outcome } = SnapshotRepair.planNamespace(
    records,
    snapshotter,
  )
  return {
    namespace,
    order,
    blocked: blocked.map(({ because, key }) => ({ key, because: clauseOf(because) })),
    images,
    doubts,
    outcome,
    figures: null,
  }
}

/** Parents by key, as the listing and the chains of images have them. */
const parentsOf = ({ removal }: Sight.NamespaceSight): ReadonlyMap<string, string | undefined> =>
  new Map(
    removal.snapshots._tag === "Known" ? removal.snapshots.value.map(({ key, parent }) => [key, parent]) : [],
  )

/** Labels that lead to what goes. */
const labelsOf = (
  { records }: Sight.NamespaceSight,
  { order }: NamespaceReport,
  { action, snapshotter }: Pick<SnapshotsRequest, "action" | "snapshotter">,
): ReadonlyArray<SnapshotRecords.Keeper> => {
  if (action === "repair") return SnapshotRepair.planNamespace(records, snapshotter).unlabel
  const goes = new Set(order)
  return SnapshotRecords.keepers(valueOf(records.contents) ?? [], snapshotter).filter(({ top }) =>
    goes.has(top),
  )
}

/** Carries a plan out in one namespace. */
const carryOut = (
  sight: Sight.NamespaceSight,
  planned: NamespaceReport,
  {
    keepLock,
    ...wish
  }: Pick<SnapshotsRequest, "action" | "snapshotter"> & Pick<SnapshotsCarryOut.Planned, "keepLock">,
): Effect.Effect<SnapshotsCarryOut.CarriedOut, never, Containerd> =>
  SnapshotsCarryOut.carryOut({
    snapshotter: wish.snapshotter,
    namespace: planned.namespace,
    order: planned.order,
    unlabel: labelsOf(sight, planned, wish),
    parents: parentsOf(sight),
    keepLock,
  })

/** What is still there, of all namespaces. */
export interface Remains {
  readonly left: SnapshotRemoval.RemovalPlan
  readonly records: SnapshotRepair.RepairPlan
}

/** Looks at what is still there. */
export const remains = Effect.fn("Snapshots.remains")(function* (
  snapshotter: string,
  only: string | undefined,
): Effect.fn.Return<Remains, HostError, Containerd> {
  const seen = yield* Sight.all(snapshotter, only)
  return {
    left: SnapshotRemoval.plan(seen.map(({ removal }) => removal)),
    records: SnapshotRepair.plan(
      seen.map(({ records }) => records),
      snapshotter,
    ),
  }
})

const countOf = ({ left, records }: Remains, action: SnapshotsAction): number | null => {
  if (action === "repair")
    return records.outcome === "unknown"
      ? null
      : records.namespaces.reduce((sum, { blocked, order }) => sum + blocked.length + order.length, 0)
  return left.outcome === "unknown"
    ? null
    : left.namespaces.reduce((sum, { blocked, order }) => sum + blocked.length + order.length, 0)
}

/** What of a request concerns containerd alone. */
export interface Wish extends Pick<SnapshotsRequest, "action" | "snapshotter" | "namespace" | "apply"> {
  /** Makes sure that nobody else is at work here; asked before each removal. */
  readonly keepLock?: Effect.Effect<void, HostError>
}

/** Plans, shows, and carries out, at a containerd that is there; `snapshotter` is its name in containerd. */
export const within = Effect.fn("Snapshots.within")(function* (
  { action, apply, keepLock = Effect.void, namespace, snapshotter }: Wish,
  show: Show,
): Effect.fn.Return<SnapshotsReport, HostError, Containerd> {
  const seen = yield* Sight.all(snapshotter, namespace)
  const planOf = action === "repair" ? repairOf : removalOf
  const planned = seen.map((sight) => planOf(sight, snapshotter))
  const plan: SnapshotsReport = { action, snapshotter, applied: false, namespaces: planned, left: null }
  yield* show(plan)
  if (action === "plan" || apply === "show") return plan
  // What stopped the work in one namespace stops it in those behind.
  let stopped: HostError | undefined
  const goOn = Effect.suspend(() => (stopped === undefined ? keepLock : Effect.fail(stopped)))
  const done = yield* Effect.forEach(seen, (sight, at) =>
    Effect.map(carryOut(sight, planned[at]!, { action, snapshotter, keepLock: goOn }), (carriedOut) => {
      stopped ??= carriedOut.stopped
      return { ...planned[at]!, figures: carriedOut.figures }
    }),
  )
  const left = countOf(yield* remains(snapshotter, namespace), action)
  return {
    ...plan,
    applied: true,
    namespaces: done,
    left,
    ...(stopped === undefined ? {} : { stopped: stopped.message }),
  }
})

const needContainerd = (runtime: string): PrerequisiteError =>
  new PrerequisiteError({
    problems: [
      {
        code: "E_SNAPSHOTS_NEED_CONTAINERD",
        value: runtime,
        message: `The CRI runtime of this node is ${runtime}, which has no snapshotters.`,
        remedy: "Run this on a node with containerd.",
      },
    ],
  })

/** Where containerd of this node listens. */
const socketOf = Effect.fnUntraced(function* (request: SnapshotsRequest) {
  const { release, settings } = request
  const policies = yield* Policies.fromServices
  const facts = yield* Observe.observe({
    action: "reset",
    settings,
    release,
    stateDir: request.stateDir ?? Instance.defaultStateDir(settings.instance),
    namedRuntime: request.criRuntime,
    userDropIn: undefined,
    policies,
  })
  const { row } = yield* Effect.fromResult(detect({ settings, facts, policies }))
  return row.layout === "crio" ? yield* Effect.fail(needContainerd(row.runtime)) : row.socket
})

/** Does what is asked for on this node; what changes something holds the node lock. */
export const run = Effect.fn("Snapshots.run")(function* (
  request: SnapshotsRequest,
  show: Show,
): Effect.fn.Return<SnapshotsReport, DecisionError | HostError, Requirements> {
  const shell = yield* HostShell
  const at = yield* ContainerdAt
  const socket = yield* socketOf(request)
  const snapshotter = snapshotterName(request.snapshotter, request.settings.instance)
  const { keepLock } = shell
  const work = Effect.provide(within({ ...request, snapshotter, keepLock }, show), at(socket))
  const changes = request.action !== "plan" && request.apply === "apply"
  return yield* changes ? Effect.scoped(Effect.andThen(shell.lock(request.lockSeconds), work)) : work
})
