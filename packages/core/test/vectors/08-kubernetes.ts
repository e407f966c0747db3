/** Answers the vectors about labels, taints, DaemonSets, served handlers and the kubelet. */
import { Result, Schema } from "effect"
import {
  DaemonSets,
  Fact,
  Instance,
  KubeletAdvice,
  LabelPatch,
  LabelStability,
  NodeMarks,
  ServedHandlers,
  Taints,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

const Labels = Schema.Record(Schema.String, Schema.String)
const Updates = Schema.Record(Schema.String, Schema.NullOr(Schema.String))

/** The instance whose mark a label is. */
const instanceOf = (mark: string): string => mark.slice(NodeMarks.markOf("").length)

const Release = Schema.Struct({
  labels: Labels,
  ours: Schema.String,
  legacyDaemonSetSelectsNode: Schema.Boolean,
})

const releaseNode = ({ labels, legacyDaemonSetSelectsNode, ours }: typeof Release.Type) => {
  const legacy = legacyDaemonSetSelectsNode ? ["kata-deploy"] : []
  const updates = NodeMarks.release(labels, instanceOf(ours), legacy)
  return {
    updates,
    anotherInstallHoldsNode: NodeMarks.sharedVerdict(labels, instanceOf(ours), legacy) !== "remove",
    patchSent: LabelPatch.labels("1", updates) !== undefined,
  }
}

const JsonPatch = Schema.Union([
  Schema.Struct({ resourceVersion: Schema.String, updates: Updates }),
  Schema.Struct({ token: Schema.String }),
])

const labelJsonPatch = (input: typeof JsonPatch.Type): unknown => {
  if ("token" in input) return LabelPatch.pointerToken(input.token)
  const body = LabelPatch.labels(input.resourceVersion, input.updates)
  return body === undefined ? { patchSent: false } : { contentType: LabelPatch.contentType, body }
}

const Response = Schema.Union([
  Schema.Number,
  Schema.Struct({
    status: Schema.Number,
    causes: Schema.optionalKey(Schema.Array(Schema.Struct({ field: Schema.optionalKey(Schema.String) }))),
  }),
])

const responseOf = (given: typeof Response.Type): LabelPatch.PatchResponse =>
  typeof given === "number"
    ? { status: given, invalidFields: [] }
    : { status: given.status, invalidFields: (given.causes ?? []).flatMap((cause) => cause.field ?? []) }

/** Goes on as long as the judge says so; past the last given answer the server says yes. */
const attempted = (responses: ReadonlyArray<typeof Response.Type>, attempts: number) => {
  for (let attempt = 1; ; attempt += 1) {
    const verdict = LabelPatch.judge(attempt, attempts, responseOf(responses[attempt - 1] ?? 200))
    if (verdict._tag === "Done") return { attempts: attempt, ok: true }
    if (verdict._tag === "GiveUp") return { attempts: attempt, error: verdict.problem.code }
  }
}

const Taint = Schema.StructWithRest(Schema.Struct({ key: Schema.String, effect: Schema.String }), [
  Schema.Record(Schema.String, Schema.Unknown),
])

const TaintPatch = Schema.Struct({
  resourceVersion: Schema.optionalKey(Schema.String),
  retained: Schema.optionalKey(Schema.Array(Taint)),
  taints: Schema.optionalKey(Schema.Array(Taint)),
  matchers: Schema.optionalKey(Schema.Array(Schema.String)),
  responses: Schema.optionalKey(Schema.Array(Response)),
})

const taintPatch = (input: typeof TaintPatch.Type): unknown => {
  const resourceVersion = input.resourceVersion ?? "1"
  if (input.responses !== undefined) {
    const { attempts, ...outcome } = attempted(input.responses, Taints.attempts)
    // What becomes of it is a notice: the install goes on.
    return "error" in outcome ? { ...outcome, fatalToInstall: false } : { attempts, ...outcome }
  }
  if (input.retained !== undefined) return { body: Taints.patch(resourceVersion, input.retained) }
  const body = Taints.decide({ resourceVersion, taints: input.taints ?? [] }, input.matchers ?? [])
  return body === undefined ? { patchSent: false } : { patchSent: true, body }
}

const Requirement = Schema.Struct({
  key: Schema.String,
  operator: Schema.String,
  values: Schema.optionalKey(Schema.Array(Schema.String)),
})
const Selects = Schema.Struct({
  nodeSelector: Schema.optionalKey(Schema.NullOr(Labels)),
  node: Schema.Struct({ name: Schema.String, labels: Labels }),
  requiredNodeSelectorTerms: Schema.optionalKey(
    Schema.NullOr(
      Schema.Array(
        Schema.Struct({
          matchExpressions: Schema.optionalKey(Schema.Array(Requirement)),
          matchFields: Schema.optionalKey(Schema.Array(Requirement)),
        }),
      ),
    ),
  ),
  template: Schema.optionalKey(Schema.Null),
})

const Own = Schema.Struct({
  ownDaemonSet: Schema.NullOr(
    Schema.Struct({
      deletionTimestamp: Schema.optionalKey(Schema.NullOr(Schema.Union([Schema.Boolean, Schema.String]))),
      selectsNode: Schema.Boolean,
    }),
  ),
})

const present = (value: unknown): boolean => value !== undefined && value !== null && value !== false

const Others = Schema.Struct({
  daemonSets: Schema.Array(
    Schema.Struct({
      name: Schema.String,
      uid: Schema.String,
      selects: Schema.Boolean,
      deletionTimestamp: Schema.optionalKey(Schema.Unknown),
      deleting: Schema.optionalKey(Schema.Unknown),
      images: Schema.optionalKey(Schema.Array(Schema.String)),
    }),
  ),
  ownUid: Schema.optionalKey(Schema.NullOr(Schema.String)),
})

const others = ({ daemonSets, ownUid }: typeof Others.Type): boolean =>
  DaemonSets.othersWantingNode(
    daemonSets.map((d) => ({
      ...d,
      deleting: present(d.deletionTimestamp) || present(d.deleting),
      images: d.images ?? [],
    })),
    ownUid ?? undefined,
  ).length > 0

const Stability = Schema.Struct({
  observationsPerAttempt: Schema.Array(Schema.Array(Schema.Literals(["ok", "drift", "error"]))),
})

const labelStability = ({ observationsPerAttempt }: typeof Stability.Type): unknown => {
  let state = LabelStability.start
  let waitSeconds = 0
  let looks: Iterator<LabelStability.LabelLook> = [][Symbol.iterator]()
  for (;;) {
    const { attempt, next } = state
    if (next._tag === "Held") return { attempts: attempt, ok: true, waitSeconds }
    if (next._tag === "NotStable") return { attempts: attempt, error: "E_LABEL_NOT_STABLE", waitSeconds }
    waitSeconds += next.afterSeconds
    if (next._tag === "Write") {
      looks = (observationsPerAttempt[attempt - 1] ?? [])[Symbol.iterator]()
      state = LabelStability.written(state, "done")
    } else {
      const seen = looks.next()
      state = LabelStability.looked(state, seen.done === true ? "error" : seen.value)
    }
  }
}

const Report = Schema.Struct({
  expected: Schema.Array(Schema.String),
  /** A list of handlers, `error`, or anything else for a Node without the field. */
  reports: Schema.Array(Schema.Unknown),
})

const handlerReport = ({ expected, reports }: typeof Report.Type): unknown => {
  const told = (verdict: ServedHandlers.ServedVerdict): unknown =>
    verdict._tag === "AllLoaded"
      ? "allLoaded"
      : verdict._tag === "Unknown"
        ? "unknown"
        : { missing: verdict.missing, installFails: ServedHandlers.failsInstall(verdict) }
  let looking = ServedHandlers.start(expected)
  for (const report of reports) {
    const seen: ServedHandlers.Look =
      report === "error"
        ? { _tag: "Failed" }
        : Array.isArray(report)
          ? { _tag: "Read", handlers: report.map(String) }
          : { _tag: "NotReported" }
    const { looking: after, verdict } = ServedHandlers.look(looking, seen)
    if (verdict !== undefined) return told(verdict)
    looking = after
  }
  return told(ServedHandlers.timeOver(looking))
}

const kubeletTimeout = ({ configz }: { readonly configz: unknown }): unknown => {
  const fact: Fact.Fact<unknown> =
    configz === "error" ? Fact.unknown("failed", "the request failed") : Fact.known(configz)
  const seconds = fact._tag === "Known" ? KubeletAdvice.timeoutIn(fact.value) : undefined
  return { seconds, warn: KubeletAdvice.advise(fact) !== undefined }
}

/** Runner of `08-kubernetes`. */
export const runner: Vectors.Runner = {
  file: "08-kubernetes",
  sections: {
    instanceLabel: Vectors.answering(Schema.NullOr(Schema.String), (suffix) =>
      NodeMarks.markOf(Instance.name(Instance.make({ prefix: undefined, suffix: suffix ?? undefined }))),
    ),
    sharedLabelVerdict: Vectors.answering(
      Schema.Struct({ labels: Labels, ours: Schema.String }),
      ({ labels, ours }) => NodeMarks.sharedVerdict(labels, instanceOf(ours)),
    ),
    releaseNode: Vectors.answering(Release, releaseNode),
    labelJsonPatch: Vectors.answering(JsonPatch, labelJsonPatch),
    labelPatchRetries: Vectors.answering(
      Schema.Struct({ responses: Schema.Array(Response) }),
      ({ responses }) => attempted(responses, LabelPatch.labelAttempts),
    ),
    taintPartition: Vectors.answering(
      Schema.Struct({ taints: Schema.Array(Taint), matchers: Schema.Array(Schema.String) }),
      ({ matchers, taints }) => Taints.partition(taints, matchers),
    ),
    taintPatch: Vectors.answering(TaintPatch, taintPatch),
    daemonSetSelectsNode: Vectors.answering(Selects, (input) =>
      DaemonSets.selectsNode(
        input.template === null
          ? undefined
          : {
              nodeSelector: input.nodeSelector ?? {},
              requiredTerms: input.requiredNodeSelectorTerms ?? undefined,
            },
        input.node,
      ),
    ),
    ownDaemonSet: Vectors.answering(Own, ({ ownDaemonSet }) =>
      DaemonSets.ownWantsNode(
        ownDaemonSet === null
          ? undefined
          : { deleting: present(ownDaemonSet.deletionTimestamp), selects: ownDaemonSet.selectsNode },
      ),
    ),
    otherKataDeployDaemonSet: Vectors.answering(Others, others),
    labelStability: Vectors.answering(Stability, labelStability),
    handlerReport: Vectors.answering(Report, handlerReport),
    kubeletTimeout: (vector) =>
      Result.flatMap(Vectors.read(Schema.Struct({ configz: Schema.Unknown }), vector.input), (input) => {
        const answer = kubeletTimeout(input) as { readonly seconds?: number; readonly warn: boolean }
        const expected = vector.expected as { readonly seconds?: number } | undefined
        // Where a case says nothing of seconds, there are none to be had.
        return Vectors.compare(
          vector.expected,
          expected?.seconds === undefined ? { warn: answer.warn } : answer,
        )
      }),
  },
}
