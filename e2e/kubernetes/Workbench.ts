/**
 * What does a test of the real API server start with? A cluster, an account, a proxy between the two, and a node of its
 * own, made of a fixture.
 */
import { NodeApi } from "@kata-deploy/core"
import type { NodeApiConformance } from "@kata-deploy/core/testing"
import { NodeKubernetes, type Patience, Rights } from "@kata-deploy/kubernetes"
import { Effect, type Layer } from "effect"
import { Account, namespace } from "./Account.ts"
import type { ApiObject, Cluster } from "./Cluster.ts"
import { Proxy } from "./Proxy.ts"

const merge = "application/merge-patch+json"
const strategic = "application/strategic-merge-patch+json"
let counter = 0

/** Every right that the program ever makes use of. */
export const allRights: ReadonlyArray<Rights.RightName> = Rights.leastRights("daemon-set", [
  "events",
  "kubelet-config",
  "node-lease",
])

/** The DaemonSet of a test: it selects the node, or some other. */
export const daemonSet = (name: string, nodeSelector: Readonly<Record<string, string>>) => ({
  metadata: { name },
  spec: {
    selector: { matchLabels: { app: name } },
    template: {
      metadata: { labels: { app: name } },
      spec: { nodeSelector, containers: [{ name: "kata", image: "example.com/kata-deploy:1" }] },
    },
  },
})

/** A node of the test's own in a real cluster, and the adapter that is asked about it. */
export class Workbench implements AsyncDisposable {
  readonly cluster: Cluster
  readonly account: Account
  readonly proxy: Proxy
  readonly node: string

  private constructor(cluster: Cluster, account: Account, proxy: Proxy) {
    counter += 1
    this.cluster = cluster
    this.account = account
    this.proxy = proxy
    this.node = `worker-${process.pid}-${counter}`
  }

  /** Makes a workbench; the node is as the fixture says. */
  static async make(
    cluster: Cluster,
    fixture: NodeApiConformance.Fixture = {},
    rights: ReadonlyArray<Rights.RightName> = allRights,
  ): Promise<Workbench> {
    const bench = new Workbench(cluster, await Account.make(cluster, rights), await Proxy.start(cluster))
    await bench.register(fixture)
    const folder = `/apis/apps/v1/namespaces/${namespace}/daemonsets`
    if (fixture.ownDaemonSet !== undefined)
      await cluster.must(
        "POST",
        folder,
        daemonSet("own", fixture.ownDaemonSet === "selects" ? {} : { "example.com/elsewhere": "true" }),
      )
    for (const name of fixture.otherDaemonSets ?? [])
      await cluster.must("POST", "/apis/apps/v1/namespaces/default/daemonsets", daemonSet(name, {}))
    return bench
  }

  private get path(): string {
    return `/api/v1/nodes/${this.node}`
  }

  /** Registers the node as a kubelet does, and gives it what the fixture says. */
  async register(fixture: NodeApiConformance.Fixture = {}): Promise<void> {
    await this.cluster.must("POST", "/api/v1/nodes", {
      metadata: { name: this.node, labels: fixture.labels },
    })
    // Admission has put a taint there, which the node lifecycle controller would take off.
    await this.cluster.must("PATCH", this.path, { spec: { taints: fixture.taints ?? null } }, merge)
    await this.cluster.must(
      "PATCH",
      `${this.path}/status`,
      {
        status: {
          nodeInfo: { containerRuntimeVersion: fixture.containerRuntimeVersion ?? "containerd://1.7.24" },
          conditions: [{ type: "Ready", status: fixture.ready === false ? "False" : "True" }],
          // A Node of 1.20 drops them.
          runtimeHandlers: fixture.runtimeHandlers?.map((name) => ({ name })),
        },
      },
      strategic,
    )
  }

  /** Takes the node away. */
  async unregister(): Promise<void> {
    await this.cluster.must("DELETE", this.path)
  }

  /** The node as the administrator sees it. */
  object(): Promise<ApiObject> {
    return this.cluster.must("GET", this.path)
  }

  /** Another writer changes labels. */
  async label(labels: NodeApi.LabelUpdates): Promise<void> {
    await this.cluster.must("PATCH", this.path, { metadata: { labels } }, merge)
  }

  /** Events on the node. */
  async events(): Promise<ReadonlyArray<NodeApi.NodeEvent>> {
    const { items } = await this.cluster.must(
      "GET",
      `/api/v1/namespaces/default/events?fieldSelector=involvedObject.name%3D${this.node}`,
    )
    return items.map((event) => ({
      severity: event["type"] === "Warning" ? "warning" : "normal",
      reason: String(event["reason"]),
      message: String(event["message"]),
    }))
  }

  /** The adapter as a pod of the account has it, through the proxy. */
  layer(patience: Partial<Patience.Patience> = {}): Layer.Layer<NodeApi.NodeApi, unknown> {
    return NodeKubernetes.layer({
      mode: "auto",
      nodeName: this.node,
      daemonSetName: "own",
      environment: {
        KUBERNETES_SERVICE_HOST: "127.0.0.1",
        KUBERNETES_SERVICE_PORT: String(this.proxy.port),
      },
      serviceAccountDirectory: this.account.folder,
      patience: { firstPauseMillis: 50, ...patience },
    })
  }

  /** Asks the adapter something. */
  ask<A, E>(
    question: (api: NodeApi.NodeApi["Service"]) => Effect.Effect<A, E>,
    patience?: Partial<Patience.Patience>,
  ): Promise<A> {
    return Effect.runPromise(
      Effect.flatMap(NodeApi.NodeApi, question).pipe(Effect.provide(this.layer(patience))),
    )
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const [place, selector] of [
      [`/apis/apps/v1/namespaces/${namespace}/daemonsets`, ""],
      ["/apis/apps/v1/namespaces/default/daemonsets", ""],
    ] as const)
      await this.cluster.admin("DELETE", `${place}${selector}`)
    await this.cluster.admin("DELETE", this.path)
    await this.proxy[Symbol.asyncDispose]()
    await this.account[Symbol.asyncDispose]()
  }
}

/** A conformance world in a real cluster. */
export const world = (cluster: Cluster) => (fixture: NodeApiConformance.Fixture) =>
  Effect.acquireRelease(
    Effect.promise(() => Workbench.make(cluster, fixture)),
    (bench) => Effect.promise(() => bench[Symbol.asyncDispose]()),
  ).pipe(
    Effect.map((bench): NodeApiConformance.World => ({
      layer: bench.layer(),
      conflictWith: (updates) => bench.proxy.next("PATCH", { first: () => bench.label(updates) }),
      labels: Effect.promise(async () => (await bench.object()).metadata.labels ?? {}),
      taints: Effect.promise(async () => (await bench.object()).spec.taints ?? []),
      events: Effect.promise(() => bench.events()),
    })),
  )
