/**
 * Answers: what does an API server do with a request that is allowed, and what does it say? Get, list in pages, create,
 * update, the three kinds of patches, delete, and the kubelet's `configz` behind the proxy of a node.
 */
import { randomBytes } from "node:crypto"
import { wrongLabels } from "./LabelRules.ts"
import { metadataOf, type ObjectKey, type ObjectStore } from "./ObjectStore.ts"
import {
  applyJsonPatch,
  applyMergePatch,
  applyStrategicPatch,
  DoesNotApply,
  type Json,
  type JsonObject,
} from "./Patches.ts"
import type { RequestLine } from "./RequestLine.ts"
import * as Statuses from "./Statuses.ts"

/** A request with all that an answer depends on. */
export interface Question {
  readonly line: RequestLine
  readonly query: URLSearchParams
  readonly contentType: string
  readonly body: string
}

/** What is behind the API server. */
export interface Behind {
  readonly store: ObjectStore
  /** `configz` of kubelets by node; a kubelet that is not there cannot be reached. */
  readonly configz: ReadonlyMap<string, unknown>
}

const ok = (body: unknown, status = 200): Statuses.Reply => ({ status, body })

const matchesSelectors = (object: JsonObject, query: URLSearchParams): boolean => {
  const labels = (metadataOf(object)["labels"] ?? {}) as JsonObject
  const wanted = (query.get("labelSelector") ?? "").split(",").filter((part) => part !== "")
  const field = /^metadata\.name==?(.*)$/.exec(query.get("fieldSelector") ?? "")?.[1]
  return (
    (field === undefined || metadataOf(object)["name"] === field) &&
    wanted.every((part) => {
      const [key = "", value] = part.split(/==?/)
      return value === undefined ? Object.hasOwn(labels, key) : labels[key] === value
    })
  )
}

const list = ({ store }: Behind, { line, query }: Question): Statuses.Reply => {
  const all = store.list(line.type, line.namespace).filter((object) => matchesSelectors(object, query))
  const from = Number(query.get("continue") ?? 0)
  const limit = Number(query.get("limit") ?? 0) || all.length
  const left = all.length - from - limit
  return ok({
    kind: `${line.type.kind}List`,
    apiVersion: line.type.group === "" ? "v1" : `${line.type.group}/v1`,
    metadata: {
      resourceVersion: String(store.version),
      ...(left > 0 ? { continue: String(from + limit), remainingItemCount: left } : {}),
    },
    items: all.slice(from, from + limit),
  })
}

/** Writes what a request makes of an object, unless it would be invalid or goes by an older version. */
const write = (
  store: ObjectStore,
  key: ObjectKey,
  before: JsonObject | undefined,
  after: JsonObject,
): Statuses.Reply => {
  const claimed = metadataOf(after)["resourceVersion"]
  if (before !== undefined && claimed !== undefined && claimed !== metadataOf(before)["resourceVersion"])
    return Statuses.conflict(key.type, key.name)
  const causes = wrongLabels((metadataOf(after)["labels"] ?? {}) as JsonObject)
  if (causes.length > 0) return Statuses.invalid(key.type, key.name, causes)
  return ok(store.put(key, after), before === undefined ? 201 : 200)
}

const create = ({ store }: Behind, { line, ...question }: Question): Statuses.Reply => {
  const object = JSON.parse(question.body) as JsonObject
  const { generateName, name: given } = metadataOf(object)
  const name =
    given ??
    (generateName === undefined ? "" : `${String(generateName)}${randomBytes(3).toString("hex").slice(0, 5)}`)
  const key: ObjectKey = { type: line.type, namespace: line.namespace, name: String(name) }
  if (store.get(key) !== undefined) return Statuses.alreadyExists(key.type, key.name)
  return write(store, key, undefined, { ...object, metadata: { ...metadataOf(object), name: key.name } })
}

/** Only the status by way of `/status`, and anything but the status otherwise, as nodes have it. */
const bySubresource = (line: RequestLine, before: JsonObject, after: JsonObject): JsonObject => {
  if (line.subresource === "status")
    return { ...before, ...(after["status"] === undefined ? {} : { status: after["status"] }) }
  const { status: _, ...rest } = after
  return before["status"] === undefined ? rest : { ...rest, status: before["status"] }
}

const patched = (before: JsonObject, contentType: string, patch: Json): JsonObject | Statuses.Reply => {
  switch (contentType) {
    case "application/json-patch+json":
      if (!Array.isArray(patch))
        return Statuses.badRequest("json: cannot unmarshal object into Go value of type jsonpatch.Patch")
      return applyJsonPatch(before, patch as ReadonlyArray<JsonObject>)
    case "application/merge-patch+json":
      return applyMergePatch(before, patch) as JsonObject
    case "application/strategic-merge-patch+json":
      return applyStrategicPatch(before, patch as JsonObject)
    default:
      return Statuses.unsupportedMediaType()
  }
}

const isReply = (value: JsonObject | Statuses.Reply): value is Statuses.Reply =>
  typeof value["status"] === "number"

const change = ({ store }: Behind, { body, contentType, line }: Question, key: ObjectKey): Statuses.Reply => {
  const before = store.get(key)
  if (before === undefined) return Statuses.notFound(key.type, key.name)
  try {
    const after =
      line.verb === "update"
        ? (JSON.parse(body) as JsonObject)
        : patched(before, contentType, JSON.parse(body) as Json)
    return isReply(after) ? after : write(store, key, before, bySubresource(line, before, after))
  } catch (error) {
    if (error instanceof DoesNotApply) return Statuses.doesNotApply()
    throw error
  }
}

const proxied = ({ configz, store }: Behind, { line }: Question, key: ObjectKey): Statuses.Reply => {
  if (store.get(key) === undefined) return Statuses.notFound(key.type, key.name)
  const answer = configz.get(key.name)
  if (answer === undefined)
    return Statuses.failure(500, { message: "no preferred addresses found; known addresses: []" })
  return line.tail === "configz" ? ok(answer) : { status: 404, body: "404 page not found\n" }
}

const withName = (behind: Behind, question: Question, key: ObjectKey): Statuses.Reply => {
  const { line } = question
  if (line.subresource === "proxy") return proxied(behind, question, key)
  if (line.subresource !== undefined && line.subresource !== "status") return Statuses.noSuchResource()
  switch (line.verb) {
    case "get": {
      const object = behind.store.get(key)
      return object === undefined ? Statuses.notFound(key.type, key.name) : ok(object)
    }
    case "patch":
    case "update":
      return change(behind, question, key)
    case "delete": {
      const object = behind.store.delete(key)
      return object === undefined
        ? Statuses.notFound(key.type, key.name)
        : ok({ kind: "Status", status: "Success" })
    }
    default:
      return Statuses.methodNotAllowed()
  }
}

/** The answer to a request that is allowed; watches are no answers but streams, and not made here. */
export const answer = (behind: Behind, question: Question): Statuses.Reply => {
  const { line } = question
  try {
    if (line.name !== undefined)
      return withName(behind, question, { type: line.type, namespace: line.namespace, name: line.name })
    if (line.verb === "list") return list(behind, question)
    if (line.verb === "create") return create(behind, question)
    return Statuses.methodNotAllowed()
  } catch (error) {
    if (error instanceof SyntaxError) return Statuses.badRequest("the body is not JSON")
    throw error
  }
}
