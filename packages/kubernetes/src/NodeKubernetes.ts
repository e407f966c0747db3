/**
 * `NodeApi` at a real API server: in a pod by its service account, elsewhere by a kubeconfig.
 */
import { Fact, NodeApi, type Problem } from "@kata-deploy/core"
import { Effect, Layer, Schema } from "effect"
import * as Access from "./Access.ts"
import * as ApiClient from "./ApiClient.ts"
import { clusterError, statusOf, unknownBy } from "./ApiFailure.ts"
import { factsOf, Lease, readinessOf } from "./ApiObjects.ts"
import * as DaemonSetLookup from "./DaemonSetLookup.ts"
import * as NodeEvents from "./NodeEvents.ts"
import * as NodeLookup from "./NodeLookup.ts"
import * as NodeRewriting from "./NodeRewriting.ts"
import * as Patience from "./Patience.ts"
import { make as makeTransport } from "./Transport.ts"

/** Which node is ours, and how long is waited. */
export interface NodeOptions {
  /** Name of the Node object. */
  readonly nodeName: string
  /** Name of our own DaemonSet, in our own namespace. */
  readonly daemonSetName: string
  /** How long is waited for what; the usual patience where left out. */
  readonly patience?: Partial<Patience.Patience>
}

/** How the API server is found, and which node is ours. */
export interface Options extends Access.Options, NodeOptions {}

/** The port over a client. */
export const make = (client: ApiClient.ApiClient, options: NodeOptions): NodeApi.NodeApi["Service"] => {
  const { daemonSetName, nodeName } = options
  let uid: string | undefined
  const lookup = Effect.tap(NodeLookup.make(client, nodeName), (node) =>
    Effect.sync(() => {
      uid = node.metadata.uid
    }),
  )
  const emit = NodeEvents.make(client, () => ({ name: nodeName, uid }))

  // Not every role allows to read leases: then the condition alone is looked at.
  let mayReadLease = true
  const lease = Effect.suspend(() =>
    mayReadLease
      ? client.askOnce(Lease, { right: "readNodeLease", name: nodeName }).pipe(
          Effect.catch((failure) => {
            mayReadLease = statusOf(failure) !== 403
            return Effect.succeed(undefined)
          }),
        )
      : Effect.succeed(undefined),
  )

  const factOf = <A>(effect: Effect.Effect<A, NodeApi.ClusterError>): Effect.Effect<Fact.Fact<A>> =>
    effect.pipe(
      Effect.map((value): Fact.Fact<A> => Fact.known(value)),
      Effect.catch((error) => Effect.succeed(unknownBy(error))),
    )

  return NodeApi.NodeApi.of({
    node: factOf(Effect.map(lookup, factsOf)),
    updateLabels: (decide) => NodeRewriting.updateLabels(client, lookup, nodeName, decide),
    ownDaemonSetWantsNode: DaemonSetLookup.ownWantsNode(client, lookup, daemonSetName),
    othersWantingNode: DaemonSetLookup.othersWantingNode(client, lookup, daemonSetName),
    readiness: factOf(
      Effect.gen(function* () {
        const node = yield* lookup
        return readinessOf(node, yield* lease)
      }),
    ),
    removeTaints: (matchers) => NodeRewriting.removeTaints(client, lookup, nodeName, matchers),
    // Advice only (spec 08 §7), and through the kubelet, which may be down: asked once.
    configz: factOf(
      client
        .askOnce(Schema.Unknown, { right: "readKubeletConfig", name: nodeName, tail: "configz" })
        .pipe(Effect.mapError(clusterError(`read the kubelet configuration of node ${nodeName}`))),
    ),
    emit,
  })
}

/** The port at an API server that is known already; for embedders, and for the double. */
export const layerOf = (access: Access.Access, options: NodeOptions): Layer.Layer<NodeApi.NodeApi> =>
  Layer.effect(
    NodeApi.NodeApi,
    Effect.map(makeTransport, (transport) =>
      make(ApiClient.make(access, transport, { ...Patience.usual, ...options.patience }), options),
    ),
  )

/**
 * The port at the API server that `options` name; where none can be found it fails with a problem of settings. Nothing
 * is asked before the first question.
 */
export const layer = (options: Options): Layer.Layer<NodeApi.NodeApi, Problem.SettingsError> =>
  Layer.unwrap(Effect.map(Access.resolve(options), (access) => layerOf(access, options)))
