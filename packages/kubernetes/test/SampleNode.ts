/** Which node do the tests have at the double of the API server? One made of a conformance fixture. */
import type { Fact, NodeApi } from "@kata-deploy/core"
import type { NodeApiConformance } from "@kata-deploy/core/testing"
import { NodeKubernetes } from "@kata-deploy/kubernetes"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Effect } from "effect"

/** Pauses between tries that no test has to wait for. */
export const impatient = { firstPauseMillis: 1, longestPauseSeconds: 0.001 }

/** Our node and our DaemonSet. */
export const node = { nodeName: "worker-1", daemonSetName: "kata-deploy", patience: impatient }

/** A DaemonSet as an object of the API. */
export const daemonSet = (name: string, namespace: string, nodeSelector: Record<string, string>) => ({
  metadata: { name, namespace },
  spec: { template: { spec: { nodeSelector, containers: [{ image: "example.com/kata-deploy:1" }] } } },
})

/** A Node as an object of the API. */
export const nodeObject = (fixture: NodeApiConformance.Fixture = {}) => ({
  metadata: {
    name: "worker-1",
    ...(fixture.labels === undefined ? {} : { labels: { ...fixture.labels } }),
  },
  spec: fixture.taints === undefined ? {} : { taints: fixture.taints.map((taint) => ({ ...taint })) },
  status: {
    nodeInfo: { containerRuntimeVersion: fixture.containerRuntimeVersion ?? "containerd://1.7.24" },
    conditions: [
      {
        type: "Ready",
        status: fixture.ready === false ? "False" : "True",
        lastHeartbeatTime: "2026-01-01T00:00:00Z",
      },
    ],
    ...(fixture.runtimeHandlers === undefined
      ? {}
      : { runtimeHandlers: fixture.runtimeHandlers.map((name) => ({ name })) }),
  },
})

/** Puts a fixture's objects into a double. */
export const furnish = (
  server: ApiServerDouble.ApiServerDouble,
  fixture: NodeApiConformance.Fixture = {},
): void => {
  server.put("nodes", nodeObject(fixture))
  if (fixture.ownDaemonSet !== undefined)
    server.put(
      "daemonsets",
      daemonSet(
        "kata-deploy",
        "kube-system",
        fixture.ownDaemonSet === "selects" ? {} : { "example.com/elsewhere": "true" },
      ),
    )
  for (const name of fixture.otherDaemonSets ?? []) server.put("daemonsets", daemonSet(name, "other", {}))
}

/** A double that has a node, and a function that asks it about the node. */
export const furnished = (fixture: NodeApiConformance.Fixture = {}) =>
  Effect.map(ApiServerDouble.scoped, (server) => {
    furnish(server, fixture)
    return {
      server,
      /** Runs something with the adapter at the double. */
      at: <A, E>(body: Effect.Effect<A, E, NodeApi.NodeApi>, token?: string): Effect.Effect<A, E> =>
        Effect.provide(body, NodeKubernetes.layerOf(server.access(token), node)),
    }
  })

/** Why a fact is not known; dies where it is. */
export const whyUnknown = (fact: Fact.Fact<unknown>): string => {
  if (fact._tag === "Known") throw new Error(`known: ${JSON.stringify(fact.value)}`)
  return fact.why
}
