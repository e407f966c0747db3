/**
 * Answers: which startup taints come off once the labels hold? Best effort: a taint that stays keeps pods away, which
 * is the safe side. Source: spec 08 §6.
 */
import type { Notice } from "../input/Problem.ts"
import { type PatchOperation, precondition } from "./LabelPatch.ts"

/** What is looked at in a taint; everything else in it is kept as it is. */
export interface Taint {
  readonly key: string
  readonly effect: string
}

/** Taints by what becomes of them. */
export interface Partition<A extends Taint> {
  /** What stays, verbatim and in order. */
  readonly retained: ReadonlyArray<A>
  /** For each removed taint the matcher that hit it. */
  readonly removed: ReadonlyArray<string>
}

/** How often the taints are tried before contention is reported (spec 08 §6). */
export const attempts = 3

const matches = (matcher: string, taint: Taint): boolean => {
  const cut = matcher.indexOf(":")
  return cut < 0
    ? taint.key === matcher
    : taint.key === matcher.slice(0, cut) && taint.effect === matcher.slice(cut + 1)
}

/** Splits taints by matchers `key` (any effect) and `key:effect`; blank matchers match nothing. */
export const partition = <A extends Taint>(
  taints: ReadonlyArray<A>,
  matchers: ReadonlyArray<string>,
): Partition<A> => {
  const wanted = matchers.map((matcher) => matcher.trim()).filter((matcher) => matcher !== "")
  const retained: Array<A> = []
  const removed: Array<string> = []
  for (const taint of taints) {
    const hit = wanted.find((matcher) => matches(matcher, taint))
    if (hit === undefined) retained.push(taint)
    else removed.push(hit)
  }
  return { retained, removed }
}

/** The patch that leaves only the retained taints; the server takes the list as a whole. */
export const patch = (
  resourceVersion: string,
  retained: ReadonlyArray<Taint>,
): ReadonlyArray<PatchOperation> => [
  precondition(resourceVersion),
  { op: "replace", path: "/spec/taints", value: retained },
]

/** The patch for a Node, or `undefined` when no taint of it is to be removed. */
export const decide = (
  node: { readonly resourceVersion: string; readonly taints: ReadonlyArray<Taint> },
  matchers: ReadonlyArray<string>,
): ReadonlyArray<PatchOperation> | undefined => {
  const { removed, retained } = partition(node.taints, matchers)
  return removed.length === 0 ? undefined : patch(node.resourceVersion, retained)
}

/** What is told when the taints could not be removed; the install goes on. */
export const notRemoved = (why: string): Notice => ({
  code: "startup-taints-not-removed",
  severity: "warning",
  message: `The startup taints stay on the Node. ${why}`,
  remedy: "Remove them with kubectl taint node, or run the install again.",
})
