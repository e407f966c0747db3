/**
 * Answers: may what a snapshotter has stored on the host go? Only when that is asked for and all of it can: what
 * containerd has records of goes through containerd first, and the directory only when nothing refers to it any more;
 * else the next pull of the same layers would fail for good. One thing in the way keeps everything, so that a node
 * never has half of its snapshots. Source: spec 07 §3; facts containerd §9, §10; decisions §3; docs/decisions/0019.
 */
import { Schema } from "effect"
import { type Fact, valueOf } from "../input/Fact.ts"
import type { Notice } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as SnapshotRecords from "./SnapshotRecords.ts"
import * as SnapshotRemoval from "./SnapshotRemoval.ts"
import * as SnapshotRepair from "./SnapshotRepair.ts"

/** What the operator asks for (`--nydus-data`). */
export type DataWish = "keep" | "purge"

/** What was seen of one namespace of containerd, for both decisions about snapshots. */
export interface NamespaceLook {
  readonly removal: SnapshotRemoval.NamespaceSnapshots
  readonly records: SnapshotRecords.RecordFacts
}

/** What goes from one namespace of containerd. */
export const NamespacePurge = Schema.Struct({
  namespace: Schema.String,
  /** Keys of snapshots and of records without one, children before parents. */
  order: Schema.Array(Schema.String),
  /** Labels of images' configurations that lead to them; `top` is the key that a label names. */
  unlabel: Schema.Array(Schema.Struct({ digest: Schema.String, label: Schema.String, top: Schema.String })),
  /** Names of the images that had them, sorted. */
  images: Schema.Array(Schema.String),
})
/** What goes from one namespace of containerd. */
export type NamespacePurge = typeof NamespacePurge.Type

/** What a look at containerd says of the data of one snapshotter. */
export const Outlook = Schema.Struct({
  /** What goes, by namespace; nothing where something is in the way, and where containerd has nothing of it. */
  namespaces: Schema.Array(NamespacePurge),
  /** What is in the way of purging all of it, as a clause; `null` when nothing is. */
  obstacle: Schema.NullOr(Schema.String),
})
/** What a look at containerd says of the data of one snapshotter. */
export type Outlook = typeof Outlook.Type

/** What containerd at a socket has of snapshotters. */
export interface DataSight {
  readonly socket: HostPath
  /** By the snapshotter's name in containerd. */
  readonly outlooks: Readonly<Record<string, Outlook>>
}

/** What becomes of the directory. */
export type DataDisposition = { readonly _tag: "Keep"; readonly because: string } | { readonly _tag: "Purge" }

const listOf = (values: Iterable<string>): string => [...new Set(values)].sort().join(", ")

const usersIn = ({ records }: NamespaceLook, snapshotter: string): ReadonlyArray<string> =>
  (valueOf(records.containers) ?? [])
    .filter((container) => container.snapshotter === snapshotter && container.snapshotKey !== "")
    .map(({ id }) => id)

/** Names for people: a kubelet's pull leaves an image's id and digest as names beside the one that was asked for. */
const readable = (names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const tags = names.filter((name) => !name.includes("sha256:"))
  return tags.length === 0 ? names : tags
}

/** What the labels in a namespace lead to, and the images that have them. */
const labelled = ({ records }: NamespaceLook, snapshotter: string) => {
  const contents = valueOf(records.contents) ?? []
  const byDigest = SnapshotRecords.imagesOf(valueOf(records.images) ?? [], contents)
  return SnapshotRecords.keepers(contents, snapshotter).map((keeper) => ({
    keeper,
    images: readable(byDigest.get(keeper.digest) ?? []),
  }))
}

/** Lists without which nobody knows what refers to a snapshotter. */
const unlisted = ({ records }: NamespaceLook): ReadonlyArray<string> =>
  (
    [
      ["content", records.contents],
      ["containers", records.containers],
    ] as ReadonlyArray<readonly [string, Fact<unknown>]>
  ).flatMap(([what, list]) => (list._tag === "Unknown" ? [`${what} cannot be listed (${list.why})`] : []))

const notKnown = (doubts: ReadonlyArray<string>): string =>
  `it is not known whether containerd still has records of it (${[...new Set(doubts)].join("; ")})`

/**
 * What is in the way although containerd has no such snapshotter any more, and therefore lists none of its snapshots.
 * What lasts is kept by a label of an image or by a container; both are listed without the snapshotter. Records that
 * neither keeps are garbage, which containerd collects by itself.
 */
const obstacleUnloaded = (looks: ReadonlyArray<NamespaceLook>, snapshotter: string): string | undefined => {
  const doubts = looks.flatMap(unlisted)
  if (doubts.length > 0) return notKnown(doubts)
  const kept = looks.flatMap((look) => labelled(look, snapshotter))
  if (kept.length === 0) return undefined
  const images = listOf(kept.flatMap(({ images: names }) => names))
  const of = images === "" ? "" : `, of the images ${images}`
  return `containerd still has records of snapshots in it${of}, and no snapshotter ${snapshotter} any more that could remove them`
}

