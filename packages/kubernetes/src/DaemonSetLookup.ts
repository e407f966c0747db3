/**
 * Answers: which DaemonSets want this node, our own one and others of kata-deploy? Source: spec 08 §4.
 */
import { DaemonSets, Fact, type NodeApi } from "@kata-deploy/core"
import { Effect } from "effect"
import type { ApiClient } from "./ApiClient.ts"
import { type ApiFailure, clusterError, isNotFound, unknownBy } from "./ApiFailure.ts"
import { DaemonSet, DaemonSetPage, imagesOf, labelsOf, type NodeObject, selectionOf } from "./ApiObjects.ts"
import type { NodeLookup } from "./NodeLookup.ts"

/** DaemonSets in one answer; a cluster with thousands is read in pages. */
const pageSize = 250

/**
 * Our own DaemonSet by its exact name, or `undefined` where it is gone. Only the API server's own words count: a proxy
 * that finds nothing says 404, too, and then a cleanup would take Kata away from running pods.
 */
const own = (client: ApiClient, name: string): Effect.Effect<DaemonSet | undefined, ApiFailure> =>
  client
    .ask(DaemonSet, { right: "readOwnDaemonSet", name })
    .pipe(Effect.catch((failure) => (isNotFound(failure) ? Effect.succeed(undefined) : Effect.fail(failure))))

const seen = (daemonSet: DaemonSet, node: NodeObject): DaemonSets.SeenDaemonSet => ({
  name: daemonSet.metadata.name,
  uid: daemonSet.metadata.uid,
  deleting: Boolean(daemonSet.metadata.deletionTimestamp),
  selects: DaemonSets.selectsNode(selectionOf(daemonSet), {
    name: node.metadata.name,
    labels: labelsOf(node),
  }),
  images: imagesOf(daemonSet),
})

/** Folds a list page by page, so that no more than one page is held. */
const foldPages = <A>(
  client: ApiClient,
  take: (daemonSet: DaemonSet) => A,
): Effect.Effect<ReadonlyArray<A>, ApiFailure> =>
  Effect.gen(function* () {
    const taken: Array<A> = []
    let next = ""
    do {
      const page: typeof DaemonSetPage.Type = yield* client.ask(DaemonSetPage, {
        right: "listDaemonSets",
        query: { limit: String(pageSize), ...(next === "" ? {} : { continue: next }) },
      })
      for (const daemonSet of page.items ?? []) taken.push(take(daemonSet))
      next = page.metadata?.continue ?? ""
    } while (next !== "")
    return taken
  })

const asFact = <A>(effect: Effect.Effect<A, NodeApi.ClusterError>): Effect.Effect<Fact.Fact<A>> =>
  effect.pipe(
    Effect.map((value): Fact.Fact<A> => Fact.known(value)),
    Effect.catch((error) => Effect.succeed(unknownBy(error))),
  )

/** Whether our own DaemonSet still selects this node. */
export const ownWantsNode = (
  client: ApiClient,
  lookup: NodeLookup,
  name: string,
): Effect.Effect<Fact.Fact<boolean>> =>
  asFact(
    Effect.gen(function* () {
      // The node first: where it is not known, this is another cluster, and what is missing there says nothing.
      const node = yield* lookup
      const daemonSet = yield* own(client, name).pipe(
        Effect.mapError(clusterError(`read DaemonSet ${client.namespace}/${name}`)),
      )
      return DaemonSets.ownWantsNode(daemonSet && seen(daemonSet, node))
    }),
  )

/** Names of other kata-deploy DaemonSets that want this node. */
export const othersWantingNode = (
  client: ApiClient,
  lookup: NodeLookup,
  name: string,
): Effect.Effect<Fact.Fact<ReadonlyArray<string>>> =>
  asFact(
    Effect.gen(function* () {
      const node = yield* lookup
      const ours = yield* own(client, name).pipe(
        Effect.mapError(clusterError(`read DaemonSet ${client.namespace}/${name}`)),
      )
      const all = yield* foldPages(client, (daemonSet) => seen(daemonSet, node)).pipe(
        Effect.mapError(clusterError("list DaemonSets")),
      )
      return DaemonSets.othersWantingNode(all, ours?.metadata.uid)
    }),
  )
