import { assert, describe, it } from "@effect/vitest"
import { NodeApi } from "@kata-deploy/core"
import { NodeKubernetes, Rights } from "@kata-deploy/kubernetes"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Effect } from "effect"
import { furnish, node, whyUnknown } from "./SampleNode.ts"

const extras: ReadonlyArray<Rights.Extra> = ["events", "kubelet-config", "node-lease"]
const subsets = extras.reduce<ReadonlyArray<ReadonlyArray<Rights.Extra>>>(
  (sets, extra) => [...sets, ...sets.map((set) => [...set, extra])],
  [[]],
)

/** A double whose only account has the rights and nothing else, and what is asked there. */
const withRights = (names: ReadonlyArray<Rights.RightName>) =>
  Effect.gen(function* () {
    const server = yield* ApiServerDouble.scoped
    furnish(server, {
      labels: {},
      taints: [{ key: "s", effect: "NoSchedule" }],
      ownDaemonSet: "selects",
    })
    server.put("leases", { metadata: { name: "worker-1", namespace: "kube-node-lease" }, spec: {} })
    server.setConfigz("worker-1", {})
    server.admit(ApiServerDouble.serviceAccount("ours", Rights.rolesOf(names, "kube-system")))
    return { server, layer: NodeKubernetes.layerOf(server.access("ours"), node) }
  })

type Api = NodeApi.NodeApi["Service"]

const lookAt = (api: Api) =>
  Effect.all([api.node, api.readiness, api.ownDaemonSetWantsNode, api.othersWantingNode])
const label = (api: Api) => api.updateLabels(() => ({ a: "1" }))
const untaint = (api: Api) => api.removeTaints(["s"])

/** What each duty asks, beside the extras. */
const work: Readonly<Record<Exclude<Rights.Duty, "staged">, (api: Api) => Effect.Effect<unknown, unknown>>> =
  {
    look: lookAt,
    install: (api) => Effect.all([api.node, api.readiness, label(api), untaint(api)]),
    cleanup: (api) => Effect.andThen(lookAt(api), label(api)),
    "daemon-set": (api) => Effect.all([lookAt(api), label(api), untaint(api)]),
  }

describe("the least rights", () => {
  for (const duty of ["look", "install", "cleanup", "daemon-set"] as const)
    for (const wanted of subsets)
      it.live(
        `of ${duty} with ${wanted.join(", ") || "nothing more"} are enough, and none is left over`,
        () =>
          Effect.gen(function* () {
            const names = Rights.leastRights(duty, wanted)
            const { layer, server } = yield* withRights(names)
            yield* Effect.gen(function* () {
              const api = yield* NodeApi.NodeApi
              yield* work[duty](api)
              if (wanted.includes("events"))
                yield* api.emit({ severity: "normal", reason: "A", message: "a" })
              if (wanted.includes("kubelet-config")) yield* api.configz
            }).pipe(Effect.provide(layer))
            // A lease is only nice to have: without the right it is asked for once, and refused.
            const refused = server.requests.filter(({ status }) => status === 403)
            assert.deepStrictEqual(
              refused.map(({ resource }) => resource),
              wanted.includes("node-lease") ? [] : ["leases"],
            )
            const used = new Set(
              server.requests
                .filter(({ status }) => status !== 403)
                .map(({ apiGroup, resource, subresource, verb }) =>
                  [verb, apiGroup, subresource === undefined ? resource : `${resource}/${subresource}`].join(
                    " ",
                  ),
                ),
            )
            const granted = names
              .map(Rights.rightOf)
              .map(({ apiGroup, resource, verb }) => [verb, apiGroup, resource].join(" "))
            assert.deepStrictEqual([...used].sort(), [...granted].sort())
          }),
      )

  it("of a stage are none, whatever it would like to have", () => {
    assert.deepStrictEqual(Rights.leastRights("staged", extras), [])
  })

  it("of the whole program are what is documented, and nothing else is ever asked for", () => {
    const all = Rights.rolesOf(Rights.leastRights("daemon-set", extras), "kube-system")
    assert.deepStrictEqual(all, [
      {
        namespace: undefined,
        rules: [
          { apiGroups: [""], resources: ["nodes"], verbs: ["get", "patch"] },
          { apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["list"] },
          { apiGroups: [""], resources: ["nodes/proxy"], verbs: ["get"] },
        ],
      },
      {
        namespace: "kube-system",
        rules: [{ apiGroups: ["apps"], resources: ["daemonsets"], verbs: ["get"] }],
      },
      { namespace: "default", rules: [{ apiGroups: [""], resources: ["events"], verbs: ["create"] }] },
      {
        namespace: "kube-node-lease",
        rules: [{ apiGroups: ["coordination.k8s.io"], resources: ["leases"], verbs: ["get"] }],
      },
    ])
    const known = new Set(Object.keys(Rights.rights))
    for (const duty of ["daemon-set", "install", "cleanup", "look"] as const)
      for (const name of Rights.leastRights(duty, extras)) assert.isTrue(known.has(name), name)
  })
})

