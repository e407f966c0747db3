/**
 * What every implementation of `NodeApi` has to do: named cases that the double and the real adapter both pass. A test
 * file of an implementation runs each case's effect; the cases know no test framework.
 */
import { Effect, type Layer, type Scope } from "effect"
import type { Taint } from "../decide/Taints.ts"
import { type LabelUpdates, NodeApi, type NodeEvent } from "../ports/NodeApi.ts"
import { same } from "./Expectation.ts"

/** The Node that a case starts with. What is left out is not there. */
export interface Fixture {
  readonly labels?: Readonly<Record<string, string>>
  /** Default `containerd://1.7.24`. */
  readonly containerRuntimeVersion?: string
  readonly runtimeHandlers?: ReadonlyArray<string>
  readonly taints?: ReadonlyArray<Taint & { readonly value?: string }>
  /** Whether the condition `Ready` is `True`; it is when left out. */
  readonly ready?: boolean
  /** Our own DaemonSet: it selects the node, it selects others, or it is not there. */
  readonly ownDaemonSet?: "selects" | "selects-others"
  /** Names of other kata-deploy DaemonSets that select the node. */
  readonly otherDaemonSets?: ReadonlyArray<string>
}

/** An implementation over a fixture, and what is really there behind its back. */
export interface World {
  readonly layer: Layer.Layer<NodeApi, unknown>
  /** Right before the next change of labels arrives, another writer makes this one. */
  readonly conflictWith: (updates: LabelUpdates) => void
  readonly labels: Effect.Effect<Readonly<Record<string, string>>>
  readonly taints: Effect.Effect<ReadonlyArray<Taint>>
  /** Events on the Node, in any order. */
  readonly events: Effect.Effect<ReadonlyArray<NodeEvent>>
}

/** One case: a sentence, and an effect that dies with `Mismatch` when the sentence is not true. */
export interface Case {
  readonly name: string
  /** What the API server has to be able to do, beside what every one can: report runtime handlers (1.30). */
  readonly needs: "nothing" | "runtime-handlers"
  readonly effect: Effect.Effect<void, unknown>
}

interface OpenCase {
  readonly name: string
  readonly fixture: Fixture
  readonly body: (world: World) => Effect.Effect<void, unknown, NodeApi>
}

/** All cases, for the implementation that `provide` makes over a fixture. */
export const cases = (
  provide: (fixture: Fixture) => Effect.Effect<World, unknown, Scope.Scope>,
): ReadonlyArray<Case> =>
  [...lookCases, ...labelCases, ...taintCases, ...daemonSetCases, ...eventCases].map(
    ({ body, fixture, name }) => ({
      name,
      needs: fixture.runtimeHandlers === undefined ? "nothing" : "runtime-handlers",
      effect: Effect.scoped(
        Effect.gen(function* () {
          const world = yield* provide(fixture)
          yield* Effect.provide(body(world), world.layer)
        }),
      ),
    }),
  )

const lookCases: ReadonlyArray<OpenCase> = [
  {
    name: "the node is read as it is, and handlers that nobody reports are unknown",
    fixture: { labels: { a: "1", "example.com/b": "" }, containerRuntimeVersion: "containerd://2.1.5-k3s1" },
    body: () =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* same("node", yield* api.node, {
          _tag: "Known",
          value: {
            containerRuntimeVersion: "containerd://2.1.5-k3s1",
            labels: { a: "1", "example.com/b": "" },
            runtimeHandlers: undefined,
          },
        })
      }),
  },
  {
    name: "handlers are reported by name, in the order of the node",
    fixture: { runtimeHandlers: ["runc", "kata-qemu"] },
    body: () =>
      Effect.gen(function* () {
        const node = yield* (yield* NodeApi).node
        yield* same("handlers", node._tag === "Known" && node.value.runtimeHandlers, ["runc", "kata-qemu"])
      }),
  },
  {
    name: "a node whose condition says so is ready",
    fixture: {},
    body: () =>
      Effect.gen(function* () {
        const readiness = yield* (yield* NodeApi).readiness
        yield* same("ready", readiness._tag === "Known" && readiness.value.ready, true)
      }),
  },
  {
    name: "a node whose condition does not say so is known not to be ready",
    fixture: { ready: false },
    body: () =>
      Effect.gen(function* () {
        const readiness = yield* (yield* NodeApi).readiness
        yield* same("ready", readiness._tag === "Known" && readiness.value.ready, false)
      }),
  },
]

