/**
 * Answers: what does a request want, in RBAC's words? Taken from method and path as the API server itself does it.
 */
import { type StoredType, types } from "./ObjectStore.ts"

/** A request in RBAC's words. */
export interface RequestLine {
  readonly verb: "get" | "list" | "watch" | "create" | "update" | "patch" | "delete"
  readonly type: StoredType
  readonly subresource: string | undefined
  readonly namespace: string | undefined
  readonly name: string | undefined
  /** What follows behind the subresource: `configz` behind `nodes/NAME/proxy`. */
  readonly tail: string | undefined
}

const verbs: Readonly<Record<string, RequestLine["verb"]>> = {
  POST: "create",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
}

/** The request, or what it is instead: a path that stands for nothing, or a method that is not known. */
export const parse = (method: string, url: URL): RequestLine | "no-such-resource" | "no-such-method" => {
  const parts = url.pathname.split("/").slice(1).map(decodeURIComponent)
  const isCore = parts[0] === "api" && parts[1] === "v1"
  const isGroup = parts[0] === "apis" && parts[2] === "v1"
  if (!isCore && !isGroup) return "no-such-resource"
  const group = isCore ? "" : parts[1]
  let rest = parts.slice(isCore ? 2 : 3)
  const namespace = rest[0] === "namespaces" && rest.length > 2 ? rest[1] : undefined
  if (namespace !== undefined) rest = rest.slice(2)
  const [plural, name, subresource, ...tail] = rest
  const type = types.find((one) => one.group === group && one.plural === plural)
  if (type === undefined || (namespace !== undefined && !type.namespaced)) return "no-such-resource"
  if (name !== undefined && type.namespaced && namespace === undefined) return "no-such-resource"
  const watches = ["1", "true"].includes(url.searchParams.get("watch") ?? "")
  const verb = method === "GET" ? (name === undefined ? (watches ? "watch" : "list") : "get") : verbs[method]
  if (verb === undefined) return "no-such-method"
  return { verb, type, subresource, namespace, name, tail: tail.length === 0 ? undefined : tail.join("/") }
}
