/** A metadata store of a test, and what `SnapshotRecords` gets to know of it. */
import { Fact, type SnapshotRecords } from "../../src/index.ts"
import * as Metadata from "../../src/testing/MemoryMetadata.ts"
import * as SampleImage from "../../src/testing/SampleImage.ts"

export const snapshotter = "nydus-for-kata-tee"

/** Images over a common base: `a` lies below `b` and `c`. */
export const images = [
  SampleImage.make("a", ["base"]),
  SampleImage.make("b", ["base", "middle", "b"]),
  SampleImage.make("c", ["base", "middle", "c", "top"]),
] as const

export type Store = Metadata.NamespaceState

/** A namespace with all images, and containers by id with the image that they run. */
export const store = (containers: Readonly<Record<string, string>> = {}): Store => {
  const state = Metadata.sample({ images, containers }, snapshotter)
  // containerd leads from a manifest to its config by a label.
  for (const { config, target } of images)
    state.contents.get(target)!.labels.set("containerd.io/gc.ref.content.config", config)
  return state
}

/** The backend loses snapshots; without keys it loses all. */
export const lose = (state: Store, keys?: ReadonlyArray<string>): void => {
  for (const snapshot of Metadata.keysOf(state, snapshotter).values())
    if (keys === undefined || keys.includes(snapshot.key)) snapshot.lost = true
}

/** What can be seen of it when everything can be seen; the backend is not asked unless the test says so. */
export const factsOf = (
  state: Store,
  over: Partial<SnapshotRecords.RecordFacts> = {},
): SnapshotRecords.RecordFacts => ({
  namespace: "k8s.io",
  listed: Fact.known(
    [...Metadata.keysOf(state, snapshotter).values()]
      .filter(({ lost }) => !lost)
      .map(({ key, kind, parent }) => ({ key, kind, parent })),
  ),
  contents: Fact.known([...state.contents].map(([digest, { labels }]) => ({ digest, labels }))),
  images: Fact.known([...state.images.values()]),
  containers: Fact.known([...state.containers.values()]),
  configs: new Map([...state.contents].map(([digest, { text }]) => [digest, Fact.known(text)])),
  backend: Fact.unknown("not-asked", "nobody looked"),
  ...over,
})

/** Removes a record as containerd does; `false` where it refuses, because another one lies on it. */
export const remove = (state: Store, key: string): boolean => {
  const keys = Metadata.keysOf(state, snapshotter)
  if ([...keys.values()].some(({ parent }) => parent === key)) return false
  keys.delete(key)
  return true
}

/** Keys whose snapshot the backend has lost, sorted. */
export const lostIn = (state: Store): ReadonlyArray<string> =>
  [...Metadata.keysOf(state, snapshotter).values()]
    .filter(({ lost }) => lost)
    .map(({ key }) => key)
    .sort()
