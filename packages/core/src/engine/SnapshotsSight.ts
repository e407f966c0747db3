/**
 * Answers: what does containerd have of a snapshotter? Content, images and containers are looked at first and the
 * snapshots last: an image that is pulled in between is then overlooked, and never taken for one that lost its
 * snapshots. A list that fails is unknown and never empty.
 */
import { Effect } from "effect"
import * as SnapshotRecords from "../decide/SnapshotRecords.ts"
import type * as SnapshotRemoval from "../decide/SnapshotRemoval.ts"
import type { NamespaceLook } from "../decide/SnapshotterData.ts"
import * as Fact from "../input/Fact.ts"
import { type ContainerRecord, Containerd } from "../ports/Containerd.ts"
import { describe, type HostError } from "../ports/HostError.ts"

/** One namespace, for both decisions. */
export type NamespaceSight = NamespaceLook

/** A snapshotter that containerd does not have is out of sight by construction: what it had is listed by nobody. */
const attempted = <A>(looking: Effect.Effect<A, HostError>): Effect.Effect<Fact.Fact<A>> =>
  Effect.match(looking, {
    onFailure: ({ reason }) =>
      Fact.unknown(reason._tag === "NotLoaded" ? "out-of-sight" : "failed", describe(reason)),
    onSuccess: Fact.known,
  })

/** Names of the containers by the snapshot that they use. */
const usersOf = (
  containers: Fact.Fact<ReadonlyArray<ContainerRecord>>,
  snapshotter: string,
): SnapshotRemoval.NamespaceSnapshots["users"] => {
  if (containers._tag === "Unknown") return containers
  const own = containers.value.filter((one) => one.snapshotter === snapshotter && one.snapshotKey !== "")
  const byKey = Map.groupBy(own, ({ snapshotKey }) => snapshotKey)
  return Fact.known(new Map([...byKey].map(([key, users]) => [key, users.map(({ id }) => id)])))
}

/** Nobody opens another program's store; what it has lost, containerd's own listing leaves out. */
const notLookedInto = Fact.unknown("not-asked", "the snapshotter's own store was not opened")

/** Looks at one namespace. */
export const namespace = Effect.fn("SnapshotsSight.namespace")(function* (
  name: string,
  snapshotter: string,
): Effect.fn.Return<NamespaceSight, never, Containerd> {
  const containerd = yield* Containerd
  const contents = yield* attempted(containerd.contents(name))
  const images = yield* attempted(containerd.images(name))
  const containers = yield* attempted(containerd.containers(name))
  const configs = new Map<string, Fact.Fact<string | undefined>>()
  for (const digest of SnapshotRecords.configsToRead(contents, snapshotter))
    configs.set(digest, yield* attempted(containerd.blob(name, digest)))
  const listed = yield* attempted(containerd.snapshots(name, snapshotter))
  return {
    removal: { namespace: name, snapshots: listed, users: usersOf(containers, snapshotter) },
    records: { namespace: name, listed, contents, images, containers, configs, backend: notLookedInto },
  }
})

/** Looks at a namespace, or at all of them. */
export const all = Effect.fn("SnapshotsSight.all")(function* (
  snapshotter: string,
  only: string | undefined,
): Effect.fn.Return<ReadonlyArray<NamespaceSight>, HostError, Containerd> {
  const containerd = yield* Containerd
  const names = only === undefined ? yield* containerd.namespaces : [only]
  return yield* Effect.forEach(names, (name) => namespace(name, snapshotter))
})
