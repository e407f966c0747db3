import { assert, describe, it } from "@effect/vitest"
import { Fact, NodeApi } from "@kata-deploy/core"
import { NodeApiConformance } from "@kata-deploy/core/testing"
import { NodeKubernetes, Rights } from "@kata-deploy/kubernetes"
import { ApiFaults, Statuses } from "@kata-deploy/kubernetes/testing"
import { Effect } from "effect"
import { furnished, node, nodeObject, whyUnknown } from "./SampleNode.ts"

const ask = <A, E>(question: (api: NodeApi.NodeApi["Service"]) => Effect.Effect<A, E>) =>
  Effect.flatMap(NodeApi.NodeApi, question)

const world = Effect.fnUntraced(function* (fixture: NodeApiConformance.Fixture) {
  const { server } = yield* furnished(fixture)
  const object = () => server.get("nodes", node.nodeName) as ReturnType<typeof nodeObject> | undefined
  const write = (updates: NodeApi.LabelUpdates): void => {
    const before = object()!
    const labels = Object.entries({ ...before.metadata.labels, ...updates }).flatMap(([key, value]) =>
      value === null || value === undefined ? [] : [[key, value] as const],
    )
    server.put("nodes", { ...before, metadata: { ...before.metadata, labels: Object.fromEntries(labels) } })
  }
  return {
    layer: NodeKubernetes.layerOf(server.access(), node),
    conflictWith: (updates) => server.beforeNextPatch(() => write(updates)),
    labels: Effect.sync(() => object()?.metadata.labels ?? {}),
    taints: Effect.sync(() => object()?.spec.taints ?? []),
    events: Effect.sync(() =>
      server.list("events").map((event): NodeApi.NodeEvent => ({
        severity: event["type"] === "Warning" ? "warning" : "normal",
        reason: String(event["reason"]),
        message: String(event["message"]),
      })),
    ),
  } satisfies NodeApiConformance.World
})

describe("NodeApi at an API server does what every NodeApi does", () => {
  for (const { effect, name } of NodeApiConformance.cases(world)) it.live(name, () => effect)
})

