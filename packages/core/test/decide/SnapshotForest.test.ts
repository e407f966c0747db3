import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { SnapshotForest } from "../../src/index.ts"

const node = (key: string, parent?: string): SnapshotForest.Node => ({ key, parent })
const walk = (nodes: ReadonlyArray<SnapshotForest.Node>, ...staying: ReadonlyArray<string>) =>
  SnapshotForest.leavesFirst(nodes, ({ key }) => (staying.includes(key) ? "pinned" : undefined))

describe("SnapshotForest", () => {
  it("takes leaves first and names the child that keeps its parent", () => {
    const { order, stays } = walk([node("a"), node("b", "a"), node("c", "b"), node("d", "a")], "b")
    assert.deepStrictEqual([...order], ["c", "d"])
    assert.deepStrictEqual([...stays] as object, [
      { key: "a", because: { _tag: "HasBlockedChild", child: "b" } },
      { key: "b", because: "pinned" },
    ])
  })

  it("prefers a reason of its own to what lies on it", () => {
    assert.strictEqual(walk([node("a"), node("b", "a")], "a", "b").stays[0]?.because, "pinned")
  })

  it("takes the first of several nodes with one key", () => {
    const { order } = walk([node("a"), node("b", "a"), node("b", "gone"), node("a", "b")])
    assert.deepStrictEqual([...order], ["b", "a"])
  })

  it("does not end in a circle, and keeps it", () => {
    const { order, stays } = walk([node("a", "b"), node("b", "a"), node("c", "a")])
    assert.deepStrictEqual([...order], ["c"])
    assert.deepStrictEqual(stays.map(({ because }) => because) as object, [
      { _tag: "Cycle" },
      { _tag: "Cycle" },
    ])
  })

  it("keeps exactly what is pinned and what lies below it", () => {
    const forest = fc
      .array(fc.record({ down: fc.nat({ max: 5 }), isPinned: fc.boolean() }), { maxLength: 30 })
      .map((drawn) =>
        drawn.map(({ down, isPinned }, at) => ({
          key: `${at}`,
          parent: down === 0 || down > at ? undefined : `${at - down}`,
          isPinned,
        })),
      )
    fc.assert(
      fc.property(forest, (nodes) => {
        const { order, stays } = walk(
          nodes,
          ...nodes.filter(({ isPinned }) => isPinned).map(({ key }) => key),
        )
        const kept = new Set<string>()
        for (const { isPinned, key } of nodes)
          for (
            let at: string | undefined = isPinned ? key : undefined;
            at !== undefined;
            at = nodes[Number(at)]!.parent
          )
            kept.add(at)
        assert.sameMembers(
          stays.map(({ key }) => key),
          [...kept],
        )
        assert.strictEqual(order.length + kept.size, nodes.length)
      }),
    )
  })
})
