/**
 * Answers: in which order does a cleanup work, and what does it leave out? Marks are demoted before the host is
 * touched, configuration goes before artifacts, and behind the restart there is only waiting, because on k3s and RKE2
 * it ends this process. Source: decisions §1, §2; spec 09 §7; 12 W-09.
 */
import type { Fact } from "../input/Fact.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import type { CleanupVerdict } from "./CleanupPolicy.ts"

/** A piece of a cleanup; each is one stage or one step of it. */
export type CleanupPart =
  /** Our mark, and the shared label unless another install serves, say `false`. */
  | "demote"
  /** The node is locked against other installs until the end. */
  | "lock"
  | "snapshotters"
  | "configuration"
  | "artifacts"
  /** Our mark goes, the shared label follows the marks of the others; only when nothing before failed. */
  | "release"
  | "restart"
  | "wait-ready"

/** What the order depends on. */
export interface OrderFacts {
  readonly verdict: CleanupVerdict
  readonly row: Pick<RuntimeRow, "layout" | "restart">
  /** Names of the snapshotters that are set up; CRI-O has none. */
  readonly snapshotters: ReadonlyArray<string>
  /** Names of running sandboxes of this instance's tree. */
  readonly sandboxes: Fact<ReadonlyArray<string>>
  readonly whenInUse: "refuse" | "force"
  /** What becomes of the restart where other instances share the node (`--restart-beside-others`). */
  readonly restartBesideOthers: "now" | "defer"
  /** Whether a part before failed, which keeps the marks for a later uninstall. */
  readonly failures: ReadonlyArray<CleanupPart>
}

/** The parts in order, and what keeps the rest from being done. */
export interface CleanupOrder {
  readonly parts: ReadonlyArray<CleanupPart>
  /** Sandboxes that were seen, because of which nothing but the demotion is done (exit status 5). */
  readonly heldBy: ReadonlyArray<string>
  /** Why use could not be checked; the cleanup goes on and says so (decisions §2). */
  readonly useUnchecked: string | undefined
}

/** Puts the parts of a cleanup into their order. */
export const decide = (facts: OrderFacts): CleanupOrder => {
  const { row, sandboxes, verdict } = facts
  const useUnchecked = sandboxes._tag === "Unknown" ? sandboxes.why : undefined
  if (verdict.scope === "skip") return { parts: [], heldBy: [], useUnchecked: undefined }
  const seen = sandboxes._tag === "Known" ? sandboxes.value : []
  if (seen.length > 0 && facts.whenInUse === "refuse")
    return { parts: ["demote"], heldBy: seen, useUnchecked: undefined }
  const deferred = verdict.scope === "instance" && facts.restartBesideOthers === "defer"
  const clean = facts.failures.length === 0
  const parts: ReadonlyArray<CleanupPart | undefined> = [
    "demote",
    "lock",
    row.layout !== "crio" && facts.snapshotters.length > 0 ? "snapshotters" : undefined,
    "configuration",
    "artifacts",
    clean ? "release" : undefined,
    row.restart === "restart" && !deferred ? "restart" : undefined,
    deferred ? undefined : "wait-ready",
  ]
  return { parts: parts.filter((part) => part !== undefined), heldBy: [], useUnchecked }
}