describe("a change of the node", () => {
  it.live("names only the keys concerned and the version it was decided on, as a JSON patch", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: { theirs: "x" } })
      yield* at(ask((api) => api.updateLabels(() => ({ ours: "1" }))))
      assert.deepStrictEqual(
        server.requests.map(({ contentType, verb }) => [verb, contentType]),
        [
          ["get", ""],
          ["patch", "application/json-patch+json"],
        ],
      )
    }),
  )

  it.live("that the server calls invalid is not tried again, and says which field", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: {} })
      const error = yield* at(Effect.flip(ask((api) => api.updateLabels(() => ({ "-bad-": "1" })))))
      assert.include(error.message, "Could not update labels of node worker-1: ")
      assert.include(error.detail, "metadata.labels")
      assert.include(error.remedy, "MULTI_INSTALL_SUFFIX")
      assert.strictEqual(server.requests.filter(({ verb }) => verb === "patch").length, 1)
    }),
  )

  it.live("is given up after five conflicts, and says that somebody else keeps writing", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: {} })
      for (let n = 0; n < 5; n += 1)
        server.beforeNextPatch(() => server.put("nodes", nodeObject({ labels: { n: String(n) } })))
      const error = yield* at(Effect.flip(ask((api) => api.updateLabels(() => ({ ours: "1" })))))
      assert.match(error.detail, /changed by somebody else .* 5 times in a row$/)
      assert.strictEqual(server.requests.filter(({ verb }) => verb === "patch").length, 5)
    }),
  )

  it.live("whose answer was lost is looked at again, and found to be done", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: {} })
      server.plant(ApiFaults.resets("after"), { verb: "patch" })
      yield* at(ask((api) => api.updateLabels((labels) => (labels["ours"] ? {} : { ours: "1" }))))
      assert.deepStrictEqual(server.get("nodes", "worker-1")?.["metadata"], {
        ...(server.get("nodes", "worker-1")?.["metadata"] as object),
        labels: { ours: "1" },
      })
      assert.deepStrictEqual(
        server.requests.map(({ status, verb }) => [verb, status]),
        [
          ["get", 200],
          ["patch", 200],
          ["patch", 422],
          ["get", 200],
        ],
      )
    }),
  )

  it.live("goes on after a conflict that the server reports as 409", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: {} })
      const type = { group: "", plural: "nodes", kind: "Node" }
      server.plant(ApiFaults.answers(Statuses.conflict(type, "worker-1")), { verb: "patch" })
      yield* at(ask((api) => api.updateLabels(() => ({ ours: "1" }))))
      assert.strictEqual(server.requests.filter(({ verb }) => verb === "patch").length, 2)
    }),
  )

  it.live("is refused for a node that was deleted and made again under the same name", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ labels: {} })
      const error = yield* at(
        ask((api) =>
          Effect.gen(function* () {
            yield* api.node
            server.delete("nodes", "worker-1")
            server.put("nodes", nodeObject({ labels: {} }))
            assert.match(whyUnknown(yield* api.node), /deleted and made again/)
            return yield* Effect.flip(api.updateLabels(() => ({ ours: "1" })))
          }),
        ),
      )
      assert.match(error.detail, /deleted and made again .*its UID was /)
      assert.match(error.remedy, /^Start again/)
      assert.isFalse(server.requests.some(({ verb }) => verb === "patch"))
    }),
  )

  it.live("of a taint keeps what we know nothing of in the others", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      const kept = { key: "k", effect: "NoExecute", value: "v", timeAdded: "2026-01-01T00:00:00Z", newer: 1 }
      server.put("nodes", { ...nodeObject(), spec: { taints: [kept, { key: "s", effect: "NoSchedule" }] } })
      assert.deepStrictEqual(yield* at(ask((api) => api.removeTaints(["s"]))), ["s"])
      assert.deepStrictEqual(server.get("nodes", "worker-1")?.["spec"], { taints: [kept] })
    }),
  )
})

