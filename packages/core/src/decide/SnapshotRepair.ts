/**
 * Answers: how do containerd's records and a snapshotter's own store come to agree again? Records without a snapshot
 * behind them go, leaves first, and so do the labels that name them, since containerd sets those anew with the next
 * pull. What a container uses stays. Source: facts containerd §9; user demand 57; docs/decisions/0007.
 */
import { valueOf } from "../input/Fact.ts"
import * as SnapshotForest from "./SnapshotForest.ts"
import * as SnapshotRecords from "./SnapshotRecords.ts"

/** Why a stale record stays. */
export type StaleBecause =
  /** Containers that are made to use it; they have to be removed first. */
  { readonly _tag: "InUse"; readonly by: ReadonlyArray<string> } | SnapshotForest.Below

/** A stale record that stays. */
export interface StaleRecord {
  readonly key: string
  readonly because: StaleBecause
}

/** How one namespace is repaired. */
export interface NamespaceRepair {
  readonly namespace: string
  /**
   * Keys of stale records to remove, children before parents. One that is gone is success: a label may name records
   * that were removed before.
   */
  readonly order: ReadonlyArray<string>
  /** Labels to take off behind that; else the same records would be looked for again. */
  readonly unlabel: ReadonlyArray<SnapshotRecords.Keeper>
  readonly blocked: ReadonlyArray<StaleRecord>
  /** Names of the images that are unpacked anew with their next use, sorted. */
  readonly images: ReadonlyArray<string>
  /** Keys that the backend has and containerd does not know; the snapshotter's own clean-up is for them. */
  readonly strays: ReadonlyArray<string>
  /**
   * `clean`: there is no stale record. `repairable`: the order leaves none. `blocked`: some stay. `unknown`: there may
   * be some that could not be seen, whatever is in the order.
   */
  readonly outcome: "clean" | "repairable" | "blocked" | "unknown"
  /** What could not be seen, as clauses. */
  readonly doubts: ReadonlyArray<string>
}

/** How all namespaces are repaired. */
export interface RepairPlan {
  readonly namespaces: ReadonlyArray<NamespaceRepair>
  /** The worst of all. */
  readonly outcome: NamespaceRepair["outcome"]
}

const nothing = { order: [], unlabel: [], blocked: [], images: [], strays: [] } as const

/** Something that stays and is not stale; only what lies below it is of interest. */
type Stays = StaleBecause | { readonly _tag: "NotStale" }

const notStale: Stays = { _tag: "NotStale" }

const staysItself = ({ state, users }: SnapshotRecords.FoundRecord): Stays | undefined => {
  if (state !== "stale") return notStale
  return users.length === 0 ? undefined : { _tag: "InUse", by: users }
}

/** Plans the repair of one namespace. */
export const planNamespace = (facts: SnapshotRecords.RecordFacts, snapshotter: string): NamespaceRepair => {
  const found = SnapshotRecords.find(facts, snapshotter)
  const { namespace } = facts
  if (found._tag === "Unknown") return { namespace, ...nothing, outcome: "unknown", doubts: [found.why] }
  const { leads, records } = found.value
  const stale = new Set(records.filter(({ state }) => state === "stale").map(({ key }) => key))
  const { order, stays } = SnapshotForest.leavesFirst(records, staysItself)
  const blocked = stays.flatMap(({ because, key }): ReadonlyArray<StaleRecord> =>
    because._tag === "NotStale" || !stale.has(key) ? [] : [{ key, because }],
  )
  const goes = new Set(order)
  const anew = leads.filter(({ top }) => goes.has(top))
  const left = new Set(blocked.map(({ key }) => key))
  // A label stays as long as it leads to a stale record that stays, or may lead to one.
  const unlabel = anew.filter(({ chain }) => chain !== undefined && !chain.some((key) => left.has(key)))
  const byDigest = SnapshotRecords.imagesOf(valueOf(facts.images) ?? [], valueOf(facts.contents) ?? [])
  const unsure = records.filter(({ state }) => state === "unsure").length
  const doubts = [
    ...found.value.doubts,
    ...(unsure === 0
      ? []
      : [`${unsure} records could not be looked for, neither in containerd's listing nor in the backend`]),
    ...(facts.listed._tag === "Unknown" ? [`snapshots cannot be listed (${facts.listed.why})`] : []),
  ]
  return {
    namespace,
    order,
    unlabel: unlabel.map(({ digest, label, top }) => ({ digest, label, top })),
    blocked,
    images: [...new Set(anew.flatMap(({ digest }) => byDigest.get(digest) ?? []))].sort(),
    strays: straysOf(facts),
    outcome:
      doubts.length > 0
        ? "unknown"
        : blocked.length > 0
          ? "blocked"
          : order.length > 0
            ? "repairable"
            : "clean",
    doubts,
  }
}

const straysOf = ({ backend, listed }: SnapshotRecords.RecordFacts): ReadonlyArray<string> => {
  if (backend._tag === "Unknown" || listed._tag === "Unknown") return []
  const keys = new Set(listed.value.map(({ key }) => key))
  return [...backend.value].filter((key) => !keys.has(key)).sort()
}

/** Plans the repair of every namespace. */
export const plan = (
  namespaces: ReadonlyArray<SnapshotRecords.RecordFacts>,
  snapshotter: string,
): RepairPlan => {
  const planned = namespaces.map((facts) => planNamespace(facts, snapshotter))
  const worst = (["unknown", "blocked", "repairable"] as const).find((outcome) =>
    planned.some((namespace) => namespace.outcome === outcome),
  )
  return { namespaces: planned, outcome: worst ?? "clean" }
}
