/**
 * Answers: what is our Node, and is it still the same one? The UID is remembered: a Node that was deleted and made again
 * under the same name is another node, whose labels are not ours to write.
 */
import { NodeApi } from "@kata-deploy/core"
import { Effect } from "effect"
import type { ApiClient } from "./ApiClient.ts"
import { clusterError, isNotFound } from "./ApiFailure.ts"
import { NodeObject } from "./ApiObjects.ts"

/** Reads our Node; fails where it is gone or another one. */
export type NodeLookup = Effect.Effect<NodeObject, NodeApi.ClusterError>

const gone = (operation: string, name: string, uid: string | undefined): NodeApi.ClusterError =>
  new NodeApi.ClusterError({
    operation,
    detail:
      uid === undefined ? `there is no node ${name}` : `the node ${name} was deleted while we were at work`,
    remedy:
      uid === undefined
        ? "Set NODE_NAME to the name that kubectl get nodes shows for this host (downward API: fieldRef spec.nodeName)."
        : "Start again once the node has registered anew.",
  })

/** A lookup that remembers the UID of the first answer. */
export const make = (client: ApiClient, name: string): NodeLookup => {
  const operation = `read node ${name}`
  let remembered: string | undefined
  return Effect.gen(function* () {
    const node = yield* client
      .ask(NodeObject, { right: "readNode", name })
      .pipe(
        Effect.mapError((failure) =>
          isNotFound(failure) ? gone(operation, name, remembered) : clusterError(operation)(failure),
        ),
      )
    const { uid } = node.metadata
    remembered ??= uid
    if (uid === remembered) return node
    return yield* new NodeApi.ClusterError({
      operation,
      detail: `the node ${name} was deleted and made again while we were at work (its UID was ${remembered} and is ${uid})`,
      remedy: "Start again, so that everything is decided for the new node.",
    })
  })
}
