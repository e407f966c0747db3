/**
 * Answers: in which order can snapshots go that lie on one another, when some of them have to stay? Leaves first, in one
 * walk; everything below one that stays, stays. Source: spec 07 §3; facts containerd §9.
 */

/** A snapshot and what it lies on. */
export interface Node {
  readonly key: string
  /** Key of the snapshot that it lies on; a key that is not there counts as none. */
  readonly parent: string | undefined
}

/** Why a snapshot stays that has no reason of its own. */
export type Below =
  /** Another one that stays lies on it. */
  | { readonly _tag: "HasBlockedChild"; readonly child: string }
  /** The listing says that it lies on itself, directly or through others. */
  | { readonly _tag: "Cycle" }

/** What goes and what stays. */
export interface Walk<Reason> {
  /** Keys that can go, children before parents. */
  readonly order: ReadonlyArray<string>
  /** All others with their reasons, in the order in which they were given. */
  readonly stays: ReadonlyArray<{ readonly key: string; readonly because: Reason | Below }>
}

/**
 * Takes away leaf after leaf, each chain from its leaf as far down as it is free; what is never free of children stays.
 * `itself` says why a node stays for a reason of its own, which says more than what lies on it. Of several nodes with
 * one key the first counts. Takes time and space in proportion to the number of nodes; keys are looked up twice for
 * each, and places serve for everything else (`npm run bench -- snapshots`).
 */
export const leavesFirst = <N extends Node, Reason>(
  nodes: ReadonlyArray<N>,
  itself: (node: N) => Reason | undefined,
): Walk<Reason> => {
  const places = new Map<string, number>()
  nodes.forEach(({ key }, at) => {
    if (!places.has(key)) places.set(key, at)
  })
  /** Place of the parent, -1 for none. */
  const parents = new Int32Array(nodes.length).fill(-1)
  const children = new Int32Array(nodes.length)
  for (const at of places.values()) {
    const { parent } = nodes[at]!
    const below = parent === undefined ? undefined : places.get(parent)
    if (below === undefined) continue
    parents[at] = below
    children[below]!++
  }
  const leaves = [...places.values()].filter((at) => children[at] === 0)
  const reasons: Array<Reason | Below | undefined> = nodes.map(() => undefined)
  const walked = new Uint8Array(nodes.length)
  const order: Array<string> = []
  for (const leaf of leaves) {
    for (let at = leaf; at >= 0;) {
      const { key } = nodes[at]!
      const why = reasons[at] ?? itself(nodes[at]!)
      walked[at] = 1
      reasons[at] = why
      if (why === undefined) order.push(key)
      const below = parents[at]!
      if (below < 0) break
      if (why !== undefined)
        reasons[below] ??= itself(nodes[below]!) ?? { _tag: "HasBlockedChild", child: key }
      // Whoever takes the last child away goes on with the parent.
      children[below]!--
      at = children[below] === 0 ? below : -1
    }
  }
  const stays: Array<{ readonly key: string; readonly because: Reason | Below }> = []
  for (const [key, at] of places) {
    // What was never free lies on itself, or below something that does.
    const because = walked[at] === 1 ? reasons[at] : ({ _tag: "Cycle" } as const)
    if (because !== undefined) stays.push({ key, because })
  }
  return { order, stays }
}