const labelCases: ReadonlyArray<OpenCase> = [
  {
    name: "labels are set, changed and taken away, and all others stay",
    fixture: { labels: { theirs: "x", changed: "old", gone: "soon" } },
    body: (world) =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* api.updateLabels(() => ({ "example.com/new": "1", changed: "new", gone: null }))
        yield* same("labels", yield* world.labels, { theirs: "x", changed: "new", "example.com/new": "1" })
      }),
  },
  {
    name: "a node without any label gets its first one",
    fixture: {},
    body: (world) =>
      Effect.gen(function* () {
        yield* (yield* NodeApi).updateLabels(() => ({ first: "1" }))
        yield* same("labels", yield* world.labels, { first: "1" })
      }),
  },
  {
    name: "taking a label away that is not there is done already, also beside other changes",
    fixture: { labels: { a: "1" } },
    body: (world) =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* api.updateLabels(() => ({ none: null }))
        yield* api.updateLabels(() => ({ none: null, b: "2" }))
        yield* same("labels", yield* world.labels, { a: "1", b: "2" })
      }),
  },
  {
    name: "a decision is taken on the labels as they are, and nothing changes where it wants nothing",
    fixture: { labels: { a: "1" } },
    body: (world) =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        yield* (yield* NodeApi).updateLabels((labels) => {
          seen.push(labels)
          return {}
        })
        yield* same("what was decided on", seen, [{ a: "1" }])
        yield* same("labels", yield* world.labels, { a: "1" })
      }),
  },
  {
    name: "where another writer was faster the decision is taken again, and both changes are there",
    fixture: { labels: { a: "1" } },
    body: (world) =>
      Effect.gen(function* () {
        world.conflictWith({ theirs: "here" })
        yield* (yield* NodeApi).updateLabels((labels) => ({
          ours: labels["theirs"] === undefined ? "alone" : "together",
        }))
        yield* same("labels", yield* world.labels, { a: "1", theirs: "here", ours: "together" })
      }),
  },
  {
    name: "where another writer has done already what was wanted, nothing is left to do",
    fixture: { labels: { a: "1" } },
    body: (world) =>
      Effect.gen(function* () {
        world.conflictWith({ a: null, b: "2" })
        yield* (yield* NodeApi).updateLabels(() => ({ a: null, b: "2" }))
        yield* same("labels", yield* world.labels, { b: "2" })
      }),
  },
]

const taintCases: ReadonlyArray<OpenCase> = [
  {
    name: "taints that a matcher hits come off, the others stay as they are",
    fixture: {
      taints: [
        { key: "example.com/startup", value: "x", effect: "NoSchedule" },
        { key: "example.com/startup", effect: "NoExecute" },
        { key: "dedicated", value: "gpu", effect: "NoSchedule" },
      ],
    },
    body: (world) =>
      Effect.gen(function* () {
        const removed = yield* (yield* NodeApi).removeTaints(["example.com/startup:NoSchedule", "other"])
        yield* same("matchers that hit", removed, ["example.com/startup:NoSchedule"])
        yield* same("taints", yield* world.taints, [
          { key: "example.com/startup", effect: "NoExecute" },
          { key: "dedicated", value: "gpu", effect: "NoSchedule" },
        ])
      }),
  },
  {
    name: "a matcher without effect hits every taint of its key, and the last taint may go",
    fixture: {
      taints: [
        { key: "startup", effect: "NoSchedule" },
        { key: "startup", effect: "NoExecute" },
      ],
    },
    body: (world) =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* same("matchers that hit", yield* api.removeTaints(["startup"]), ["startup", "startup"])
        yield* same("taints", yield* world.taints, [])
        yield* same("once more", yield* api.removeTaints(["startup"]), [])
      }),
  },
]

const daemonSetCases: ReadonlyArray<OpenCase> = [
  {
    name: "our own DaemonSet that is gone does not want the node, and there are no others",
    fixture: {},
    body: () =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* same("own", yield* api.ownDaemonSetWantsNode, { _tag: "Known", value: false })
        yield* same("others", yield* api.othersWantingNode, { _tag: "Known", value: [] })
      }),
  },
  {
    name: "our own DaemonSet that selects the node wants it, and is not one of the others",
    fixture: { ownDaemonSet: "selects", otherDaemonSets: ["kata-deploy-old"] },
    body: () =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        yield* same("own", yield* api.ownDaemonSetWantsNode, { _tag: "Known", value: true })
        yield* same("others", yield* api.othersWantingNode, { _tag: "Known", value: ["kata-deploy-old"] })
      }),
  },
  {
    name: "our own DaemonSet that selects other nodes does not want this one",
    fixture: { ownDaemonSet: "selects-others" },
    body: () =>
      Effect.gen(function* () {
        const own = yield* (yield* NodeApi).ownDaemonSetWantsNode
        yield* same("own", own, { _tag: "Known", value: false })
      }),
  },
]

const eventCases: ReadonlyArray<OpenCase> = [
  {
    name: "what is told is on the node, also when it is told twice",
    fixture: {},
    body: (world) =>
      Effect.gen(function* () {
        const api = yield* NodeApi
        const failed: NodeEvent = { severity: "warning", reason: "KataFailed", message: "It did not start." }
        const installed: NodeEvent = { severity: "normal", reason: "KataInstalled", message: "It serves." }
        for (const event of [failed, installed, installed]) yield* api.emit(event)
        const events = [...(yield* world.events)].sort((a, b) => (a.reason < b.reason ? -1 : 1))
        yield* same("events", events, [failed, installed, installed])
      }),
  },
]
