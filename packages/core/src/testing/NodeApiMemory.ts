/**
 * The double of `NodeApi`: one Node with labels. Other writers can be made faster, so that a decision is taken again.
 */
import { Effect, Layer } from "effect"
import * as Fact from "../input/Fact.ts"
import * as Taints from "../decide/Taints.ts"
import {
  ClusterError,
  type LabelUpdates,
  NodeApi,
  type NodeEvent,
  type NodeFacts,
  type Readiness,
} from "../ports/NodeApi.ts"
import { MemoryFaults } from "./MemoryFaults.ts"

/** What a double starts with; everything may be left out. */
export interface Options {
  /** The Node; with `containerd://2.1.5` and no labels when left out. Unknown makes every request fail. */
  readonly node?: Fact.Fact<NodeFacts>
  /** Whether our own DaemonSet still selects the node; known to be no when left out. */
  readonly ownDaemonSetWantsNode?: Fact.Fact<boolean>
  /** Other kata-deploy DaemonSets that want the node; none when left out. */
  readonly othersWantingNode?: Fact.Fact<ReadonlyArray<string>>
  /** Whether the node is ready; it is when left out. */
  readonly readiness?: Fact.Fact<Readiness>
  /** Taints of the node; none when left out. */
  readonly taints?: ReadonlyArray<Taints.Taint>
  /** The kubelet's `configz`; forbidden when left out. */
  readonly configz?: Fact.Fact<unknown>
}

/** A double with its controls. */
export interface NodeApiMemory {
  /** The port, for a program under test. */
  readonly layer: Layer.Layer<NodeApi>
  /** The labels; tests change them behind the program's back. */
  readonly labels: Map<string, string>
  /** What the cluster says of runtime handlers from now on. */
  readonly setRuntimeHandlers: (handlers: ReadonlyArray<string> | undefined) => void
  /** The next update of labels finds that another writer has made this one in between. */
  readonly conflictWith: (updates: LabelUpdates) => void
  /** The taints that are there now. */
  readonly taints: () => ReadonlyArray<Taints.Taint>
  /** Every event that was told, in order. */
  readonly events: ReadonlyArray<NodeEvent>
  /** Every update of labels that succeeded, in order. */
  readonly updates: ReadonlyArray<LabelUpdates>
  /** Requests that change the Node (`update labels`), and planted faults; a fault is the detail of the error. */
  readonly faults: MemoryFaults<string>
}

/** A double that starts as `options` say. */
export const make = (options: Options = {}): NodeApiMemory => {
  const initial =
    options.node ??
    Fact.known<NodeFacts>({
      containerRuntimeVersion: "containerd://2.1.5",
      labels: {},
      runtimeHandlers: undefined,
    })
  const start = Fact.valueOf(initial)
  const labels = new Map(Object.entries(start?.labels ?? {}))
  let runtimeHandlers = start?.runtimeHandlers
  const rivals: Array<LabelUpdates> = []
  const updates: Array<LabelUpdates> = []
  const events: Array<NodeEvent> = []
  let taints = options.taints ?? []
  const faults = new MemoryFaults<string>()

  const write = (changes: LabelUpdates): void => {
    for (const [key, value] of Object.entries(changes)) {
      if (value === null) labels.delete(key)
      else labels.set(key, value)
    }
  }
  const failure = (detail: string): ClusterError =>
    new ClusterError({ operation: "update labels of the node", detail, remedy: "see the API server" })

  const service = NodeApi.of({
    node: Effect.sync(() =>
      start === undefined
        ? initial
        : Fact.known({
            containerRuntimeVersion: start.containerRuntimeVersion,
            labels: Object.fromEntries(labels),
            runtimeHandlers,
          }),
    ),
    updateLabels: (decide) => {
      const run = Effect.suspend(() => {
        if (initial._tag === "Unknown") return Effect.fail(failure(initial.why))
        let decided = decide(Object.fromEntries(labels))
        for (let rival = rivals.shift(); rival !== undefined; rival = rivals.shift()) {
          write(rival)
          decided = decide(Object.fromEntries(labels))
        }
        write(decided)
        updates.push(decided)
        return Effect.void
      })
      return faults.around({ verb: "update", subject: "labels" }, failure, run)
    },
    ownDaemonSetWantsNode: Effect.succeed(options.ownDaemonSetWantsNode ?? Fact.known(false)),
    othersWantingNode: Effect.succeed(options.othersWantingNode ?? Fact.known([])),
    readiness: Effect.succeed(options.readiness ?? Fact.known({ ready: true, heartbeat: undefined })),
    removeTaints: (matchers) => {
      const run = Effect.sync(() => {
        const { removed, retained } = Taints.partition(taints, matchers)
        taints = retained
        return removed
      })
      return faults.around({ verb: "update", subject: "taints" }, failure, run)
    },
    configz: Effect.succeed(
      options.configz ?? Fact.unknown("failed", "the right to read nodes/proxy is missing"),
    ),
    emit: (event) => Effect.sync(() => void events.push(event)),
  })

  return {
    layer: Layer.succeed(NodeApi, service),
    labels,
    setRuntimeHandlers: (handlers) => {
      runtimeHandlers = handlers
    },
    conflictWith: (changes) => {
      rivals.push(changes)
    },
    updates,
    taints: () => taints,
    events,
    faults,
  }
}
