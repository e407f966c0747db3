/**
 * Answers: how is something told on the Node object, so that `kubectl describe node` shows it? By an Event, best effort:
 * nothing waits for it, nothing fails by it, and the first refusal turns events off for the run (decisions §11).
 */
import type { NodeApi } from "@kata-deploy/core"
import { Clock, Effect, Schema } from "effect"
import type { ApiClient } from "./ApiClient.ts"
import { statusOf } from "./ApiFailure.ts"
import { namespaceOf, rights } from "./Rights.ts"

/** Longest message that the API server takes, in characters. Source: `events.k8s.io/v1`, field `note`, 1 kB. */
const longestMessage = 1024

/** Nobody waits longer than this for an event. */
const longestWait = "5 seconds"

/** The Node that an Event is about. */
export interface InvolvedNode {
  readonly name: string
  /** `undefined` where the Node could not be read; `kubectl` then goes by the name. */
  readonly uid: string | undefined
}

/** The Event object of `v1`; the time is in milliseconds since the epoch. */
export const eventObject = (node: InvolvedNode, event: NodeApi.NodeEvent, millis: number) => {
  const time = new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")
  return {
    apiVersion: "v1",
    kind: "Event",
    metadata: {
      generateName: `${node.name}.`,
      namespace: namespaceOf(rights.createEvent, "default"),
    },
    // kubectl describe looks for events under the Node's UID and, as kubelets have it, under its name.
    involvedObject: { apiVersion: "v1", kind: "Node", name: node.name, uid: node.uid ?? node.name },
    reason: event.reason,
    message:
      event.message.length <= longestMessage
        ? event.message
        : `${event.message.slice(0, longestMessage - 1)}…`,
    type: event.severity === "warning" ? "Warning" : "Normal",
    source: { component: "kata-deploy", host: node.name },
    reportingComponent: "kata-deploy",
    reportingInstance: node.name,
    firstTimestamp: time,
    lastTimestamp: time,
    count: 1,
  }
}

/** Tells events until the API server forbids it. */
export const make = (client: ApiClient, node: () => InvolvedNode) => {
  let isOff = false
  return Effect.fnUntraced(function* (event: NodeApi.NodeEvent): Effect.fn.Return<void> {
    if (isOff) return
    const value = eventObject(node(), event, yield* Clock.currentTimeMillis)
    yield* client
      .askOnce(Schema.Unknown, {
        right: "createEvent",
        body: { contentType: "application/json", value },
      })
      .pipe(
        Effect.catch((failure) => {
          isOff ||= statusOf(failure) === 403
          return Effect.logDebug(`The event ${event.reason} could not be told: ${failure.message}`)
        }),
        Effect.timeoutOrElse({ duration: longestWait, orElse: () => Effect.void }),
      )
  })
}
