/** Answers: what lies below a snapshot? Without a parent, unread, or read down to the base. */
import { has, type Key, type Labels } from "./Labels.ts"
import type { Lookup } from "./NydusConfig.ts"

/** A snapshot below another one. */
export interface Ancestor {
  /** Name of its directory. */
  readonly id: string
  readonly labels: Labels
  /** Whether a nydus image refers to its image; asked only with referrer detection. */
  readonly referrer: Lookup
}

/** What lies below a snapshot, the parent first. */
export type Lineage =
  | { readonly _tag: "Parentless" }
  | { readonly _tag: "Unread"; readonly why: string }
  | { readonly _tag: "Read"; readonly parent: Ancestor; readonly below: ReadonlyArray<Ancestor> }

/** Every ancestor that could be read, the parent first. */
export const all = (lineage: Lineage): ReadonlyArray<Ancestor> =>
  lineage._tag === "Read" ? [lineage.parent, ...lineage.below] : []

/** The parent, where it could be read. */
export const parent = (lineage: Lineage): Ancestor | undefined =>
  lineage._tag === "Read" ? lineage.parent : undefined

/** The topmost ancestor with a label. */
export const withLabel = (lineage: Lineage, key: Key): Ancestor | undefined =>
  all(lineage).find(({ labels }) => has(labels, key))

/** The topmost ancestor to which a nydus image refers. */
export const withReferrer = (lineage: Lineage): Ancestor | undefined =>
  all(lineage).find(({ referrer }) => referrer === "found")
