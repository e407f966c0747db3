/**
 * The double of `NodeApi`: one Node with labels. Other writers can be made faster, so that a decision is taken again.
 */
import { Effect, Layer } from "effect"
import * as Fact from "../input/Fact.ts"
import { ClusterError, type LabelUpdates, NodeApi, type NodeFacts } from "../ports/NodeApi.ts"
import { MemoryFaults } from "./MemoryFaults.ts"

/** What a double starts with; everything may be left out. */
export interface Options {
  /** The Node; with `containerd://2.1.5` and no labels when left out. Unknown makes every request fail. */
  readonly node?: Fact.Fact<NodeFacts>
  /** Whether our own DaemonSet still selects the node; known to be no when left out. */
  readonly ownDaemonSetWantsNode?: Fact.Fact<boolean>
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
    faults,
  }
}
