/**
 * Answers: which snapshots of a snapshotter can be removed, in which order, and what is in the way of the others? One
 * pass, leaves first; what cannot be listed is unknown and never clean. Source: spec 07 §3; facts containerd §9.
 */
import { Context, Layer } from "effect"
import { type Fact, valueOf } from "../input/Fact.ts"
import * as SnapshotForest from "./SnapshotForest.ts"

/** One snapshot as containerd lists it. */
export interface Snapshot {
  readonly key: string
  /** Key of the snapshot that it lies on. */
  readonly parent: string | undefined
  /** `committed` is an image's layer; on the others a container may write or read. */
  readonly kind: "active" | "view" | "committed"
}

/** What is known of one namespace of containerd. */
export interface NamespaceSnapshots {
  readonly namespace: string
  /** In the order of the listing; unknown where it failed. */
  readonly snapshots: Fact<ReadonlyArray<Snapshot>>
  /** By key of a snapshot, the names of the containers that use it. */
  readonly users: Fact<ReadonlyMap<string, ReadonlyArray<string>>>
}

/** Why a snapshot stays. */
export type BlockedBecause =
  | { readonly _tag: "InUse"; readonly by: ReadonlyArray<string> }
  /** Containers could not be listed, and one of them may write on it. */
  | { readonly _tag: "UseUnknown"; readonly why: string }
  | SnapshotForest.Below

/** A snapshot that stays. */
export interface BlockedSnapshot {
  readonly key: string
  readonly because: BlockedBecause
}

/** What becomes of the snapshots of one namespace. */
export interface NamespaceRemoval {
  readonly namespace: string
  /** Keys to remove, children before parents. */
  readonly order: ReadonlyArray<string>
  readonly blocked: ReadonlyArray<BlockedSnapshot>
  /** `clean`: nothing is left after the order; `unknown`: it could not be listed. */
  readonly outcome: "clean" | "blocked" | "unknown"
  /** Why it could not be listed. */
  readonly unseen: string | undefined
}

/** What becomes of all snapshots. */
export interface RemovalPlan {
  readonly namespaces: ReadonlyArray<NamespaceRemoval>
  /** `clean` only when every namespace is: the snapshotter's data may go then, and never otherwise. */
  readonly outcome: "clean" | "blocked" | "unknown"
}

/** What keeps a snapshot itself from being removed. */
const blockedItself = (
  snapshot: Snapshot,
  users: NamespaceSnapshots["users"],
): BlockedBecause | undefined => {
  if (users._tag === "Unknown") {
    return snapshot.kind === "committed" ? undefined : { _tag: "UseUnknown", why: users.why }
  }
  const by = users.value.get(snapshot.key) ?? []
  return by.length === 0 ? undefined : { _tag: "InUse", by }
}

/** What becomes of the snapshots of one namespace. */
const planNamespace = ({ namespace, snapshots, users }: NamespaceSnapshots): NamespaceRemoval => {
  if (snapshots._tag === "Unknown")
    return { namespace, order: [], blocked: [], outcome: "unknown", unseen: snapshots.why }
  const { order, stays: blocked } = SnapshotForest.leavesFirst(snapshots.value, (snapshot) =>
    blockedItself(snapshot, users),
  )
  return { namespace, order, blocked, outcome: blocked.length === 0 ? "clean" : "blocked", unseen: undefined }
}

/** Plans the removal of every snapshot that nothing uses. */
export const plan = (namespaces: ReadonlyArray<NamespaceSnapshots>): RemovalPlan => {
  const planned = namespaces.map(planNamespace)
  const worst = (["unknown", "blocked"] as const).find((outcome) =>
    planned.some((namespace) => namespace.outcome === outcome),
  )
  return { namespaces: planned, outcome: worst ?? "clean" }
}

/** The removals of a plan, told as rounds over the listing. */
export interface Rounds {
  /** Keys by the round that removes them, each in the order of the listing. */
  readonly removals: ReadonlyArray<ReadonlyArray<string>>
  /** How often it is listed: the last listing finds nothing, or nothing that can be removed. */
  readonly listings: number
}

/**
 * How going through the listing again and again, without knowing parents, would have come to the same end: an
 * explanation of a plan for those who know that way, not another way of removing.
 */
export const asRounds = (facts: NamespaceSnapshots, planned: NamespaceRemoval): Rounds => {
  const listed = valueOf(facts.snapshots) ?? []
  const place = new Map(listed.map((snapshot, at) => [snapshot.key, at]))
  const parents = new Map(listed.map((snapshot) => [snapshot.key, snapshot.parent]))
  const round = new Map<string, number>()
  // Children come first in the plan, so a key's round is final when its turn comes.
  for (const key of planned.order) {
    const own = round.get(key) ?? 1
    round.set(key, own)
    const parent = parents.get(key)
    if (parent === undefined) continue
    // A parent that is listed behind its last child goes in the same round.
    const earliest = (place.get(parent) ?? 0) > place.get(key)! ? own : own + 1
    round.set(parent, Math.max(round.get(parent) ?? 1, earliest))
  }
  const removals: Array<Array<string>> = []
  const removed = new Set(planned.order)
  for (const { key } of listed) {
    if (!removed.delete(key)) continue
    const at = round.get(key)! - 1
    while (removals.length <= at) removals.push([])
    removals[at]!.push(key)
  }
  return { removals, listings: removals.length + 1 }
}

/** What containerd answered to the removal of a snapshot. */
export type Answer =
  | { readonly _tag: "Removed" }
  /** Somebody else was first, mostly the garbage collector: as good as removed. */
  | { readonly _tag: "Gone" }
  | { readonly _tag: "Failed"; readonly why: string }

/** Figures of a removal that was carried out. */
export interface RemovalFigures {
  readonly removed: number
  /** Gone already when their turn came. */
  readonly gone: number
  readonly failed: ReadonlyArray<{ readonly key: string; readonly why: string }>
  /** Planned, and not tried because one that lies on them is still there, or because the work stopped before. */
  readonly leftOut: ReadonlyArray<string>
}

/** The figures of a plan whose keys were answered; a key without an answer was not tried. */
export const figures = (
  planned: Pick<NamespaceRemoval, "order">,
  answers: ReadonlyMap<string, Answer>,
): RemovalFigures => {
  let removed = 0
  let gone = 0
  const failed: Array<{ readonly key: string; readonly why: string }> = []
  const leftOut: Array<string> = []
  for (const key of planned.order) {
    const answer = answers.get(key)
    if (answer === undefined) leftOut.push(key)
    else if (answer._tag === "Removed") removed++
    else if (answer._tag === "Gone") gone++
    else failed.push({ key, why: answer.why })
  }
  return { removed, gone, failed, leftOut }
}

/** The replaceable policy behind `plan`. */
export class SnapshotRemoval extends Context.Service<
  SnapshotRemoval,
  {
    readonly plan: (namespaces: ReadonlyArray<NamespaceSnapshots>) => RemovalPlan
  }
>()("@kata-deploy/core/SnapshotRemoval") {
  /** The order as this module plans it. */
  static readonly layer = Layer.succeed(SnapshotRemoval, SnapshotRemoval.of({ plan }))
}