describe("a right that is missing", () => {
  for (const [missing, question] of Object.entries({
    readNode: (api: Api) => api.node,
    readOwnDaemonSet: (api: Api) => api.ownDaemonSetWantsNode,
    listDaemonSets: (api: Api) => api.othersWantingNode,
    readKubeletConfig: (api: Api) => api.configz,
  }))
    it.live(`${missing} is named with verb, resource and group, and with the rule that grants it`, () =>
      Effect.gen(function* () {
        const all = Rights.leastRights("daemon-set", extras)
        const { layer } = yield* withRights(all.filter((name) => name !== missing))
        const why = whyUnknown(
          yield* Effect.provide(
            Effect.flatMap(NodeApi.NodeApi, (api) => question(api)),
            layer,
          ),
        )
        const { apiGroup, resource, verb } = Rights.rightOf(missing as Rights.RightName)
        assert.include(
          why,
          `system:serviceaccount:kube-system:kata-deploy may not ${verb} ${resource} (API group "${apiGroup}")`,
        )
        assert.include(why, JSON.stringify({ apiGroups: [apiGroup], resources: [resource], verbs: [verb] }))
        assert.include(why, `kubectl auth can-i ${verb} `)
      }),
    )

  it.live("to patch nodes keeps the node from being labelled, and says how it is granted", () =>
    Effect.gen(function* () {
      const { layer } = yield* withRights(["readNode"])
      const error = yield* Effect.flip(
        Effect.flatMap(NodeApi.NodeApi, (api) => api.updateLabels(() => ({ a: "1" }))).pipe(
          Effect.provide(layer),
        ),
      )
      assert.strictEqual(
        (error as NodeApi.ClusterError).remedy,
        'Bind a ClusterRole with the rule {"apiGroups":[""],"resources":["nodes"],"verbs":["patch"]} to it, and check with: kubectl auth can-i patch nodes --as=system:serviceaccount:kube-system:kata-deploy',
      )
    }),
  )
})

describe("a path", () => {
  it("is made of the right alone, with names escaped", () => {
    const { rights, pathOf } = Rights
    assert.strictEqual(pathOf(rights.readNode, { name: "a/../b" }, "ns"), "/api/v1/nodes/a%2F..%2Fb")
    assert.strictEqual(
      pathOf(rights.readKubeletConfig, { name: "n", tail: "configz" }, "ns"),
      "/api/v1/nodes/n/proxy/configz",
    )
    assert.strictEqual(pathOf(rights.listDaemonSets, {}, "ns"), "/apis/apps/v1/daemonsets")
    assert.strictEqual(
      pathOf(rights.readOwnDaemonSet, { name: "d" }, "ns"),
      "/apis/apps/v1/namespaces/ns/daemonsets/d",
    )
    assert.strictEqual(pathOf(rights.createEvent, {}, "ns"), "/api/v1/namespaces/default/events")
  })
})
