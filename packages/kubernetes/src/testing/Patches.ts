/**
 * Answers: what does a patch make of an object? JSON patches (RFC 6902), merge patches (RFC 7396), and of strategic merge
 * patches what a Node needs: lists are replaced, except conditions, which are merged by their type.
 */

/** Any JSON value. */
export type Json = null | boolean | number | string | ReadonlyArray<Json> | JsonObject
/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json
}

/** A JSON patch does not apply. */
export class DoesNotApply extends Error {
  override readonly name = "DoesNotApply"
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Whether two JSON values are the same, whatever the order of keys. */
export const equal = (a: Json | undefined, b: Json | undefined): boolean => {
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((item, index) => equal(item as Json, b[index] as Json))
  if (isObject(a) && isObject(b)) {
    const keys = Object.keys(a)
    return (
      keys.length === Object.keys(b).length &&
      keys.every((key) => Object.hasOwn(b, key) && equal(a[key], b[key]))
    )
  }
  return a === b
}

const unescape = (token: string): string => token.replaceAll("~1", "/").replaceAll("~0", "~")

const indexIn = (list: ReadonlyArray<unknown>, token: string): number => {
  if (!/^(?:0|[1-9]\d*)$/.test(token) || Number(token) >= list.length) throw new DoesNotApply(token)
  return Number(token)
}

const child = (parent: Json, token: string): Json | undefined => {
  if (Array.isArray(parent)) return (parent as ReadonlyArray<Json>)[indexIn(parent, token)]
  if (!isObject(parent)) throw new DoesNotApply(token)
  return parent[token]
}

type Place = "add" | "replace" | "remove"

const changeHere = (parent: Json, token: string, place: Place, value: Json | undefined): Json => {
  if (Array.isArray(parent)) {
    const list = [...(parent as ReadonlyArray<Json>)]
    if (place === "add") {
      const isEnd = token === "-" || token === String(list.length)
      list.splice(isEnd ? list.length : indexIn(list, token), 0, value!)
    } else list.splice(indexIn(list, token), 1, ...(place === "replace" ? [value!] : []))
    return list
  }
  if (!isObject(parent)) throw new DoesNotApply(token)
  if (place !== "add" && !Object.hasOwn(parent, token)) throw new DoesNotApply(token)
  if (place === "remove") return Object.fromEntries(Object.entries(parent).filter(([key]) => key !== token))
  return { ...parent, [token]: value! }
}

const changeAt = (
  parent: Json,
  [token, ...rest]: ReadonlyArray<string>,
  place: Place,
  value: Json | undefined,
): Json => {
  if (token === undefined) throw new DoesNotApply("the whole object")
  if (rest.length === 0) return changeHere(parent, token, place, value)
  const inner = child(parent, token)
  if (inner === undefined) throw new DoesNotApply(token)
  return changeHere(parent, token, "replace", changeAt(inner, rest, place, value))
}

const valueAt = (parent: Json, tokens: ReadonlyArray<string>): Json | undefined => {
  let value: Json | undefined = parent
  for (const token of tokens) {
    if (value === undefined || value === null) throw new DoesNotApply(token)
    value = child(value, token)
  }
  return value
}

/** Applies a JSON patch; throws {@link DoesNotApply} without having changed anything. */
export const applyJsonPatch = (object: JsonObject, operations: ReadonlyArray<JsonObject>): JsonObject => {
  let result: Json = object
  for (const { op, path, value } of operations) {
    const tokens = String(path).split("/").slice(1).map(unescape)
    if (op === "test") {
      // As the server's library has it, what is not there equals null.
      if (!equal(valueAt(result, tokens) ?? null, value ?? null)) throw new DoesNotApply(String(path))
    } else if (op === "add" || op === "replace" || op === "remove")
      result = changeAt(result, tokens, op, value)
    else throw new DoesNotApply(String(op))
  }
  return result as JsonObject
}

/** Applies a merge patch: `null` takes a key away, objects are merged, everything else is replaced. */
export const applyMergePatch = (target: Json | undefined, patch: Json): Json => {
  if (!isObject(patch)) return patch
  const result: Record<string, Json> = { ...(isObject(target) ? target : {}) }
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key]
    else result[key] = applyMergePatch(result[key], value)
  }
  return result
}

const mergeByType = (list: ReadonlyArray<Json>, patch: ReadonlyArray<Json>): ReadonlyArray<Json> => {
  const merged = [...list]
  for (const entry of patch) {
    const at = merged.findIndex((one) => isObject(one) && isObject(entry) && one["type"] === entry["type"])
    if (at < 0) merged.push(entry)
    else merged[at] = applyMergePatch(merged[at], entry)
  }
  return merged
}

/** Applies a strategic merge patch, as far as Nodes need it. */
export const applyStrategicPatch = (target: JsonObject, patch: JsonObject): JsonObject => {
  const merged = applyMergePatch(target, patch) as JsonObject
  const status = target["status"]
  const patched = patch["status"]
  const before = isObject(status) ? status["conditions"] : undefined
  const after = isObject(patched) ? patched["conditions"] : undefined
  if (!Array.isArray(before) || !Array.isArray(after) || !isObject(merged["status"])) return merged
  return { ...merged, status: { ...merged["status"], conditions: mergeByType(before, after) } }
}