describe("what is looked at", () => {
  it.live("the newest sign of life is that of the lease, where it may be read", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.put("leases", {
        metadata: { name: "worker-1", namespace: "kube-node-lease" },
        spec: { renewTime: "2026-01-01T00:00:07.500000Z" },
      })
      const readiness = yield* at(ask((api) => api.readiness))
      assert.deepStrictEqual(
        readiness,
        Fact.known({ ready: true, heartbeat: Date.parse("2026-01-01T00:00:07.500Z") }),
      )
    }),
  )

  it.live("a lease that may not be read is asked for once, and the node is known all the same", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.admit({
        token: "poor",
        user: "poor",
        roles: [{ namespace: undefined, rules: [Rights.ruleOf(Rights.rights.readNode)] }],
      })
      const looks = yield* at(
        ask((api) => Effect.all([api.readiness, api.readiness])),
        "poor",
      )
      assert.deepStrictEqual(
        looks.map(({ _tag }) => _tag),
        ["Known", "Known"],
      )
      assert.strictEqual(server.requests.filter(({ resource }) => resource === "leases").length, 1)
    }),
  )

  it.live("a node without conditions is not ready, and has given no sign of life", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.put("nodes", { metadata: { name: "worker-1" } })
      const readiness = yield* at(ask((api) => api.readiness))
      assert.deepStrictEqual(readiness, Fact.known({ ready: false, heartbeat: undefined }))
    }),
  )

  it.live("a node that does not exist is unknown, and NODE_NAME is named", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.delete("nodes", "worker-1")
      const why = whyUnknown(yield* at(ask((api) => api.node)))
      assert.match(why, /^there is no node worker-1 \(Set NODE_NAME to /)
    }),
  )

  it.live("a DaemonSet that is being deleted does not want the node", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ ownDaemonSet: "selects" })
      const own = server.get("daemonsets", "kata-deploy", "kube-system")!
      server.put("daemonsets", {
        ...own,
        metadata: { ...(own["metadata"] as object), deletionTimestamp: "2026-01-01T00:00:00Z" },
      })
      assert.deepStrictEqual(yield* at(ask((api) => api.ownDaemonSetWantsNode)), Fact.known(false))
    }),
  )

  it.live("a 404 of something that is no API server does not mean that our DaemonSet is gone", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.plant(ApiFaults.answers({ status: 404, body: "404 page not found\n" }), {
        resource: "daemonsets",
      })
      assert.match(whyUnknown(yield* at(ask((api) => api.ownDaemonSetWantsNode))), /answers 404/)
    }),
  )

  it.live("at a cluster that does not have our node, a missing DaemonSet says nothing", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.delete("nodes", "worker-1")
      assert.match(whyUnknown(yield* at(ask((api) => api.ownDaemonSetWantsNode))), /no node worker-1/)
    }),
  )

  it.live("other DaemonSets are found on every page of a long list", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished({ otherDaemonSets: ["kata-deploy-a"] })
      for (let n = 0; n < 600; n += 1)
        server.put("daemonsets", {
          metadata: { name: `proxy-${n}`, namespace: "zz" },
          spec: { template: {} },
        })
      server.put("daemonsets", {
        metadata: { name: "kata-deploy-z", namespace: "zzz" },
        spec: { template: { spec: { containers: [{ image: "x" }] } } },
      })
      const others = yield* at(ask((api) => api.othersWantingNode))
      assert.deepStrictEqual(others, Fact.known(["kata-deploy-a", "kata-deploy-z"]))
      assert.strictEqual(server.requests.filter(({ verb }) => verb === "list").length, 3)
    }),
  )

  it.live("the kubelet's configuration comes through the node's proxy", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      const configz = { kubeletconfig: { runtimeRequestTimeout: "15m0s" } }
      server.setConfigz("worker-1", configz)
      assert.deepStrictEqual(yield* at(ask((api) => api.configz)), Fact.known(configz))
    }),
  )

  it.live("a kubelet that cannot be reached leaves its configuration unknown, at once", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      assert.match(whyUnknown(yield* at(ask((api) => api.configz))), /answers 500: no preferred addresses/)
      assert.strictEqual(server.requests.length, 1)
    }),
  )
})

describe("events", () => {
  it.live("are about the node, under its UID", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      yield* at(
        ask((api) =>
          Effect.andThen(
            api.node,
            api.emit({ severity: "normal", reason: "KataInstalled", message: "m".repeat(2000) }),
          ),
        ),
      )
      const [event] = server.list("events")
      const uid = (server.get("nodes", "worker-1")!["metadata"] as { readonly uid: string }).uid
      assert.deepStrictEqual(event?.["involvedObject"], {
        apiVersion: "v1",
        kind: "Node",
        name: "worker-1",
        uid,
      })
      assert.strictEqual(String(event?.["message"]).length, 1024)
    }),
  )

  it.live("are turned off by the first refusal, and never fail", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.admit({ token: "poor", user: "poor", roles: [] })
      const event: NodeApi.NodeEvent = { severity: "normal", reason: "A", message: "a" }
      yield* at(
        ask((api) => Effect.andThen(api.emit(event), api.emit(event))),
        "poor",
      )
      assert.strictEqual(server.requests.length, 1)
    }),
  )

  it.live("that fail for another reason are tried with the next one", () =>
    Effect.gen(function* () {
      const { at, server } = yield* furnished()
      server.plant(ApiFaults.broken)
      const event: NodeApi.NodeEvent = { severity: "normal", reason: "A", message: "a" }
      yield* at(ask((api) => Effect.andThen(api.emit(event), api.emit(event))))
      assert.deepStrictEqual(
        server.requests.map(({ status }) => status),
        [500, 201],
      )
    }),
  )
})
