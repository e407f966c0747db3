/**
 * Answers: what does containerd's metadata store hold in a test, and what does its garbage collector take away?
 * Sample images are unpacked as containerd would do it.
 */
import type { ContainerRecord, ImageRecord, SnapshotRecord } from "../ports/Containerd.ts"
import type { SampleImage } from "./SampleImage.ts"

/** A snapshot, and whether the backend has lost it: it is not listed then, and can still be removed. */
export interface StoredSnapshot extends SnapshotRecord {
  lost: boolean
}

/** A blob with its labels. */
export interface StoredBlob {
  readonly text: string
  readonly labels: Map<string, string>
}

/** One namespace; tests change it behind the program's back. */
export interface NamespaceState {
  /** By snapshotter, then by key. */
  readonly snapshots: Map<string, Map<string, StoredSnapshot>>
  /** By id. */
  readonly containers: Map<string, ContainerRecord>
  /** By name. */
  readonly images: Map<string, ImageRecord>
  /** By digest. */
  readonly contents: Map<string, StoredBlob>
}

/** What a namespace starts with. */
export interface SampleNamespace {
  /** Unpacked with each snapshotter that is named, or with the first one of the fixture. */
  readonly images: ReadonlyArray<SampleImage>
  /** Containers by id, with the name of their image. */
  readonly containers?: Readonly<Record<string, string>>
}

const refPrefix = "containerd.io/gc.ref.snapshot."

/** The label by which an image's config keeps the top of its chain. */
export const refLabel = (snapshotter: string): string => `${refPrefix}${snapshotter}`

/** A namespace in which images were unpacked and containers made. */
export const sample = (start: SampleNamespace, snapshotter: string): NamespaceState => {
  const state: NamespaceState = {
    snapshots: new Map(),
    containers: new Map(),
    images: new Map(),
    contents: new Map(),
  }
  for (const image of start.images) unpack(state, image, snapshotter)
  for (const [id, name] of Object.entries(start.containers ?? {})) {
    const image = start.images.find((candidate) => candidate.name === name)
    keysOf(state, snapshotter).set(id, {
      key: id,
      parent: image?.chain.at(-1),
      kind: "active",
      labels: new Map(),
      lost: false,
    })
    const runtime = "io.containerd.runc.v2"
    state.containers.set(id, { id, snapshotter, snapshotKey: id, image: name, runtime })
  }
  return state
}

/** Snapshots of a snapshotter in a namespace, by key. */
export const keysOf = (state: NamespaceState, snapshotter: string): Map<string, StoredSnapshot> => {
  const found = state.snapshots.get(snapshotter) ?? new Map<string, StoredSnapshot>()
  state.snapshots.set(snapshotter, found)
  return found
}

const unpack = (state: NamespaceState, image: SampleImage, snapshotter: string): void => {
  const keys = keysOf(state, snapshotter)
  state.images.set(image.name, { name: image.name, target: image.target })
  for (const [digest, text] of image.blobs) {
    if (!state.contents.has(digest)) state.contents.set(digest, { text, labels: new Map() })
  }
  for (const digest of image.layers)
    state.contents.get(digest)!.labels.set("containerd.io/uncompressed", digest)
  const top = image.chain.at(-1)
  if (top !== undefined) state.contents.get(image.config)!.labels.set(refLabel(snapshotter), top)
  image.chain.forEach((key, at) => {
    const parent = at === 0 ? undefined : image.chain[at - 1]
    if (!keys.has(key)) keys.set(key, { key, parent, kind: "committed", labels: new Map(), lost: false })
  })
}

/** Every digest that a blob names. */
const namedIn = (text: string): ReadonlyArray<string> => text.match(/sha256:[0-9a-f]{64}/g) ?? []

/** Takes away what neither an image nor a container refers to. */
export const collectGarbage = (state: NamespaceState): void => {
  const blobs = new Set<string>()
  const keep = (digest: string): void => {
    const blob = state.contents.get(digest)
    if (blob === undefined || blobs.has(digest)) return
    blobs.add(digest)
    namedIn(blob.text).forEach(keep)
  }
  for (const { target } of state.images.values()) keep(target)
  for (const [snapshotter, keys] of state.snapshots) {
    const kept = new Set<string>()
    const keepChain = (key: string | undefined): void => {
      for (let at = key; at !== undefined && !kept.has(at); at = keys.get(at)?.parent) kept.add(at)
    }
    for (const digest of blobs) keepChain(state.contents.get(digest)!.labels.get(refLabel(snapshotter)))
    for (const container of state.containers.values())
      if (container.snapshotter === snapshotter) keepChain(container.snapshotKey)
    for (const key of keys.keys()) if (!kept.has(key)) keys.delete(key)
  }
  for (const digest of state.contents.keys()) if (!blobs.has(digest)) state.contents.delete(digest)
}
