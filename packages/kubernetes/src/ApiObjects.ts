/**
 * Answers: what do we read of the API server's objects? Only the fields that something is decided by; the rest of an
 * object is none of our business, except in taints, which go back as they came.
 */
import type { DaemonSets, NodeApi } from "@kata-deploy/core"
import { Schema } from "effect"

const optional = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))
const labelsSchema = Schema.Record(Schema.String, Schema.String)

const Taint = Schema.StructWithRest(Schema.Struct({ key: Schema.String, effect: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown),
])

/** A Node, as `GET /api/v1/nodes/NAME` gives it. */
export const NodeObject = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    uid: Schema.String,
    resourceVersion: Schema.String,
    labels: optional(labelsSchema),
  }),
  spec: optional(Schema.Struct({ taints: optional(Schema.Array(Taint)) })),
  status: optional(
    Schema.Struct({
      nodeInfo: optional(Schema.Struct({ containerRuntimeVersion: optional(Schema.String) })),
      conditions: optional(
        Schema.Array(
          Schema.Struct({
            type: Schema.String,
            status: Schema.String,
            lastHeartbeatTime: optional(Schema.String),
          }),
        ),
      ),
      // The runtime's default handler has no name.
      runtimeHandlers: optional(Schema.Array(Schema.Struct({ name: optional(Schema.String) }))),
    }),
  ),
})
/** A Node, as `GET /api/v1/nodes/NAME` gives it. */
export type NodeObject = typeof NodeObject.Type

/** The lease that a kubelet renews every ten seconds. */
export const Lease = Schema.Struct({
  spec: optional(Schema.Struct({ renewTime: optional(Schema.String) })),
})
/** The lease that a kubelet renews every ten seconds. */
export type Lease = typeof Lease.Type

const Requirement = Schema.Struct({
  key: Schema.String,
  operator: Schema.String,
  values: optional(Schema.Array(Schema.String)),
})

const Term = Schema.Struct({
  matchExpressions: optional(Schema.Array(Requirement)),
  matchFields: optional(Schema.Array(Requirement)),
})

const PodSpec = Schema.Struct({
  nodeSelector: optional(labelsSchema),
  containers: optional(Schema.Array(Schema.Struct({ image: optional(Schema.String) }))),
  affinity: optional(
    Schema.Struct({
      nodeAffinity: optional(
        Schema.Struct({
          requiredDuringSchedulingIgnoredDuringExecution: optional(
            Schema.Struct({ nodeSelectorTerms: optional(Schema.Array(Term)) }),
          ),
        }),
      ),
    }),
  ),
})

/** A DaemonSet of `apps/v1`. */
export const DaemonSet = Schema.Struct({
  metadata: Schema.Struct({
    name: Schema.String,
    uid: Schema.String,
    deletionTimestamp: optional(Schema.String),
  }),
  spec: optional(Schema.Struct({ template: optional(Schema.Struct({ spec: optional(PodSpec) })) })),
})
/** A DaemonSet of `apps/v1`. */
export type DaemonSet = typeof DaemonSet.Type

/** One page of a list of DaemonSets. */
export const DaemonSetPage = Schema.Struct({
  metadata: optional(Schema.Struct({ continue: optional(Schema.String) })),
  items: optional(Schema.Array(DaemonSet)),
})

/** What the API server says when it does not do what was asked (`Status` of `meta/v1`). */
export const Status = Schema.Struct({
  message: optional(Schema.String),
  reason: optional(Schema.String),
  details: optional(
    Schema.Struct({
      name: optional(Schema.String),
      causes: optional(Schema.Array(Schema.Struct({ field: optional(Schema.String) }))),
      retryAfterSeconds: optional(Schema.Finite),
    }),
  ),
})
/** What the API server says when it does not do what was asked (`Status` of `meta/v1`). */
export type Status = typeof Status.Type

/** The labels of a Node; none where the field is absent. */
export const labelsOf = (node: NodeObject): Readonly<Record<string, string>> => node.metadata.labels ?? {}

/** The Node in the words of the port. Absent handlers stay apart from an empty list of them (spec 08 §3). */
export const factsOf = (node: NodeObject): NodeApi.NodeFacts => ({
  containerRuntimeVersion: node.status?.nodeInfo?.containerRuntimeVersion || undefined,
  labels: labelsOf(node),
  runtimeHandlers: node.status?.runtimeHandlers?.map((handler) => handler.name ?? ""),
})

const instant = (text: string | null | undefined): number | undefined => {
  const millis = Date.parse(text ?? "")
  return Number.isNaN(millis) ? undefined : millis
}

/** Readiness by the condition and, where it could be read, the lease; a Node without the condition is not ready. */
export const readinessOf = (node: NodeObject, lease: Lease | undefined): NodeApi.Readiness => {
  const condition = node.status?.conditions?.find(({ type }) => type === "Ready")
  const signs = [instant(condition?.lastHeartbeatTime), instant(lease?.spec?.renewTime)].filter(
    (sign) => sign !== undefined,
  )
  return {
    ready: condition?.status === "True",
    heartbeat: signs.length === 0 ? undefined : Math.max(...signs),
  }
}

const requirement = ({ key, operator, values }: typeof Requirement.Type): DaemonSets.Requirement => ({
  key,
  operator,
  values: values ?? [],
})

/** What of a DaemonSet's template selects nodes, or `undefined` where it has no template. */
export const selectionOf = (daemonSet: DaemonSet): DaemonSets.NodeSelection | undefined => {
  const template = daemonSet.spec?.template
  if (template === undefined || template === null) return undefined
  const required = template.spec?.affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution
  return {
    nodeSelector: template.spec?.nodeSelector ?? {},
    requiredTerms:
      required === undefined || required === null
        ? undefined
        : (required.nodeSelectorTerms ?? []).map((term) => ({
            matchExpressions: term.matchExpressions?.map(requirement),
            matchFields: term.matchFields?.map(requirement),
          })),
  }
}

/** Images that a DaemonSet's containers run. */
export const imagesOf = (daemonSet: DaemonSet): ReadonlyArray<string> =>
  (daemonSet.spec?.template?.spec?.containers ?? []).flatMap(({ image }) => image ?? [])
