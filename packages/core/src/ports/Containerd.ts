/**
 * The boundary to containerd's own view: its namespaces, snapshots, containers, images and content. Implemented by
 * `@kata-deploy/host` over containerd's gRPC services and by the in-memory double of `@kata-deploy/core/testing`;
 * both pass the same conformance suite.
 *
 * A listing that fails is a failure and never an empty list: what cannot be listed must not be taken for clean. Every
 * call is one look; nothing is remembered between calls. Source: facts of containerd's metadata store (issue 7).
 */
import { Context, type Effect } from "effect"
import type { HostError } from "./HostError.ts"

/** What a snapshot is: a layer of an image, or what a container writes to or looks at. */
export type SnapshotKind = "active" | "view" | "committed"

/** A snapshot as the metadata store lists it. */
export interface SnapshotRecord {
  /** Chain id of a committed one (`sha256:…`), else any name. */
  readonly key: string
  /** Key of the snapshot that it lies on. */
  readonly parent: string | undefined
  readonly kind: SnapshotKind
  readonly labels: ReadonlyMap<string, string>
}

/** A container as the metadata store lists it; whether it runs is another question. */
export interface ContainerRecord {
  readonly id: string
  /** The snapshotter of its root filesystem; empty where it has none. */
  readonly snapshotter: string
  /** Key of its snapshot; empty where it has none. */
  readonly snapshotKey: string
  /** Name of its image; empty where it was made from none. */
  readonly image: string
  /** Its runtime, e.g. `io.containerd.runc.v2`. */
  readonly runtime: string
}

/** An image by name; several names may have the same target. */
export interface ImageRecord {
  readonly name: string
  /** Digest of the index, manifest or config that it names. */
  readonly target: string
}

/** A blob of the content store. */
export interface ContentRecord {
  /** `sha256:…`. */
  readonly digest: string
  /** In bytes. */
  readonly size: number
  /** For example `containerd.io/gc.ref.snapshot.<snapshotter>` or `containerd.io/uncompressed`. */
  readonly labels: ReadonlyMap<string, string>
}

/** What became of a removal; what the garbage collector took meanwhile is gone, which is success. */
export type Removed = "removed" | "gone"

/** The largest blob that is read, in bytes: configs and manifests are small, layers are not for reading. */
export const largestBlob = 8 * 1024 * 1024

/** containerd's metadata and content, asked at one socket. */
export class Containerd extends Context.Service<
  Containerd,
  {
    /** Names of all namespaces, sorted. */
    readonly namespaces: Effect.Effect<ReadonlyArray<string>, HostError>
    /**
     * Snapshots of a snapshotter, sorted by key. A snapshotter that containerd does not have is a failure (`NotLoaded`). Records
     * whose backend has lost the snapshot are left out by containerd itself: an empty list does not mean clean.
     */
    readonly snapshots: (
      namespace: string,
      snapshotter: string,
    ) => Effect.Effect<ReadonlyArray<SnapshotRecord>, HostError>
    /** Containers, sorted by id. */
    readonly containers: (namespace: string) => Effect.Effect<ReadonlyArray<ContainerRecord>, HostError>
    /** Images, sorted by name. */
    readonly images: (namespace: string) => Effect.Effect<ReadonlyArray<ImageRecord>, HostError>
    /** Blobs of the content store, sorted by digest. */
    readonly contents: (namespace: string) => Effect.Effect<ReadonlyArray<ContentRecord>, HostError>
    /** The text of a blob of at most `largestBlob` bytes; `undefined` where there is none. */
    readonly blob: (namespace: string, digest: string) => Effect.Effect<string | undefined, HostError>
    /**
     * Removes the record of a snapshot; the backend's part goes with the next garbage collection. Works without the
     * backend. A snapshot on which another lies is refused.
     */
    readonly removeSnapshot: (
      namespace: string,
      snapshotter: string,
      key: string,
    ) => Effect.Effect<Removed, HostError>
    /** Sets labels of a blob, and takes away those whose value is `undefined`; a blob that is gone is success. */
    readonly updateContentLabels: (
      namespace: string,
      digest: string,
      labels: ReadonlyMap<string, string | undefined>,
    ) => Effect.Effect<"updated" | "gone", HostError>
    /** Removes an image's name, and waits for the garbage collection that follows. */
    readonly removeImage: (namespace: string, name: string) => Effect.Effect<Removed, HostError>
  }
>()("@kata-deploy/core/Containerd") {}
