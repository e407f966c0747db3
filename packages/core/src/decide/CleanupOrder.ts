/**
 * Answers: in which order does a cleanup work, and what does it leave out? Marks are demoted before the host is
 * touched, snapshotters go while containerd still knows them, configuration goes before artifacts, and behind the
 * restart there is only waiting, because on k3s and RKE2 it ends this process. Whether it may remove anything at all is
 * asked before (`InUse`), and marks are given up only when nothing failed, which nobody knows beforehand.
 * Source: decisions §1; spec 09 §7; 12 W-09.
 */
import type { RuntimeRow } from "../model/Distribution.ts"
import type { CleanupVerdict } from "./CleanupPolicy.ts"

/** A piece of a cleanup; each is one stage or a part of one. */
export type CleanupPart =
  /** Our mark, and the shared label unless another install serves, say `false`. */
  | "demote"
  /** The node is locked against other installs until the end. */
  | "lock"
  /** Their snapshots, where those are to be purged; then they stop, and their units go. */
  | "snapshotters"
  | "configuration"
  /** What snapshotters stored, where it is to be purged: nothing that is left refers to it. */
  | "data"
  | "artifacts"
  /** Our mark goes, the shared label follows the marks of the others; only when nothing before failed. */
  | "release"
  | "restart"
  | "wait-ready"

/** What the order depends on. */
export interface OrderFacts {
  readonly verdict: CleanupVerdict
  readonly row: Pick<RuntimeRow, "restart">
  /** Names of the snapshotters that go. */
  readonly snapshotters: ReadonlyArray<string>
  /** Directories of snapshotters that were asked to be purged. */
  readonly data: ReadonlyArray<string>
  /** What becomes of the restart where other instances share the node (`--restart-beside-others`). */
  readonly restartBesideOthers: "now" | "defer"
}

/** Puts the parts of a cleanup into their order. */
export const decide = (facts: OrderFacts): ReadonlyArray<CleanupPart> => {
  const { row, verdict } = facts
  if (verdict.scope === "skip") return []
  const deferred = verdict.scope === "instance" && facts.restartBesideOthers === "defer"
  const parts: ReadonlyArray<CleanupPart | undefined> = [
    "demote",
    "lock",
    facts.snapshotters.length > 0 ? "snapshotters" : undefined,
    "configuration",
    facts.data.length > 0 ? "data" : undefined,
    "artifacts",
    "release",
    row.restart === "restart" && !deferred ? "restart" : undefined,
    deferred ? undefined : "wait-ready",
  ]
  return parts.filter((part) => part !== undefined)
}
