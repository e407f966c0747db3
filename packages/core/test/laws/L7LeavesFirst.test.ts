import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Fact, SnapshotRemoval } from "../../src/index.ts"

/** Snapshots that lie on one another in any way that containerd can list them, and some that it cannot. */
const snapshots = fc
  .array(
    fc.record({
      /** Distance to the snapshot below, counted back in the array; 0 for none. */
      down: fc.nat({ max: 6 }),
      kind: fc.constantFrom("active", "view", "committed" as const),
      users: fc.subarray(["web", "db"]),
      parentIs: fc.constantFrom("listed", "listed", "listed", "missing"),
    }),
    { maxLength: 40 },
  )
  .chain((drawn) => {
    const all = drawn.map((one, at) => ({
      snapshot: {
        key: `s${at}`,
        parent:
          one.down === 0 || one.down > at
            ? undefined
            : one.parentIs === "missing"
              ? `gone-${at}`
              : `s${at - one.down}`,
        kind: one.kind as SnapshotRemoval.Snapshot["kind"],
      },
      users: one.users,
    }))
    return fc.shuffledSubarray(all, { minLength: all.length })
  })

const namespace: fc.Arbitrary<SnapshotRemoval.NamespaceSnapshots> = fc
  .record({
    all: snapshots,
    listing: fc.constantFrom("done", "done", "done", "failed"),
    users: fc.constantFrom("done", "done", "failed"),
  })
  .map(({ all, listing, users }): SnapshotRemoval.NamespaceSnapshots => ({
    namespace: "k8s.io",
    snapshots:
      listing === "failed"
        ? Fact.unknown("failed", "ctr failed")
        : Fact.known(all.map((one) => one.snapshot)),
    users:
      users === "failed"
        ? Fact.unknown("failed", "containers cannot be listed")
        : Fact.known(new Map(all.map((one) => [one.snapshot.key, one.users]))),
  }))

const law = (name: string, holds: (facts: SnapshotRemoval.NamespaceSnapshots) => void): void => {
  it(name, () => {
    fc.assert(fc.property(namespace, holds), { numRuns: 500 })
  })
}

describe("L7 Leaves first", () => {
  law("children precede parents, and every ancestor of a blocked snapshot is blocked", (facts) => {
    const planned = SnapshotRemoval.plan([facts]).namespaces[0]!
    const listed = Fact.valueOf(facts.snapshots)
    if (listed === undefined) {
      assert.strictEqual(planned.outcome, "unknown")
      assert.deepStrictEqual(planned.order, [])
      return
    }
    const place = new Map(planned.order.map((key, at) => [key, at]))
    const blocked = new Set(planned.blocked.map(({ key }) => key))
    for (const { key, parent } of listed) {
      assert.notStrictEqual(place.has(key), blocked.has(key), `${key} is removed or blocked, and never both`)
      if (parent === undefined || !listed.some((other) => other.key === parent)) continue
      if (blocked.has(key)) assert.isTrue(blocked.has(parent), `${parent} lies below ${key}, which stays`)
      else if (!blocked.has(parent)) assert.isBelow(place.get(key)!, place.get(parent)!)
    }
    assert.strictEqual(planned.outcome, blocked.size === 0 ? "clean" : "blocked")
  })

  law("rounds over the listing, without knowing parents, come to the same end", (facts) => {
    const planned = SnapshotRemoval.plan([facts]).namespaces[0]!
    const listed = Fact.valueOf(facts.snapshots) ?? []
    const blocked = new Set(planned.blocked.map(({ key }) => key))
    const left = new Set(listed.map(({ key }) => key))
    const done: Array<ReadonlyArray<string>> = []
    for (;;) {
      const round: Array<string> = []
      for (const { key } of listed) {
        const isFree = left.has(key) && !listed.some((other) => other.parent === key && left.has(other.key))
        // What is blocked by its own use refuses; what only lies below it is never free of children.
        if (isFree && !blocked.has(key)) {
          left.delete(key)
          round.push(key)
        }
      }
      if (round.length === 0) break
      done.push(round)
    }
    const told = SnapshotRemoval.asRounds(facts, planned)
    assert.deepStrictEqual(told.removals as object, done)
    assert.strictEqual(told.listings, done.length + 1)
    assert.sameMembers([...left], [...blocked])
  })
})
