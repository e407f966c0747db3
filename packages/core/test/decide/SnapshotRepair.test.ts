import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Fact, SnapshotRepair } from "../../src/index.ts"
import * as Metadata from "../../src/testing/MemoryMetadata.ts"
import { factsOf, images, lose, lostIn, remove, snapshotter, store } from "./RecordSamples.ts"

const [a, b, c] = images
const plan = (...given: Parameters<typeof factsOf>) =>
  SnapshotRepair.planNamespace(factsOf(...given), snapshotter)
const failed = Fact.unknown("failed", "it timed out")

describe("SnapshotRepair", () => {
  it("has nothing to do where both sides agree", () => {
    assert.deepStrictEqual(plan(store({ web: "b" })), {
      namespace: "k8s.io",
      order: [],
      unlabel: [],
      blocked: [],
      images: [],
      strays: [],
      outcome: "clean",
      doubts: [],
    })
  })

  it("removes every record of a backend that lost everything, and the labels that name them", () => {
    const state = store()
    lose(state)
    const repair = plan(state)
    assert.strictEqual(repair.outcome, "repairable")
    assert.sameMembers([...repair.order], [...new Set([...b.chain, ...c.chain])])
    assert.sameMembers(
      repair.unlabel.map(({ digest }) => digest),
      images.map(({ config }) => config),
    )
    assert.deepStrictEqual([...repair.images], ["a", "b", "c"])
  })

  it("keeps what a container is made to use, with everything below it, and says so", () => {
    const state = store({ web: "b" })
    lose(state)
    const repair = plan(state)
    assert.strictEqual(repair.outcome, "blocked")
    assert.deepStrictEqual([...repair.order], [c.chain[3], c.chain[2]])
    assert.deepStrictEqual(
      new Map(repair.blocked.map(({ because, key }) => [key, because])) as object,
      new Map<string, object>([
        ["web", { _tag: "InUse", by: ["web"] }],
        [b.chain[2]!, { _tag: "HasBlockedChild", child: "web" }],
        [b.chain[1]!, { _tag: "HasBlockedChild", child: b.chain[2] }],
        [a.chain[0]!, { _tag: "HasBlockedChild", child: b.chain[1] }],
      ]),
    )
    assert.deepStrictEqual([...repair.images], ["c"])
  })

  it("takes a placeholder of nydus for what it stands for, as soon as nothing lies on it", () => {
    const state = store()
    lose(state)
    const [top, below] = b.chain.toReversed()
    const labels = new Map([["nydus.recovered", "true"]])
    const placeholder = { key: top!, parent: below, kind: "committed", labels } as const
    const made = { key: "made", parent: top, kind: "active" } as const
    const blocked = plan(state, { listed: Fact.known([placeholder, made]) })
    assert.deepStrictEqual(blocked.outcome, "blocked")
    assert.deepStrictEqual(blocked.blocked.find(({ key }) => key === top)?.because, {
      _tag: "HasBlockedChild",
      child: "made",
    })
    const free = plan(state, { listed: Fact.known([placeholder]) })
    assert.strictEqual(free.outcome, "repairable")
    assert.includeMembers([...free.order], [...b.chain])
    assert.isBelow(free.order.indexOf(top!), free.order.indexOf(below!))
  })

  it("leaves a record alone on which a snapshot lies that is still there", () => {
    const state = store()
    lose(state, [a.chain[0]!])
    const repair = plan(state)
    assert.deepStrictEqual([repair.order.length, repair.outcome], [0, "blocked"])
    assert.strictEqual(repair.blocked[0]?.key, a.chain[0])
  })

  it("leaves alone what a snapshot lies on that no label names", () => {
    const view = { key: "view", parent: b.chain[2], kind: "view" } as const
    const repair = plan(store(), { listed: Fact.known([view]) })
    assert.deepStrictEqual([...repair.order], [c.chain[3], c.chain[2]])
    assert.sameMembers(
      repair.blocked.map(({ key }) => key),
      [...b.chain],
    )
  })

  for (const part of ["listed", "contents", "containers"] as const)
    it(`never calls clean what it could not see: ${part}`, () => {
      const repair = plan(store(), { [part]: failed })
      assert.deepStrictEqual([repair.order.length, repair.outcome], [0, "unknown"])
      assert.include(repair.doubts.join(), "it timed out")
    })

  it("repairs without the backend's answer where its own store is seen to be empty", () => {
    const repair = plan(store(), { listed: failed, backend: Fact.known(new Set()) })
    assert.strictEqual(repair.order.length, 5)
    assert.strictEqual(repair.outcome, "unknown")
  })

  it("names what only the backend has", () => {
    const all = Metadata.keysOf(store(), snapshotter).keys()
    const repair = plan(store(), { backend: Fact.known(new Set([...all, "z", "y"])) })
    assert.deepStrictEqual([[...repair.strays], repair.outcome], [["y", "z"], "clean"])
  })

  it("is as bad as the worst namespace", () => {
    const lost = store()
    lose(lost)
    const outcome = (...facts: ReadonlyArray<ReturnType<typeof factsOf>>) =>
      SnapshotRepair.plan(facts, snapshotter).outcome
    assert.strictEqual(outcome(), "clean")
    assert.strictEqual(outcome(factsOf(store()), factsOf(lost)), "repairable")
    assert.strictEqual(outcome(factsOf(lost), factsOf(store(), { contents: failed })), "unknown")
  })

  it("is carried out without a refusal, ends where it said, and finds nothing the second time", () => {
    const ids = images.flatMap(({ chain }) => chain)
    fc.assert(
      fc.property(
        fc.dictionary(fc.constantFrom("web", "db", "job"), fc.constantFrom("a", "b", "c")),
        fc.subarray([...new Set([...ids, "web", "db", "job"])]),
        (containers, lost) => {
          const state = store(containers)
          lose(state, lost)
          const there = Metadata.keysOf(state, snapshotter)
          const kept = [...there.values()].filter((one) => !one.lost).map(({ key }) => key)
          const repair = plan(state)
          for (const key of repair.order) assert.isTrue(remove(state, key), `${key} has a child`)
          for (const { digest, label } of repair.unlabel) state.contents.get(digest)!.labels.delete(label)
          assert.includeMembers([...there.keys()], kept)
          assert.deepStrictEqual(lostIn(state) as object, repair.blocked.map(({ key }) => key).sort())
          for (const { key } of repair.blocked) {
            const parent = there.get(key)?.parent
            if (parent !== undefined && there.get(parent)!.lost)
              assert.include(
                repair.blocked.map((one) => one.key),
                parent,
              )
          }
          const again = plan(state)
          // A label that leads to a record that stays may name others that are gone already.
          for (const key of again.order) assert.isFalse(there.has(key), key)
          if (repair.blocked.length === 0) assert.deepStrictEqual([...again.order], [])
          assert.strictEqual(again.outcome, repair.blocked.length > 0 ? "blocked" : "clean")
        },
      ),
      { numRuns: 300 },
    )
  })
})
