/**
 * Removes snapshots from one namespace of containerd, as planned: labels first, then keys in their order. Safe to be cut
 * off anywhere: what is left is a chain that lacks its top.
 */
import { Effect, Result } from "effect"
import type * as SnapshotRecords from "../decide/SnapshotRecords.ts"
import * as SnapshotRemoval from "../decide/SnapshotRemoval.ts"
import { Containerd } from "../ports/Containerd.ts"
import { describe, type HostError } from "../ports/HostError.ts"
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
  /** Asked before each removal, since all of them may take minutes; where it fails, nothing more is removed. */
  readonly keepLock: Effect.Effect<void, HostError>
}

/** What became of it. */
export interface CarriedOut {
  readonly figures: Figures
  /** Why it ended before its time; `undefined` where all was tried. */
  readonly stopped: HostError | undefined
}

type Answers = Map<string, SnapshotRemoval.Answer>

/** Removes keys in their order; what lies below one that could not be removed is not tried. */
const removeAll = Effect.fnUntraced(function* (
  { keepLock, namespace, parents, snapshotter }: Planned,
  order: ReadonlyArray<string>,
  answers: Answers,
): Effect.fn.Return<void, HostError, Containerd> {
  const containerd = yield* Containerd
  const stuck = new Set<string>()
  for (const key of order) {
    answers.delete(key)
    if (stuck.has(key)) continue
    yield* keepLock
    const answer = yield* Effect.match(containerd.removeSnapshot(namespace, snapshotter, key), {
      onFailure: ({ reason }): SnapshotRemoval.Answer => ({ _tag: "Failed", why: describe(reason) }),
      onSuccess: (removed): SnapshotRemoval.Answer => ({ _tag: removed === "removed" ? "Removed" : "Gone" }),
    })
    answers.set(key, answer)
    if (answer._tag !== "Failed") continue
    for (let at = parents.get(key); at !== undefined && !stuck.has(at); at = parents.get(at)) stuck.add(at)
  }
})

/** Takes labels off; else the next pull would look for what they name. */
const unlabel = Effect.fnUntraced(function* (
  { keepLock, namespace, unlabel: labels }: Planned,
  count: (updated: number) => void,
): Effect.fn.Return<void, HostError, Containerd> {
  const containerd = yield* Containerd
  for (const { digest, label } of labels) {
    yield* keepLock
    const updated = yield* Effect.result(
      containerd.updateContentLabels(namespace, digest, new Map([[label, undefined]])),
    )
    if (updated._tag === "Success" && updated.success === "updated") count(1)
  }
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
): Effect.fn.Return<CarriedOut, never, Containerd> {
  let unlabelled = 0
  const answers: Answers = new Map()
  const work = Effect.gen(function* () {
    yield* unlabel(planned, (updated) => void (unlabelled += updated))
    yield* removeAll(planned, planned.order, answers)
    for (let attempt = 0; attempt < patience; attempt++) {
      const open = planned.order.filter((key) => (answers.get(key) ?? notTried)._tag === "Failed")
      if (open.length === 0) break
      yield* Effect.sleep("1 second")
      yield* removeAll(planned, open, answers)
    }
  })
  const ended = yield* Effect.result(work)
  const { failed, gone, leftOut, removed } = SnapshotRemoval.figures(planned, answers)
  return {
    figures: { removed, gone, failed: [...failed], leftOut: [...leftOut], unlabelled },
    stopped: Result.isFailure(ended) ? ended.failure : undefined,
  }
})
