/**
 * Waits for the Node object: until it is ready after a restart, and until its labels hold. On k3s and RKE2 the kubelet
 * goes down with the runtime and comes back with the labels that it had cached.
 */
import { Clock, Effect, Result } from "effect"
import * as LabelStability from "../decide/LabelStability.ts"
import * as NodeMarks from "../decide/NodeMarks.ts"
import { ClusterError, NodeApi } from "../ports/NodeApi.ts"

/** Seconds between two looks at the node's readiness (spec 09 §12). */
const everySeconds = 2

/**
 * Waits until the node is ready. A sign of life from before `since` (milliseconds since the epoch) does not count:
 * the first "ready" after a restart may be an old one (spec 09 §6).
 */
export const awaitReady = Effect.fn("NodeWaits.awaitReady")(function* (
  seconds: number,
  since: number | undefined,
): Effect.fn.Return<void, ClusterError, NodeApi> {
  const api = yield* NodeApi
  const started = yield* Clock.currentTimeMillis
  for (;;) {
    const seen = yield* api.readiness
    if (seen._tag === "Unknown" && seen.how === "not-asked") return
    const { heartbeat, ready } = seen._tag === "Known" ? seen.value : { heartbeat: undefined, ready: false }
    // Heartbeats are whole seconds, and a node that has none is believed.
    const isFresh = since === undefined || heartbeat === undefined || heartbeat + 1000 >= since
    if (ready && isFresh) return
    if ((yield* Clock.currentTimeMillis) - started >= seconds * 1000) {
      const detail =
        seen._tag === "Unknown"
          ? seen.why
          : ready
            ? `it has given no sign of life within ${seconds} s since the restart`
            : `its condition Ready was not True within ${seconds} s`
      return yield* Effect.fail(
        new ClusterError({
          operation: "see the node become ready",
          detail,
          remedy: "Look at the kubelet's log on the node, and run the same action again.",
        }),
      )
    }
    yield* Effect.sleep(`${everySeconds} seconds`)
  }
})

/** Sees both labels say `true` for a while; writes them again when somebody takes them back (spec 08 §2.2). */
export const holdMarks = Effect.fn("NodeWaits.holdMarks")(function* (
  instance: string,
): Effect.fn.Return<void, ClusterError, NodeApi> {
  const api = yield* NodeApi
  const keys = [NodeMarks.sharedLabel, NodeMarks.markOf(instance)]
  let last: ClusterError | undefined
  for (let state = LabelStability.start; ;) {
    const { next } = state
    switch (next._tag) {
      case "Held":
        return
      case "NotStable":
        return yield* Effect.fail(last ?? notStable(keys))
      case "Write": {
        yield* Effect.sleep(`${next.afterSeconds} seconds`)
        const written = yield* Effect.result(
          api.updateLabels((labels) => NodeMarks.decide("promote", labels, instance)),
        )
        last = Result.isFailure(written) ? written.failure : undefined
        state = LabelStability.written(state, Result.isFailure(written) ? "failed" : "done")
        break
      }
      case "Look": {
        yield* Effect.sleep(`${next.afterSeconds} seconds`)
        const node = yield* api.node
        const labels = node._tag === "Known" ? node.value.labels : undefined
        state = LabelStability.looked(state, LabelStability.lookAt(labels, keys))
        break
      }
    }
  }
})

const notStable = (keys: ReadonlyArray<string>): ClusterError =>
  new ClusterError({
    operation: "see the labels of the node hold",
    detail: `somebody took ${keys.join(" and ")} back again and again`,
    remedy:
      "Find out who writes the labels of this node (a kubelet with --node-labels, an autoscaler), and run the same action again.",
  })
