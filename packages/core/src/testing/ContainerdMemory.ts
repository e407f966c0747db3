/**
 * The double of `Containerd`: namespaces with images, snapshots and containers in memory. Removals are recorded, and
 * fail where a test wants them to; so do listings.
 */
import { Effect, Layer, Result } from "effect"
import {
  type ContentRecord,
  Containerd,
  largestBlob,
  type Removed,
  type SnapshotRecord,
} from "../ports/Containerd.ts"
import { HostError, type HostErrorReason } from "../ports/HostError.ts"
import { byteLength } from "./Digest.ts"
import { MemoryFaults } from "./MemoryFaults.ts"
import {
  collectGarbage,
  keysOf,
  type NamespaceState,
  type SampleNamespace,
  sample,
} from "./MemoryMetadata.ts"

/** What a double starts with; everything may be left out. */
export interface Options {
  /** Snapshotters that this containerd has; images are unpacked with the first. `native` when left out. */
  readonly snapshotters?: ReadonlyArray<string>
  readonly namespaces?: Readonly<Record<string, SampleNamespace>>
}

/** A double with its controls. */
export interface ContainerdMemory {
  /** The port, for a program under test. */
  readonly layer: Layer.Layer<Containerd>
  /** Namespaces by name; tests change them behind the program's back. */
  readonly namespaces: Map<string, NamespaceState>
  /** The backend of a snapshotter loses everything: its records are there and no longer listed. */
  readonly wipe: (snapshotter: string) => void
  /** Calls in order, listings too (`list snapshots` with the subject `native in k8s.io`), and planted faults. */
  readonly faults: MemoryFaults<HostErrorReason>
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const sortedBy = <A>(values: Iterable<A>, key: (value: A) => string): ReadonlyArray<A> =>
  [...values].sort((a, b) => byText(key(a), key(b)))

const refused = (detail: string): Result.Result<never, HostErrorReason> =>
  Result.fail({ _tag: "Refused", detail })

/** A double that starts as `options` say. */
export const make = (options: Options = {}): ContainerdMemory => {
  const snapshotters = options.snapshotters ?? ["native"]
  const namespaces = new Map(
    Object.entries(options.namespaces ?? {}).map(([name, start]) => [name, sample(start, snapshotters[0]!)]),
  )
  const faults = new MemoryFaults<HostErrorReason>()
  const empty = (): NamespaceState => sample({ images: [] }, snapshotters[0]!)
  const at = (namespace: string): NamespaceState => namespaces.get(namespace) ?? empty()

  const call = <A>(
    verb: string,
    subject: string,
    run: () => Result.Result<A, HostErrorReason>,
  ): Effect.Effect<A, HostError> => {
    const toError = (reason: HostErrorReason): HostError =>
      new HostError({ operation: `${verb} ${subject}`, path: undefined, reason })
    const tried = Effect.suspend(() => Effect.fromResult(Result.mapError(run(), toError)))
    return faults.around({ verb, subject }, toError, tried)
  }

  const loaded = (snapshotter: string): Result.Result<void, HostErrorReason> =>
    snapshotters.includes(snapshotter)
      ? Result.void
      : Result.fail({ _tag: "NotLoaded", detail: `snapshotter not loaded: ${snapshotter}` })

  const removeSnapshot = (
    state: NamespaceState,
    snapshotter: string,
    key: string,
  ): Result.Result<Removed, HostErrorReason> => {
    const keys = keysOf(state, snapshotter)
    for (const { parent } of keys.values())
      if (parent === key) return refused("cannot remove snapshot with child")
    return Result.succeed(keys.delete(key) ? "removed" : "gone")
  }

  const service = Containerd.of({
    namespaces: call("list", "namespaces", () => Result.succeed(sortedBy(namespaces.keys(), (name) => name))),
    snapshots: (namespace, snapshotter) =>
      call("list snapshots", `${snapshotter} in ${namespace}`, () =>
        Result.map(loaded(snapshotter), () => {
          const there = [...keysOf(at(namespace), snapshotter).values()].filter(({ lost }) => !lost)
          return sortedBy(there.map(plain), ({ key }) => key)
        }),
      ),
    containers: (namespace) =>
      call("list containers", namespace, () =>
        Result.succeed(sortedBy(at(namespace).containers.values(), ({ id }) => id)),
      ),
    images: (namespace) =>
      call("list images", namespace, () =>
        Result.succeed(sortedBy(at(namespace).images.values(), ({ name }) => name)),
      ),
    contents: (namespace) =>
      call("list contents", namespace, () => {
        const records = [...at(namespace).contents].map(([digest, { labels, text }]): ContentRecord => ({
          digest,
          size: byteLength(text),
          labels: new Map(labels),
        }))
        return Result.succeed(sortedBy(records, ({ digest }) => digest))
      }),
    blob: (namespace, digest) =>
      call("read", `${digest} in ${namespace}`, () => {
        const text = at(namespace).contents.get(digest)?.text
        return text !== undefined && byteLength(text) > largestBlob
          ? refused("it is too large to be a config or a manifest")
          : Result.succeed(text)
      }),
    removeSnapshot: (namespace, snapshotter, key) =>
      call("remove snapshot", `${key} of ${snapshotter} in ${namespace}`, () =>
        Result.flatMap(loaded(snapshotter), () => removeSnapshot(at(namespace), snapshotter, key)),
      ),
    updateContentLabels: (namespace, digest, labels) =>
      call("label", `${digest} in ${namespace}`, () => {
        const blob = at(namespace).contents.get(digest)
        for (const [key, value] of labels) {
          if (value === undefined) blob?.labels.delete(key)
          else blob?.labels.set(key, value)
        }
        return Result.succeed(blob === undefined ? ("gone" as const) : ("updated" as const))
      }),
    removeImage: (namespace, name) =>
      call("remove image", `${name} in ${namespace}`, () => {
        const state = at(namespace)
        if (!state.images.delete(name)) return Result.succeed("gone" as const)
        collectGarbage(state)
        return Result.succeed("removed" as const)
      }),
  })

  return {
    layer: Layer.succeed(Containerd, service),
    namespaces,
    wipe: (snapshotter) => {
      for (const state of namespaces.values())
        for (const snapshot of keysOf(state, snapshotter).values()) snapshot.lost = true
    },
    faults,
  }
}

const plain = ({ key, kind, labels, parent }: SnapshotRecord): SnapshotRecord => ({
  key,
  kind,
  parent,
  labels: new Map(labels),
})
