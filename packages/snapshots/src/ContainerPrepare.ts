/**
 * Answers: what does nydus-snapshotter give a container to write on? Table A2, by what lies below. The row of table C
 * comes first, and a parent whose image the guest pulls overrides it. Source: facts nydus §2.
 */
import { Result } from "effect"
import { fromLabels, labelsOf } from "./IdMapping.ts"
import { has, type Labels } from "./Labels.ts"
import * as Lineage from "./Lineage.ts"
import type { NydusConfig } from "./NydusConfig.ts"
import * as ProxyRescue from "./ProxyRescue.ts"

const rows = {
  "A2.1": "the image was unpacked by another snapshotter, and its layers are handed to the guest (table C)",
  "A2.2": "the guest pulls the image",
  "A2.3": "the image is in nydus' format",
  "A2.4": "the index names a nydus image, whose metadata are fetched first",
  "A2.5": "a nydus image refers to this one, and its metadata are fetched first",
  "A2.6": "the image is in eStargz' format, and the tables of contents of its layers are merged",
  "A2.7":
    "the layers were made into tarfs and are merged, and a disk of the image is made where that is wanted",
  "A2.8": "the layers are ordinary directories",
} as const

/** A row of table A2. */
export type Row = keyof typeof rows

/** How the container's mount is put together. */
export type Outcome =
  /** Table E. */
  | { readonly _tag: "Native" }
  /** The mount of table C. */
  | { readonly _tag: "Proxy" }
  | {
      readonly _tag: "Remote"
      /** Directory of the snapshot that table D goes by. */
      readonly id: string
      /** What has to be done before. */
      readonly first: "nothing" | "start" | "fetch-metadata" | "merge-stargz" | "merge-tarfs"
      /** Labels that are added to that snapshot. */
      readonly labels: Labels
    }
  | { readonly _tag: "Error"; readonly because: string }

/** A decision of table A2. */
export interface ContainerDecision {
  readonly row: Row
  readonly outcome: Outcome
  /** What could not be seen, as clauses; it counted as not being there, as nydus-snapshotter has it. */
  readonly doubts: ReadonlyArray<string>
}

type Found = readonly [row: Row, outcome: Outcome]

const remote = (
  id: string,
  first: Extract<Outcome, { _tag: "Remote" }>["first"],
  labels: Labels = {},
): Outcome => ({ _tag: "Remote", id, first, labels })

const nydusImage = (lineage: Lineage.Lineage, labels: Labels): Found | undefined => {
  const meta = Lineage.withLabel(lineage, "nydusMeta")
  if (meta === undefined) return undefined
  const mapping = fromLabels(labels)
  return [
    "A2.3",
    Result.isFailure(mapping)
      ? { _tag: "Error", because: mapping.failure }
      : remote(meta.id, "start", labelsOf(labels)),
  ]
}

const detected = (config: NydusConfig, lineage: Lineage.Lineage): Found | undefined => {
  const alternative = config.indexDetection ? Lineage.withLabel(lineage, "indexAlternative") : undefined
  if (alternative !== undefined) return ["A2.4", remote(alternative.id, "fetch-metadata")]
  const referred = config.referrerDetection ? Lineage.withReferrer(lineage) : undefined
  return referred === undefined ? undefined : ["A2.5", remote(referred.id, "fetch-metadata")]
}

const byParent = (config: NydusConfig, parent: Lineage.Ancestor | undefined): Found | undefined => {
  if (parent === undefined) return undefined
  if (config.stargz && has(parent.labels, "stargz")) return ["A2.6", remote(parent.id, "merge-stargz")]
  return config.tarfs !== undefined && has(parent.labels, "tarfs")
    ? ["A2.7", remote(parent.id, "merge-tarfs")]
    : undefined
}

const choose = (config: NydusConfig, labels: Labels, lineage: Lineage.Lineage): Found => {
  const parent = Lineage.parent(lineage)
  if (parent !== undefined && has(parent.labels, "proxyMode")) return ["A2.2", remote(parent.id, "nothing")]
  // An unread parent has no labels here, so under the driver proxy it is rescued.
  if (ProxyRescue.decide(config, parent?.labels ?? {}).rescued) return ["A2.1", { _tag: "Proxy" }]
  return (
    nydusImage(lineage, labels) ??
    detected(config, lineage) ??
    byParent(config, parent) ?? ["A2.8", { _tag: "Native" }]
  )
}

/** Decides on a container's writable snapshot with the given labels, on what lies below it. */
export const decide = (config: NydusConfig, labels: Labels, lineage: Lineage.Lineage): ContainerDecision => {
  const [row, outcome] = choose(config, labels, lineage)
  const doubts = [
    ...(lineage._tag === "Unread" ? [`the parent could not be read (${lineage.why})`] : []),
    ...(config.referrerDetection && Lineage.all(lineage).some(({ referrer }) => referrer === "failed")
      ? ["a referring image could not be looked for"]
      : []),
  ]
  return { row, outcome, doubts }
}

/** Why it is decided that way, with the row. */
export const explain = ({ doubts, outcome, row }: ContainerDecision): string =>
  [
    `${row}: ${rows[row]}.`,
    ...(outcome._tag === "Error" ? [`It fails, because ${outcome.because}.`] : []),
    ...doubts.map((doubt) => `Counted as absent: ${doubt}.`),
  ].join(" ")
