/**
 * Answers: which snapshot records has containerd, also those that it does not list? Its listing leaves out records
 * whose snapshot the backend has lost; the labels of the images' configurations still name them, and the layers below
 * follow from the diff ids. Source: facts containerd §9–§10; OCI image-spec 1.1, "Layer ChainID".
 */
import { sha256 } from "@noble/hashes/sha2.js"
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js"
import { Result, Schema } from "effect"
import { type Fact, known, unknown, valueOf } from "../input/Fact.ts"
import type { ContainerRecord, ContentRecord, ImageRecord } from "../ports/Containerd.ts"
import type { Snapshot } from "./SnapshotRemoval.ts"

/** A snapshot as containerd lists it, with the labels of both sides where they were looked at. */
export type Listed = Snapshot & { readonly labels?: ReadonlyMap<string, string> }

/**
 * Set by nydus-snapshotter 0.15.15 on what it puts in the place of a parent that it lost, when a container is made on it:
 * an empty snapshot, without the layer's labels and without those below (`createPlaceholderSnapshot`; measured). With
 * such a one on top the next pull fails all the same.
 */
export const placeholderLabel = "nydus.recovered"

/**
 * What is known of one namespace and one snapshotter. Content, images and containers are to be looked at before the
 * snapshots: an image that is pulled in between is then overlooked, and never taken for one that lost its snapshots.
 */
export interface RecordFacts {
  readonly namespace: string
  /** As containerd lists them: without those that the backend has lost. */
  readonly listed: Fact<ReadonlyArray<Listed>>
  readonly contents: Fact<ReadonlyArray<Pick<ContentRecord, "digest" | "labels">>>
  readonly images: Fact<ReadonlyArray<ImageRecord>>
  readonly containers: Fact<ReadonlyArray<ContainerRecord>>
  /** Texts of the blobs that `configsToRead` names, by digest; `undefined` where there is none. */
  readonly configs: ReadonlyMap<string, Fact<string | undefined>>
  /** Keys in the snapshotter's own store, without namespace and number, where somebody could look. */
  readonly backend: Fact<ReadonlySet<string>>
}

const snapshotLabel = "containerd.io/gc.ref.snapshot."
const contentLabel = "containerd.io/gc.ref.content"

/** Whether a label's key names snapshots of a snapshotter: its name, maybe with more behind a slash. */
const names = (key: string, snapshotter: string): boolean =>
  key === `${snapshotLabel}${snapshotter}` || key.startsWith(`${snapshotLabel}${snapshotter}/`)

/** A blob that keeps a snapshot, mostly the configuration of an image that was unpacked. */
export interface Keeper {
  /** Digest of the blob. */
  readonly digest: string
  /** Key of the label. */
  readonly label: string
  /** Key of the snapshot: the chain id of the topmost layer. */
  readonly top: string
}

/** A keeper with the layers that it leads to. */
export interface Lead extends Keeper {
  /** Keys of the whole chain, the lowest first; `undefined` where only its top is known. */
  readonly chain: ReadonlyArray<string> | undefined
}

/** Every label that keeps a snapshot of the snapshotter. */
export const keepers = (
  contents: ReadonlyArray<Pick<ContentRecord, "digest" | "labels">>,
  snapshotter: string,
): ReadonlyArray<Keeper> =>
  contents.flatMap(({ digest, labels }) =>
    [...labels].filter(([key]) => names(key, snapshotter)).map(([label, top]) => ({ digest, label, top })),
  )

/** Digests of the blobs whose text says which layers lie below; to be read before `find`. */
export const configsToRead = (
  contents: RecordFacts["contents"],
  snapshotter: string,
): ReadonlyArray<string> => [
  ...new Set(keepers(valueOf(contents) ?? [], snapshotter).map(({ digest }) => digest)),
]

/** Chain ids of layers, the lowest first: each is the digest of the one below and its own diff id. */
export const chainIds = (diffIds: ReadonlyArray<string>): ReadonlyArray<string> => {
  const chain: Array<string> = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(
      below === undefined ? diffId : `sha256:${bytesToHex(sha256(utf8ToBytes(`${below} ${diffId}`)))}`,
    )
  }
  return chain
}

const Config = Schema.fromJsonString(
  Schema.Struct({ rootfs: Schema.Struct({ diff_ids: Schema.Array(Schema.String) }) }),
)

const decodeConfig = Schema.decodeUnknownResult(Config, { onExcessProperty: "ignore" })

/** The chain of a keeper, the lowest first; fails with a clause where only its top is known. */
const chainOf = (
  { digest, top }: Keeper,
  configs: RecordFacts["configs"],
): Result.Result<ReadonlyArray<string>, string> => {
  const text = configs.get(digest) ?? unknown("not-asked", "it was not read")
  if (text._tag === "Unknown") return Result.fail(`${digest} could not be read (${text.why})`)
  if (text.value === undefined) return Result.fail(`${digest} is gone`)
  const decoded = decodeConfig(text.value)
  if (Result.isFailure(decoded)) return Result.fail(`${digest} is not the configuration of an image`)
  const chain = chainIds(decoded.success.rootfs.diff_ids)
  return chain.at(-1) === top
    ? Result.succeed(chain)
    : Result.fail(`the layers of ${digest} do not lead to ${top}`)
}