/** What is in the way where snapshots can be listed. */
const obstacleLoaded = (looks: ReadonlyArray<NamespaceLook>, snapshotter: string): string | undefined => {
  const left = SnapshotRemoval.plan(looks.map(({ removal }) => removal))
  const unseen = left.namespaces.flatMap(({ unseen: why }) => (why === undefined ? [] : [why]))
  if (unseen.length > 0) return `its snapshots could not be listed (${listOf(unseen)})`
  const records = SnapshotRepair.plan(
    looks.map(({ records: facts }) => facts),
    snapshotter,
  )
  const doubts = records.namespaces.flatMap((namespace) => namespace.doubts)
  if (doubts.length > 0) return notKnown(doubts)
  const stuck = [...left.namespaces, ...records.namespaces].reduce(
    (sum, { blocked }) => sum + blocked.length,
    0,
  )
  return stuck === 0 ? undefined : `${stuck} of its snapshots cannot be removed`
}

const isUnloaded = ({ removal: { snapshots } }: NamespaceLook): boolean =>
  snapshots._tag === "Unknown" && snapshots.how === "out-of-sight"

const purgeOf = (look: NamespaceLook, snapshotter: string): NamespacePurge => {
  const { namespace, order } = SnapshotRemoval.plan([look.removal]).namespaces[0]!
  const stale = SnapshotRepair.planNamespace(look.records, snapshotter)
  const kept = labelled(look, snapshotter)
  return {
    namespace,
    // Records without a snapshot go as well: they would be in the way of the next pull.
    order: [...stale.order.filter((key) => !order.includes(key)), ...order],
    unlabel: kept.map(({ keeper }) => keeper),
    images: [...new Set(kept.flatMap(({ images }) => images))].sort(),
  }
}

/** Whether nothing goes from a namespace. */
const isBare = ({ order, unlabel }: NamespacePurge): boolean => order.length === 0 && unlabel.length === 0

/** What can be done about the data of a snapshotter, by what was seen of every namespace. */
export const outlook = (looks: ReadonlyArray<NamespaceLook>, snapshotter: string): Outlook => {
  const users = listOf(looks.flatMap((look) => usersIn(look, snapshotter)))
  const unloaded = looks.some(isUnloaded)
  const obstacle =
    users === ""
      ? unloaded
        ? obstacleUnloaded(looks, snapshotter)
        : obstacleLoaded(looks, snapshotter)
      : `it is in use by ${users}`
  return {
    namespaces:
      obstacle === undefined && !unloaded
        ? looks.map((look) => purgeOf(look, snapshotter)).filter((purge) => !isBare(purge))
        : [],
    obstacle: obstacle ?? null,
  }
}

/** How many snapshots and records of them go. */
export const count = ({ namespaces }: Outlook): number =>
  namespaces.reduce((sum, { order }) => sum + order.length, 0)

/** Decides on the directory, by a look at containerd *after* snapshots were removed. */
export const disposition = (after: Outlook): DataDisposition => {
  if (after.obstacle !== null) return { _tag: "Keep", because: after.obstacle }
  if (after.namespaces.length === 0) return { _tag: "Purge" }
  return { _tag: "Keep", because: `${count(after)} of its snapshots are still there` }
}

/** What helps where nothing better is known. */
export const usualRemedy =
  "Remove what uses it and the images that were pulled with it, then run cleanup --nydus-data purge once more."

/** Said where data is kept although the operator wants it purged. */
export const notPurged = (
  directory: string,
  { because, remedy }: { readonly because: string; readonly remedy: string },
): Notice => ({
  code: "snapshotter-data-kept",
  severity: "warning",
  message: `${directory} is kept, because ${because}.`,
  remedy,
})

/** Said where data is kept as the operator wants it, which is usual. */
export const keptAsUsual = (name: string, directory: HostPath): Notice => ({
  code: "snapshotter-data-kept",
  severity: "info",
  message: `${directory} stays: containerd has records of the snapshots of ${name} in it, and pulls would fail without them once ${name} is set up again.`,
  remedy:
    "Where it is not to be set up again, cleanup --nydus-data purge removes the snapshots and the directory.",
})

/** What a purge did, in figures. */
export interface Purged {
  readonly snapshotter: string
  readonly directory: HostPath
  /** Snapshots and records that were removed, or that the garbage collector took first. */
  readonly snapshots: number
  /** What the files in the directory held together. */
  readonly bytes: number
  /** Whether something of it had to stay, which the report names path by path. */
  readonly rest: "nothing" | "some"
}

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"] as const

const sizeOf = (bytes: number): string => {
  const at = Math.min(units.length - 1, bytes < 1 ? 0 : Math.floor(Math.log2(bytes) / 10))
  return `${at === 0 ? bytes : (bytes / 1024 ** at).toFixed(1)} ${units[at]}`
}

/** Said when data is gone. */
export const purged = ({ bytes, directory, rest, snapshots, snapshotter }: Purged): Notice => ({
  code: "snapshotter-data-purged",
  severity: "info",
  message: `${directory} ${rest === "nothing" ? "is gone" : "is emptied but for what is named as left behind"}, with ${sizeOf(bytes)} in files; ${snapshots === 1 ? "1 snapshot" : `${snapshots} snapshots`} of ${snapshotter} had been removed from containerd before.`,
})
