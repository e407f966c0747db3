/**
 * Answers: how do labels and taints get onto the Node without anybody's change being lost? The decision is taken on what
 * was just read, the patch holds for that and nothing else, and after a conflict both are done again. Source: spec 08
 * §2.4, §6.
 */
import { LabelPatch, NodeApi, Taints } from "@kata-deploy/core"
import { Effect, Schema } from "effect"
import type { ApiClient } from "./ApiClient.ts"
import { type ApiFailure, clause, clusterError } from "./ApiFailure.ts"
import { labelsOf, type NodeObject } from "./ApiObjects.ts"
import type { NodeLookup } from "./NodeLookup.ts"

/** What a decision on a Node comes to: operations to send, or `undefined` for none, and the result for the caller. */
interface Decision<A> {
  readonly patch: ReadonlyArray<LabelPatch.PatchOperation> | undefined
  readonly result: A
}

interface Rewriting<A> {
  readonly operation: string
  readonly attempts: number
  readonly decide: (node: NodeObject) => Decision<A>
}

/** The answer as the decision about conflicts wants it; `undefined` where the failure is of another kind. */
const responseOf = ({ reason }: ApiFailure): LabelPatch.PatchResponse | undefined =>
  reason._tag === "Answered" && (reason.status === 409 || reason.status === 422)
    ? {
        status: reason.status,
        invalidFields: (reason.body.details?.causes ?? []).flatMap(({ field }) => field ?? []),
        ...(reason.body.message ? { message: clause(reason.body.message) } : {}),
      }
    : undefined

const clauseOf = (sentence: string): string =>
  `${sentence[0]?.toLowerCase() ?? ""}${sentence.slice(1).replace(/\.$/, "")}`

/** Reads, decides and writes until nobody was faster, or the attempts are used up. */
const rewrite = <A>(
  client: ApiClient,
  lookup: NodeLookup,
  { attempts, decide, operation }: Rewriting<A>,
): Effect.Effect<A, NodeApi.ClusterError> =>
  Effect.gen(function* () {
    for (let attempt = 1; ; attempt += 1) {
      const node = yield* lookup
      const { patch, result } = decide(node)
      if (patch === undefined) return result
      const response = yield* client
        .ask(Schema.Unknown, {
          right: "patchNode",
          name: node.metadata.name,
          body: { contentType: LabelPatch.contentType, value: patch },
        })
        .pipe(
          Effect.as({ status: 200, invalidFields: [] } satisfies LabelPatch.PatchResponse),
          Effect.catch((failure) => {
            const conflict = responseOf(failure)
            return conflict === undefined
              ? Effect.fail(clusterError(operation)(failure))
              : Effect.succeed(conflict)
          }),
        )
      const verdict = LabelPatch.judge(attempt, attempts, response)
      if (verdict._tag === "Done") return result
      if (verdict._tag === "GiveUp")
        return yield* new NodeApi.ClusterError({
          operation,
          detail: clauseOf(verdict.problem.message),
          remedy: verdict.problem.remedy,
        })
    }
  })

/** The operations for a change of labels; a Node without any label has no place for them yet. */
const labelOperations = (
  node: NodeObject,
  updates: NodeApi.LabelUpdates,
): ReadonlyArray<LabelPatch.PatchOperation> | undefined => {
  const patch = LabelPatch.labels(node.metadata.resourceVersion, updates)
  if (patch === undefined || (node.metadata.labels !== undefined && node.metadata.labels !== null))
    return patch
  const [precondition, ...rest] = patch
  return [precondition!, { op: "add", path: "/metadata/labels", value: {} }, ...rest]
}

/** Keys that are to be taken away and are not there would make the whole patch fail. */
const feasible = (node: NodeObject, updates: NodeApi.LabelUpdates): NodeApi.LabelUpdates => {
  const labels = labelsOf(node)
  return Object.fromEntries(
    Object.entries(updates).filter(([key, value]) =>
      value === null ? Object.hasOwn(labels, key) : labels[key] !== value,
    ),
  )
}

/** Rewrites labels by a decision that is taken again on fresh labels after each conflict. */
export const updateLabels = (
  client: ApiClient,
  lookup: NodeLookup,
  nodeName: string,
  decide: (labels: Readonly<Record<string, string>>) => NodeApi.LabelUpdates,
): Effect.Effect<void, NodeApi.ClusterError> =>
  rewrite(client, lookup, {
    operation: `update labels of node ${nodeName}`,
    attempts: LabelPatch.labelAttempts,
    decide: (node) => ({
      patch: labelOperations(node, feasible(node, decide(labelsOf(node)))),
      result: undefined,
    }),
  })

/** Takes the taints off that the matchers hit; answers the matchers that did. */
export const removeTaints = (
  client: ApiClient,
  lookup: NodeLookup,
  nodeName: string,
  matchers: ReadonlyArray<string>,
): Effect.Effect<ReadonlyArray<string>, NodeApi.ClusterError> =>
  rewrite(client, lookup, {
    operation: `remove startup taints of node ${nodeName}`,
    attempts: Taints.attempts,
    decide: (node) => {
      const taints = node.spec?.taints ?? []
      const { resourceVersion } = node.metadata
      return {
        patch: Taints.decide({ resourceVersion, taints }, matchers),
        result: Taints.partition(taints, matchers).removed,
      }
    },
  })