/** Names of the images that a blob belongs to, by the labels that lead from an image to its blobs. */
export const imagesOf = (
  images: ReadonlyArray<ImageRecord>,
  contents: ReadonlyArray<Pick<ContentRecord, "digest" | "labels">>,
): ReadonlyMap<string, ReadonlyArray<string>> => {
  const refers = new Map(
    contents.map(({ digest, labels }) => [
      digest,
      [...labels].flatMap(([key, value]) =>
        key === contentLabel || key.startsWith(`${contentLabel}.`) ? [value] : [],
      ),
    ]),
  )
  const found = new Map<string, Array<string>>()
  for (const { name, target } of images) {
    const seen = new Set([target])
    // The set grows while it is walked.
    for (const digest of seen) for (const next of refers.get(digest) ?? []) seen.add(next)
    for (const digest of seen) found.set(digest, [...(found.get(digest) ?? []), name])
  }
  return found
}

/** A record that containerd has, or may have. */
export interface FoundRecord {
  readonly key: string
  readonly parent: string | undefined
  /**
   * `present`: containerd and the backend have it. `stale`: containerd may have it, and the backend does not or has a
   * placeholder.
   * `unsure`: nobody could say whether the backend has it.
   */
  readonly state: "present" | "stale" | "unsure"
  /** Containers that use it; only containers that exist count, running or not. */
  readonly users: ReadonlyArray<string>
}

/** What was found in a namespace. */
export interface FoundRecords {
  readonly records: ReadonlyArray<FoundRecord>
  readonly leads: ReadonlyArray<Lead>
  /** What could not be seen, as clauses: there may be more records. */
  readonly doubts: ReadonlyArray<string>
}

/** Finds all records of a snapshotter; unknown where records may be in use and that cannot be seen. */
export const find = (facts: RecordFacts, snapshotter: string): Fact<FoundRecords> => {
  const { containers, contents, listed } = facts
  if (contents._tag === "Unknown") return unknown(contents.how, `content cannot be listed (${contents.why})`)
  if (containers._tag === "Unknown")
    return unknown(containers.how, `containers cannot be listed (${containers.why})`)
  const doubts: Array<string> = []
  const present = new Map(valueOf(listed)?.map(({ key, labels }) => [key, labels]))
  const parents = new Map<string, string | undefined>()
  for (const { key, parent } of valueOf(listed) ?? []) parents.set(key, parent)
  const leads: Array<Lead> = []
  for (const keeper of keepers(contents.value, snapshotter)) {
    const chain = chainOf(keeper, facts.configs)
    if (Result.isFailure(chain)) doubts.push(chain.failure)
    leads.push({ ...keeper, chain: Result.isSuccess(chain) ? chain.success : undefined })
    const keys = Result.isSuccess(chain) ? chain.success : [keeper.top]
    keys.forEach((key, at) => {
      if (parents.get(key) === undefined) parents.set(key, keys[at - 1])
    })
  }
  const ours = containers.value.filter((one) => one.snapshotter === snapshotter && one.snapshotKey !== "")
  const tops = topsByImage(facts, leads)
  for (const { id, image, snapshotKey } of ours) {
    if (parents.has(snapshotKey)) continue
    const top = tops.get(image)
    if (top === undefined) doubts.push(`it cannot be told on which layers the container ${id} lies`)
    parents.set(snapshotKey, top)
  }
  const users = Map.groupBy(ours, ({ snapshotKey }) => snapshotKey)
  const records = [...parents].flatMap(([key, parent]): ReadonlyArray<FoundRecord> => {
    const state = stateOf(facts, key, present)
    return state === "absent"
      ? []
      : [{ key, parent, state, users: (users.get(key) ?? []).map(({ id }) => id) }]
  })
  return known({ records, leads, doubts })
}

/** The snapshot that containers of an image lie on, by the image's name. */
const topsByImage = (
  { contents, images }: RecordFacts,
  all: ReadonlyArray<Keeper>,
): ReadonlyMap<string, string> => {
  const byDigest = imagesOf(valueOf(images) ?? [], valueOf(contents) ?? [])
  return new Map(all.flatMap(({ digest, top }) => (byDigest.get(digest) ?? []).map((name) => [name, top])))
}

/** What is known of a key's record: containerd's listing is what both have. */
const stateOf = (
  { backend, listed }: RecordFacts,
  key: string,
  present: ReadonlyMap<string, Listed["labels"]>,
): FoundRecord["state"] | "absent" => {
  if (present.has(key)) return present.get(key)?.has(placeholderLabel) === true ? "stale" : "present"
  if (backend._tag === "Known" && !backend.value.has(key)) return "stale"
  // The backend has it and containerd does not list it: containerd has no record of it.
  if (backend._tag === "Known") return listed._tag === "Known" ? "absent" : "present"
  return listed._tag === "Known" ? "stale" : "unsure"
}
