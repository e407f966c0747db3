/**
 * Removes snapshots from one namespace of containerd, as planned: labels first, then keys in their order. Safe to be cut
 * off anywhere: what is left is a chain that lacks its top.
 */
import { Effect } from "effect"
import type * as SnapshotRecords from "../decide/SnapshotRecords.ts"
import * as SnapshotRemoval from "../decide/SnapshotRemoval.ts"
import { Containerd } from "../ports/Containerd.ts"
import { describe } from "../ports/HostError.ts"
import type { Figures } from "./SnapshotsReport.ts"

/** What goes from one namespace. */
export interface Planned {
  /** Its name in containerd. */
  readonly snapshotter: string
  readonly namespace: string
  /** Keys, children before parents. */
  readonly order: ReadonlyArray<string>
  readonly unlabel: ReadonlyArray<SnapshotRecords.Keeper>
  /** Parents by key, as far as they are known; they spare futile attempts. */
  readonly parents: ReadonlyMap<string, string | undefined>
}

/** Removes keys in their order; what lies below one that could not be removed is not tried. */
const removeAll = Effect.fnUntraced(function* (
  { namespace, snapshotter }: { readonly namespace: string; readonly snapshotter: string },
  order: ReadonlyArray<string>,
  parents: ReadonlyMap<string, string | undefined>,
) {
  const containerd = yield* Containerd
  const answers = new Map<string, SnapshotRemoval.Answer>()
  const stuck = new Set<string>()
  for (const key of order) {
    if (stuck.has(key)) continue
    const answer = yield* Effect.match(containerd.removeSnapshot(namespace, snapshotter, key), {
      onFailure: ({ reason }): SnapshotRemoval.Answer => ({ _tag: "Failed", why: describe(reason) }),
      onSuccess: (removed): SnapshotRemoval.Answer => ({ _tag: removed === "removed" ? "Removed" : "Gone" }),
    })
    answers.set(key, answer)
    if (answer._tag !== "Failed") continue
    for (let at = parents.get(key); at !== undefined && !stuck.has(at); at = parents.get(at)) stuck.add(at)
  }
  return answers
})

/** Takes labels off; else the next pull would look for what they name. */
const unlabel = Effect.fnUntraced(function* (
  namespace: string,
  labels: ReadonlyArray<SnapshotRecords.Keeper>,
) {
  const containerd = yield* Containerd
  const updated = yield* Effect.forEach(labels, ({ digest, label }) =>
    Effect.result(containerd.updateContentLabels(namespace, digest, new Map([[label, undefined]]))),
  )
  return updated.filter((each) => each._tag === "Success" && each.success === "updated").length
})

/** How often what could not be removed is tried again, a second apart: the garbage collector works meanwhile. */
const patience = 5

/** Counts as failed when it comes to trying again. */
const notTried: SnapshotRemoval.Answer = { _tag: "Failed", why: "it was not tried" }

/**
 * Carries a plan out. Labels go first: the garbage collector, which every removal wakes, then takes whole chains. With
 * the labels still there it would take a part of one and leave, in a parent that another image keeps, the note of a
 * child that is gone, because of which containerd refuses to remove that parent (seen on 2.1.9).
 */
export const carryOut = Effect.fn("SnapshotsCarryOut.carryOut")(function* (
  planned: Planned,
): Effect.fn.Return<Figures, never, Containerd> {
  const unlabelled = yield* unlabel(planned.namespace, planned.unlabel)
  const { parents } = planned
  let answers: ReadonlyMap<string, SnapshotRemoval.Answer> = yield* removeAll(planned, planned.order, parents)
  for (let attempt = 0; attempt < patience; attempt++) {
    const open = planned.order.filter((key) => (answers.get(key) ?? notTried)._tag === "Failed")
    if (open.length === 0) break
    yield* Effect.sleep("1 second")
    const again = yield* removeAll(planned, open, parents)
    const kept = [...answers].filter(([key]) => !open.includes(key))
    answers = new Map([...kept, ...again])
  }
  const { failed, gone, leftOut, removed } = SnapshotRemoval.figures(planned, answers)
  return { removed, gone, failed: [...failed], leftOut: [...leftOut], unlabelled }
})
