/**
 * Answers: which objects does the double have, and what happened to them? Objects by type, namespace and name, with a
 * version that grows by each change, and a history for watches.
 */
import { randomUUID } from "node:crypto"
import type { Json, JsonObject } from "./Patches.ts"
import { equal } from "./Patches.ts"
import type { ResourceType } from "./Statuses.ts"

/** A resource type and where its objects live. */
export interface StoredType extends ResourceType {
  readonly namespaced: boolean
}

/** The types that the double knows. */
export const types: ReadonlyArray<StoredType> = [
  { group: "", plural: "nodes", kind: "Node", namespaced: false },
  { group: "", plural: "pods", kind: "Pod", namespaced: true },
  { group: "", plural: "events", kind: "Event", namespaced: true },
  { group: "apps", plural: "daemonsets", kind: "DaemonSet", namespaced: true },
  { group: "coordination.k8s.io", plural: "leases", kind: "Lease", namespaced: true },
  { group: "node.k8s.io", plural: "runtimeclasses", kind: "RuntimeClass", namespaced: false },
]

/** Which object; `namespace` is `undefined` for objects of the cluster. */
export interface ObjectKey {
  readonly type: StoredType
  readonly namespace: string | undefined
  readonly name: string
}

/** Something that happened to an object. */
export interface Happening {
  readonly type: StoredType
  readonly namespace: string | undefined
  readonly version: number
  readonly what: "ADDED" | "MODIFIED" | "DELETED"
  readonly object: JsonObject
}

/** The metadata of an object; none of what is not there. */
export const metadataOf = (object: JsonObject): JsonObject => (object["metadata"] ?? {}) as JsonObject

const keyOf = ({ name, namespace, type }: ObjectKey): string =>
  `${type.group}/${type.plural}/${namespace ?? ""}/${name}`

const withVersion = (object: JsonObject, version: number): JsonObject => ({
  ...object,
  metadata: { ...metadataOf(object), resourceVersion: String(version) },
})

/** Objects and their history. */
export class ObjectStore {
  private readonly objects = new Map<string, { readonly key: ObjectKey; readonly object: JsonObject }>()
  private readonly listeners = new Set<(happening: Happening) => void>()
  /** Everything that happened, in order. */
  readonly history: Array<Happening> = []
  /** Version of the newest change. */
  version = 100

  /** The object, or `undefined`. */
  get(key: ObjectKey): JsonObject | undefined {
    return this.objects.get(keyOf(key))?.object
  }

  /** Objects of a type, in one namespace or in all, sorted as a real server lists them. */
  list(type: StoredType, namespace: string | undefined): ReadonlyArray<JsonObject> {
    return [...this.objects]
      .filter(([, { key }]) => key.type === type && (namespace ?? key.namespace) === key.namespace)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([, { object }]) => object)
  }

  /** Makes or replaces an object; one that stays the same keeps its version. */
  put(key: ObjectKey, object: JsonObject): JsonObject {
    const before = this.get(key)
    const metadata: Record<string, Json> = {
      uid: randomUUID(),
      creationTimestamp: new Date(0).toISOString().replace(".000", ""),
      ...(before === undefined ? {} : metadataOf(before)),
      ...metadataOf(object),
      name: key.name,
      ...(key.namespace === undefined ? {} : { namespace: key.namespace }),
    }
    if (metadataOf(object)["labels"] === undefined) delete metadata["labels"]
    const wanted: JsonObject = {
      apiVersion: key.type.group === "" ? "v1" : `${key.type.group}/v1`,
      kind: key.type.kind,
      ...object,
      metadata,
    }
    if (before !== undefined && equal(withVersion(wanted, 0), withVersion(before, 0))) return before
    this.version += 1
    const stored = withVersion(wanted, this.version)
    this.objects.set(keyOf(key), { key, object: stored })
    this.tell(key, before === undefined ? "ADDED" : "MODIFIED", stored)
    return stored
  }

  /** Takes an object away; answers it, or `undefined` where there was none. */
  delete(key: ObjectKey): JsonObject | undefined {
    const object = this.get(key)
    if (object === undefined) return undefined
    this.objects.delete(keyOf(key))
    this.version += 1
    this.tell(key, "DELETED", withVersion(object, this.version))
    return object
  }

  /** Calls back at each change until the returned function is called. */
  onChange(listener: (happening: Happening) => void): () => void {
    this.listeners.add(listener)
    return () => {
      this.listeners.delete(listener)
    }
  }

  private tell({ namespace, type }: ObjectKey, what: Happening["what"], object: JsonObject): void {
    const happening = { type, namespace, version: this.version, what, object }
    this.history.push(happening)
    for (const listener of this.listeners) listener(happening)
  }
}
