/**
 * Answers: what does nydus-snapshotter do when an image's layer is about to be unpacked? Table A1: the first row that
 * holds decides. To skip a layer is to commit it at once, so that containerd neither fetches nor unpacks it.
 * Source: facts nydus §2.
 */
import { has, type Labels, one, valueOf } from "./Labels.ts"
import type { Lookup, NydusConfig } from "./NydusConfig.ts"
import { type Export, modes } from "./TarfsExport.ts"

const rows = {
  "A1.1": "the guest pulls images, so the layer is not fetched here",
  "A1.2": "the guest is to pull the image, but containerd does not say which one it is",
  "A1.3": "the metadata of an image in nydus' format has to be unpacked",
  "A1.4": "the data of an image in nydus' format are fetched when they are read",
  "A1.5": "the index of the image names a nydus image, which is used in its place",
  "A1.6": "a nydus image refers to this one and is used in its place",
  "A1.7": "the layer is in eStargz' format and is fetched when it is read",
  "A1.7b":
    "the table of contents of the eStargz layer could not be had, so it is looked at as any other layer",
  "A1.8": "the layer was made into a tarfs",
  "A1.8b": "no tarfs is made of the layer, so containerd unpacks it",
  "A1.8c": "the tarfs of the layer could not be made into what the guest needs",
  "A1.9": "nothing speaks for anything else, so containerd unpacks the layer",
} as const

/** A row of table A1. */
export type Row = keyof typeof rows

/** Why no tarfs is made of a layer. */
export type TarfsRefusal = "no-image-ref" | "bad-digest" | "no-hint"

/** What was found out about the layer outside of its labels; asked only where the configuration wants it. */
export interface LayerFacts {
  readonly labels: Labels
  readonly indexAlternative: Lookup
  readonly referrer: Lookup
  readonly stargz: "no-stargz" | "prepared" | "failed"
  /** What the conversion came to; `exported` is what was decided for the layer's disk, and how it went. */
  readonly tarfs:
    | { readonly _tag: "Refused"; readonly because: TarfsRefusal }
    | {
        readonly _tag: "Converted"
        /** Digest of the layer, without `sha256:`. */
        readonly blob: string
        readonly exported: Export
        /** Text of the label where something was exported; `undefined` where that failed. */
        readonly info: string | undefined
      }
}

/** What happens to the layer. */
export type Outcome =
  | { readonly _tag: "Skip"; readonly labels: Labels }
  | { readonly _tag: "Default" }
  | { readonly _tag: "Error" }

/** A decision of table A1. */
export interface LayerDecision {
  readonly row: Row
  readonly outcome: Outcome
  /** Rows that could not be answered, and counted as not holding. */
  readonly doubts: ReadonlyArray<Row>
}

const none: Outcome = { _tag: "Default" }
const error: Outcome = { _tag: "Error" }
const skip = (labels: Labels = {}): Outcome => ({ _tag: "Skip", labels })

/** Labels that an export leaves, or `undefined` where it failed. */
const exportLabels = (exported: Export, info: string | undefined): Labels | undefined => {
  switch (exported._tag) {
    case "Nothing":
      return {}
    case "Export":
      return info === undefined ? undefined : one(exported.label, exported.verity ? info : "")
    case "Reuse":
    case "Mark":
      return exported.labels
    case "Refuse":
      return undefined
  }
}

const tarfs = (config: NydusConfig, facts: LayerFacts): readonly [Row, Outcome] => {
  if (config.tarfs === undefined) return ["A1.9", none]
  if (facts.tarfs._tag === "Refused") return ["A1.8b", none]
  const exports = modes[config.tarfs.exportMode].whole === "layer"
  const labels = exports ? exportLabels(facts.tarfs.exported, facts.tarfs.info) : {}
  return labels === undefined
    ? ["A1.8c", error]
    : ["A1.8", skip({ ...one("tarfs", facts.tarfs.blob), ...labels })]
}

/** Decides on a layer; asks of the facts only what the configuration makes it ask. */
export const decide = (config: NydusConfig, facts: LayerFacts): LayerDecision => {
  const doubts: Array<Row> = []
  const found = (enabled: boolean, lookup: Lookup, row: Row): boolean => {
    if (enabled && lookup === "failed") doubts.push(row)
    return enabled && lookup === "found"
  }
  const at = (row: Row, outcome: Outcome): LayerDecision => ({ row, outcome, doubts })
  const { labels } = facts
  if (config.driver === "proxy") {
    return (valueOf(labels, "layerDigest") ?? "") === ""
      ? at("A1.2", error)
      : at("A1.1", skip(one("proxyMode", "true")))
  }
  if (has(labels, "nydusMeta")) return at("A1.3", none)
  if (has(labels, "nydusData")) return at("A1.4", skip())
  if (found(config.indexDetection, facts.indexAlternative, "A1.5"))
    return at("A1.5", skip(one("indexAlternative", "true")))
  if (found(config.referrerDetection, facts.referrer, "A1.6")) return at("A1.6", skip())
  if (config.stargz && facts.stargz === "prepared") return at("A1.7", skip(one("stargz", "true")))
  if (config.stargz && facts.stargz === "failed") doubts.push("A1.7b")
  return at(...tarfs(config, facts))
}

/** Why it is decided that way, with the row and what could not be answered on the way to it. */
export const explain = ({ doubts, row }: LayerDecision): string =>
  [
    `${row}: ${rows[row]}.`,
    ...doubts.map((doubt) =>
      doubt === "A1.7b"
        ? `${doubt}: ${rows[doubt]}.`
        : `${doubt} could not be answered and counts as not holding.`,
    ),
  ].join(" ")
