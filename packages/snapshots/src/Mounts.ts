/**
 * Answers: how is an existing snapshot mounted, and a new view of an image? Table B, in its order; later rows may
 * override earlier ones. Source: facts nydus §3.
 */
import { has, type Labels } from "./Labels.ts"
import * as Lineage from "./Lineage.ts"
import type { NydusConfig } from "./NydusConfig.ts"
import * as ProxyRescue from "./ProxyRescue.ts"

const rows = {
  B1: "it is the metadata of a nydus image that is being served",
  B2: "it is the metadata of a nydus image that nobody serves yet: somebody unpacks it",
  B2b: "it is the metadata of a nydus image that could not be made ready",
  B3: "its layers are a tarfs, or the guest pulls its image",
  B4: "the nydus image that it lies on is being served",
  B5: "the nydus image that it lies on is not being served",
  B6: "it lies on a tarfs, or on an image that the guest pulls",
  B7: "what it lies on could not be read",
  B8: "committed layers and unknown snapshots are not mounted in a special way",
  B9: "a nydus image was found in place of the one that it lies on",
  B10: "another snapshotter unpacked the image, and its layers are handed to the guest (table C)",
  B11: "nothing speaks for anything else",
  V1: "the nydus image is started and waited for",
  V2: "only the top of a nydus image can be looked at, and this is one of its data layers",
  V3: "the tarfs of the layers are merged and mounted",
  V4: "the layers are ordinary directories",
} as const

/** A row of table B; those of a new view begin with V. */
export type Row = keyof typeof rows

/** Whether a nydus image is being served. */
export type Instance = "ready" | "not-found" | "not-ready"

/** What is known of a snapshot that is to be mounted. */
export interface MountFacts {
  readonly id: string
  readonly kind: "view" | "active" | "committed" | "unknown"
  readonly labels: Labels
  readonly lineage: Lineage.Lineage
  /** Of the snapshot itself for a view, of its parent for an active one. */
  readonly instance: Instance
}

/** How it is mounted. */
export type Outcome =
  | { readonly _tag: "Native" }
  | { readonly _tag: "Proxy" }
  | { readonly _tag: "Remote"; readonly id: string }
  | { readonly _tag: "Error" }

/** A decision of table B. */
export interface MountDecision {
  readonly row: Row
  readonly outcome: Outcome
}

const native: Outcome = { _tag: "Native" }
const failed: Outcome = { _tag: "Error" }
const remote = (id: string): Outcome => ({ _tag: "Remote", id })
const as = (row: Row, outcome: Outcome): MountDecision => ({ row, outcome })

/** Whether the labels make a snapshot one that nydus serves without metadata of its own. */
const served = (config: NydusConfig, labels: Labels): boolean =>
  (config.tarfs !== undefined && has(labels, "tarfs")) || has(labels, "proxyMode")

const ofView = (config: NydusConfig, { id, instance, labels }: MountFacts): MountDecision => {
  if (has(labels, "nydusMeta")) {
    if (instance === "ready") return as("B1", remote(id))
    return instance === "not-found" ? as("B2", native) : as("B2b", failed)
  }
  return served(config, labels) ? as("B3", remote(id)) : as("B11", native)
}

const ofActive = (config: NydusConfig, { instance, lineage }: MountFacts): MountDecision => {
  if (lineage._tag === "Unread") return as("B7", failed)
  const parent = Lineage.parent(lineage)
  if (parent === undefined) return as("B11", native)
  if (has(parent.labels, "nydusMeta"))
    return instance === "ready" ? as("B4", remote(parent.id)) : as("B5", failed)
  return served(config, parent.labels) ? as("B6", remote(parent.id)) : as("B11", native)
}

const byKind = (config: NydusConfig, facts: MountFacts): MountDecision => {
  if (facts.kind === "view") return ofView(config, facts)
  return facts.kind === "active" ? ofActive(config, facts) : as("B8", native)
}

const detected = (config: NydusConfig, lineage: Lineage.Lineage): Lineage.Ancestor | undefined =>
  (config.indexDetection ? Lineage.withLabel(lineage, "indexAlternative") : undefined) ??
  (config.referrerDetection ? Lineage.withReferrer(lineage) : undefined)

/** How an existing snapshot is mounted. */
export const ofSnapshot = (config: NydusConfig, facts: MountFacts): MountDecision => {
  const found = byKind(config, facts)
  if (found.outcome._tag === "Error") return found
  if (ProxyRescue.decide(config, facts.labels).rescued) return as("B10", { _tag: "Proxy" })
  if (found.outcome._tag === "Remote") return found
  const ancestor = detected(config, facts.lineage)
  return ancestor === undefined ? found : as("B9", remote(ancestor.id))
}

/** How a new view of the snapshot `parent` is made; `first` is what has to be done before. */
export const ofNewView = (
  config: NydusConfig,
  parent: Lineage.Ancestor,
): MountDecision & { readonly first: "nothing" | "start" | "merge-tarfs" } => {
  if (has(parent.labels, "nydusMeta")) return { ...as("V1", remote(parent.id)), first: "start" }
  if (has(parent.labels, "nydusData")) return { ...as("V2", failed), first: "nothing" }
  return config.tarfs !== undefined && has(parent.labels, "tarfs")
    ? { ...as("V3", remote(parent.id)), first: "merge-tarfs" }
    : { ...as("V4", native), first: "nothing" }
}

/** Why it is mounted that way, with the row. */
export const explain = ({ row }: MountDecision): string => `${row}: ${rows[row]}.`
