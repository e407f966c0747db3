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
  }
>()("@kata-deploy/core/NodeApi") {}
