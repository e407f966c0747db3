/**
 * Answers: what is a node whose API server is not to be asked? With `--kube none` everything about the Node is
 * *unknown, not asked*; labels are left to somebody else, and a plan that wants one changed is refused.
 */
import { Fact, NodeApi } from "@kata-deploy/core"
import { Effect, Layer } from "effect"

const notAsked = Fact.unknown("not-asked", "the API is not to be used (--kube none)")

const refuse = (operation: string): NodeApi.ClusterError =>
  new NodeApi.ClusterError({
    operation,
    detail: "the API is not to be used (--kube none)",
    remedy: "Leave the Node to whoever runs this with --kube none.",
  })

/** The port for `--kube none`. */
export const layer: Layer.Layer<NodeApi.NodeApi> = Layer.succeed(
  NodeApi.NodeApi,
  NodeApi.NodeApi.of({
    node: Effect.succeed(notAsked),
    updateLabels: () => Effect.fail(refuse("update labels of the node")),
    removeTaints: () => Effect.fail(refuse("remove taints of the node")),
    ownDaemonSetWantsNode: Effect.succeed(notAsked),
    othersWantingNode: Effect.succeed(notAsked),
    readiness: Effect.succeed(notAsked),
    configz: Effect.succeed(notAsked),
    emit: () => Effect.void,
  }),
)
