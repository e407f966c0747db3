/**
 * What does the conformance suite run on where there is no real API server? The double of one, over HTTP.
 */
import type { NodeApi } from "@kata-deploy/core"
import type { NodeApiConformance } from "@kata-deploy/core/testing"
import { NodeKubernetes } from "@kata-deploy/kubernetes"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Effect } from "effect"

const node = "worker"

interface Node {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> }
  readonly spec: { readonly taints?: ReadonlyArray<{ readonly key: string; readonly effect: string }> }
}

const selecting = (name: string, namespace: string, nodeSelector: Readonly<Record<string, string>>) => ({
  metadata: { name, namespace },
  spec: { template: { spec: { nodeSelector, containers: [{ image: "example.com/kata-deploy" }] } } },
})

/** Gives the double a node as the fixture says, which others than the program may look at and change. */
export const nodeAt = (
  server: ApiServerDouble.ApiServerDouble,
  fixture: NodeApiConformance.Fixture,
  ownNamespace: string,
) => {
  server.put("nodes", {
    metadata: { name: node, ...(fixture.labels === undefined ? {} : { labels: fixture.labels }) },
    spec: { taints: (fixture.taints ?? []).map((taint) => ({ ...taint })) },
    status: {
      nodeInfo: { containerRuntimeVersion: fixture.containerRuntimeVersion ?? "containerd://1.7.24" },
      conditions: [{ type: "Ready", status: fixture.ready === false ? "False" : "True" }],
      ...(fixture.runtimeHandlers === undefined
        ? {}
        : { runtimeHandlers: fixture.runtimeHandlers.map((name) => ({ name })) }),
    },
  })
  if (fixture.ownDaemonSet !== undefined)
    server.put(
      "daemonsets",
      selecting("own", ownNamespace, fixture.ownDaemonSet === "selects" ? {} : { elsewhere: "1" }),
    )
  for (const name of fixture.otherDaemonSets ?? []) server.put("daemonsets", selecting(name, "default", {}))
  const object = (): Node => server.get("nodes", node) as unknown as Node
  return {
    name: node,
    object,
    label: (updates: NodeApi.LabelUpdates): void => {
      const labels = Object.entries({ ...object().metadata.labels, ...updates }).flatMap(([key, value]) =>
        value === null || value === undefined ? [] : [[key, value] as const],
      )
      const { metadata, ...rest } = server.get("nodes", node)!
      server.put("nodes", {
        ...rest,
        metadata: { ...(metadata as object), labels: Object.fromEntries(labels) },
      })
    },
    events: (): ReadonlyArray<NodeApi.NodeEvent> =>
      server.list("events").map((event) => ({
        severity: event["type"] === "Warning" ? "warning" : "normal",
        reason: String(event["reason"]),
        message: String(event["message"]),
      })),
  }
}

/** A conformance world at the double. */
export const doubleWorld = (fixture: NodeApiConformance.Fixture) =>
  Effect.map(ApiServerDouble.scoped, (server): NodeApiConformance.World => {
    const { events, label, object } = nodeAt(server, fixture, "kube-system")
    return {
      layer: NodeKubernetes.layerOf(server.access(), { nodeName: node, daemonSetName: "own" }),
      conflictWith: (updates) => server.beforeNextPatch(() => label(updates)),
      labels: Effect.sync(() => object().metadata.labels ?? {}),
      taints: Effect.sync(() => object().spec.taints ?? []),
      events: Effect.sync(events),
    }
  })
