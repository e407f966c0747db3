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
  /** Reasons of all others, by key. */
  readonly stays: ReadonlyMap<string, Reason | Below>
}

/**
 * Takes away leaf after leaf; what is never free of children stays. `itself` says why a node stays for a reason of its
 * own, which says more than what lies on it. Takes time and space in proportion to the number of nodes.
 */
export const leavesFirst = <N extends Node, Reason>(
  nodes: ReadonlyMap<string, N>,
  itself: (node: N) => Reason | undefined,
): Walk<Reason> => {
  const children = new Map<string, number>()
  for (const { parent } of nodes.values())
    if (parent !== undefined && nodes.has(parent)) children.set(parent, (children.get(parent) ?? 0) + 1)
  const stays = new Map<string, Reason | Below>()
  const order: Array<string> = []
  const done = new Set<string>()
  const free = [...nodes.keys()].filter((key) => !children.has(key))
  // The array grows while it is walked: a parent comes in behind its last child.
  for (const key of free) {
    const node = nodes.get(key)!
    const why = stays.get(key) ?? itself(node)
    done.add(key)
    if (why === undefined) order.push(key)
    else stays.set(key, why)
    const { parent } = node
    if (parent === undefined || !nodes.has(parent)) continue
    if (why !== undefined && !stays.has(parent))
      stays.set(parent, itself(nodes.get(parent)!) ?? { _tag: "HasBlockedChild", child: key })
    const left = children.get(parent)! - 1
    children.set(parent, left)
    if (left === 0) free.push(parent)
  }
  for (const key of nodes.keys()) if (!done.has(key)) stays.set(key, { _tag: "Cycle" })
  return { order, stays }
}
