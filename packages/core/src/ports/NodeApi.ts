/**
 * The boundary to the Node object. Implemented by `@kata-deploy/kubernetes` and by the in-memory double of
 * `@kata-deploy/core/testing`.
 */
import { Context, Data, type Effect } from "effect"
import type { Fact } from "../input/Fact.ts"

/** A request to the API server failed for good. */
export class ClusterError extends Data.TaggedError("ClusterError")<{
  /** What we were asking for, e.g. `read node worker-1`. */
  readonly operation: string
  /** Why it failed, as a clause. */
  readonly detail: string
  /** What to do about it. */
  readonly remedy: string
}> {
  override get message(): string {
    return `Could not ${this.operation}: ${this.detail}`
  }
}

/** What we read of the Node. */
export interface NodeFacts {
  /** `status.nodeInfo.containerRuntimeVersion`, e.g. `containerd://2.1.5-k3s1`. */
  readonly containerRuntimeVersion: string | undefined
  /** `metadata.labels`. */
  readonly labels: Readonly<Record<string, string>>
  /** Names in `status.runtimeHandlers`; `undefined` where the cluster does not report them. */
  readonly runtimeHandlers: ReadonlyArray<string> | undefined
}

/** Whether the node takes pods, and when it said so last. */
export interface Readiness {
  /** Whether the condition `Ready` is `True`. */
  readonly ready: boolean
  /** The newest sign of life (heartbeat of the condition, renewal of the lease), in milliseconds since the epoch. */
  readonly heartbeat: number | undefined
}

/** Something that is told on the Node object. */
export interface NodeEvent {
  readonly severity: "normal" | "warning"
  /** One word in CamelCase, e.g. `KataInstalled`. */
  readonly reason: string
  /** A sentence without secrets. */
  readonly message: string
}

/** A change of labels: a new value, or `null` to take the key away. */
export type LabelUpdates = Readonly<Record<string, string | null>>

/** The Node that we run on. */
export class NodeApi extends Context.Service<
  NodeApi,
  {
    /** The Node as it is now; *not asked* where the API is not to be used. */
    readonly node: Effect.Effect<Fact<NodeFacts>>
    /** Rewrites labels by a decision that is taken again on fresh labels whenever another writer was faster. */
    readonly updateLabels: (
      decide: (labels: Readonly<Record<string, string>>) => LabelUpdates,
    ) => Effect.Effect<void, ClusterError>
    /** Whether our own DaemonSet still selects this node; *unknown, not asked* counts as no (decisions §2). */
    readonly ownDaemonSetWantsNode: Effect.Effect<Fact<boolean>>
    /** Names of other kata-deploy DaemonSets that want this node, by name or image (spec 08 §4). */
    readonly othersWantingNode: Effect.Effect<Fact<ReadonlyArray<string>>>
    /** Whether the node is ready, and since when that is known. */
    readonly readiness: Effect.Effect<Fact<Readiness>>
    /** Takes the startup taints off that the matchers hit; answers the matchers that did (spec 08 §6). */
    readonly removeTaints: (
      matchers: ReadonlyArray<string>,
    ) => Effect.Effect<ReadonlyArray<string>, ClusterError>
    /** The kubelet's configuration as its `configz` endpoint gives it (spec 08 §7). */
    readonly configz: Effect.Effect<Fact<unknown>>
    /** Tells something on the Node object; best effort, never fails. */
    readonly emit: (event: NodeEvent) => Effect.Effect<void>
  }
>()("@kata-deploy/core/NodeApi") {}
