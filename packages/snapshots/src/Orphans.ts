/**
 * Answers: which directories below `snapshots/` belong to no snapshot any more, and how are they taken away? What could
 * not be listed makes no directory an orphan. Source: facts nydus §9.
 */
import { Fact } from "@kata-deploy/core"

/** What is known of a snapshotter's root. */
export interface RootFacts {
  /** Directories that its metadata name. */
  readonly ids: Fact.Fact<ReadonlyArray<string>>
  /** Entries of `snapshots/`. */
  readonly entries: Fact.Fact<ReadonlyArray<string>>
  /** Directories that images with mapped ids are served from. */
  readonly liveInstances: Fact.Fact<ReadonlyArray<string>>
}

const rows = {
  O1: "a snapshot of the metadata has it",
  O2: "an image with mapped ids is served from it",
  O3: "it was left behind while a snapshot was being made",
  O4: "no snapshot has it",
} as const

/** Why a directory stays or goes. */
export type Row = keyof typeof rows

/** A directory of `snapshots/` with what is decided about it: the rows O3 and O4 are orphans. */
export interface Entry {
  readonly name: string
  readonly row: Row
}

const temporary = "new-"

/** Judges every entry; unknown where anything that it depends on is. */
export const judge = ({ entries, ids, liveInstances }: RootFacts): Fact.Fact<ReadonlyArray<Entry>> => {
  if (entries._tag === "Unknown") return entries
  if (ids._tag === "Unknown") return ids
  if (liveInstances._tag === "Unknown") return liveInstances
  const named = new Set(ids.value)
  const live = new Set(liveInstances.value)
  const rowOf = (name: string): Row =>
    named.has(name) ? "O1" : live.has(name) ? "O2" : name.startsWith(temporary) ? "O3" : "O4"
  return Fact.known(entries.value.map((name) => ({ name, row: rowOf(name) })))
}

/** The directories to take away, in the order of the listing. */
export const plan = (facts: RootFacts): Fact.Fact<ReadonlyArray<string>> => {
  const judged = judge(facts)
  return judged._tag === "Unknown"
    ? judged
    : Fact.known(judged.value.filter(({ row }) => row === "O3" || row === "O4").map(({ name }) => name))
}

/**
 * How one of them goes. Each step only when the one before succeeded: what is still mounted must not be deleted, since
 * that would delete what is mounted there.
 */
export const steps = (layers: "tarfs" | "other"): ReadonlyArray<"unmount" | "detach" | "delete"> =>
  layers === "tarfs" ? ["unmount", "detach", "delete"] : ["unmount", "delete"]

/** Why it stays or goes, with the row. */
export const explain = ({ row }: Pick<Entry, "row">): string => `${row}: ${rows[row]}.`
