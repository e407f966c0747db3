import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, Policies, SnapshotRemoval } from "../../src/index.ts"

const snapshot = (
  key: string,
  parent?: string,
  kind: SnapshotRemoval.Snapshot["kind"] = "committed",
): SnapshotRemoval.Snapshot => ({ key, parent, kind })

const facts = (
  snapshots: ReadonlyArray<SnapshotRemoval.Snapshot>,
  users: Readonly<Record<string, ReadonlyArray<string>>> = {},
): SnapshotRemoval.NamespaceSnapshots => ({
  namespace: "k8s.io",
  snapshots: Fact.known(snapshots),
  users: Fact.known(new Map(Object.entries(users))),
})

const planOf = (given: SnapshotRemoval.NamespaceSnapshots) => SnapshotRemoval.plan([given]).namespaces[0]!

describe("SnapshotRemoval", () => {
  it("takes a chain from its leaf, whatever the listing begins with", () => {
    const chain = [snapshot("a"), snapshot("b", "a"), snapshot("c", "b")]
    for (const listed of [chain, chain.toReversed()]) {
      assert.deepStrictEqual([...planOf(facts(listed)).order], ["c", "b", "a"])
      assert.strictEqual(SnapshotRemoval.plan([facts(listed)]).outcome, "clean")
    }
  })

  it("keeps what a container uses and everything below it, and says why", () => {
    const planned = planOf(
      facts(
        [
          snapshot("rw", "top", "active"),
          snapshot("top", "base"),
          snapshot("base"),
          snapshot("other", "base"),
        ],
        { rw: ["web"] },
      ),
    )
    assert.deepStrictEqual([...planned.order], ["other"])
    assert.deepStrictEqual(planned.blocked as object, [
      { key: "rw", because: { _tag: "InUse", by: ["web"] } },
      { key: "top", because: { _tag: "HasBlockedChild", child: "rw" } },
      { key: "base", because: { _tag: "HasBlockedChild", child: "top" } },
    ])
  })

  it("names the own use of a snapshot before what lies on it", () => {
    const planned = planOf(
      facts([snapshot("view", "top", "view"), snapshot("top")], { view: ["web"], top: ["db"] }),
    )
    assert.deepStrictEqual(planned.blocked[1] as object, {
      key: "top",
      because: { _tag: "InUse", by: ["db"] },
    })
  })

  it("touches nothing that a container may write on when containers cannot be listed", () => {
    const planned = planOf({
      ...facts([
        snapshot("rw", "top", "active"),
        snapshot("top"),
        snapshot("free", "layer"),
        snapshot("layer"),
      ]),
      users: Fact.unknown("failed", "ctr timed out"),
    })
    assert.deepStrictEqual([...planned.order], ["free", "layer"])
    assert.deepStrictEqual(planned.blocked[0]!.because as object, {
      _tag: "UseUnknown",
      why: "ctr timed out",
    })
  })

  it("never calls clean what could not be listed", () => {
    const unlisted = { ...facts([]), namespace: "moby", snapshots: Fact.unknown("failed", "ctr timed out") }
    const plan = SnapshotRemoval.plan([facts([snapshot("a")]), unlisted])
    assert.strictEqual(plan.outcome, "unknown")
    assert.deepStrictEqual(
      plan.namespaces.map((n) => [n.outcome, n.unseen]),
      [
        ["clean", undefined],
        ["unknown", "ctr timed out"],
      ],
    )
  })

  it("leaves alone what is said to lie on itself", () => {
    const planned = planOf(
      facts([snapshot("a", "b"), snapshot("b", "a"), snapshot("c", "c"), snapshot("d", "a")]),
    )
    assert.deepStrictEqual([...planned.order], ["d"])
    assert.deepStrictEqual(
      planned.blocked.map(({ because, key }) => [key, because._tag]),
      [
        ["a", "Cycle"],
        ["b", "Cycle"],
        ["c", "Cycle"],
      ],
    )
  })

  it("lies on nothing when the parent is not listed", () => {
    assert.deepStrictEqual([...planOf(facts([snapshot("a", "gone")])).order], ["a"])
  })

  it("tells the rounds that a listing in the wrong order would have needed", () => {
    const upwards = facts([snapshot("a"), snapshot("b", "a"), snapshot("c", "b")])
    assert.deepStrictEqual(SnapshotRemoval.asRounds(upwards, planOf(upwards)) as object, {
      removals: [["c"], ["b"], ["a"]],
      listings: 4,
    })
    const downwards = facts([snapshot("c", "b"), snapshot("b", "a"), snapshot("a")])
    assert.strictEqual(SnapshotRemoval.asRounds(downwards, planOf(downwards)).listings, 2)
    assert.strictEqual(SnapshotRemoval.asRounds(facts([]), planOf(facts([]))).listings, 1)
  })

  it("counts what the garbage collector took as success, and what was not tried apart", () => {
    const planned = planOf(facts([snapshot("a"), snapshot("b", "a"), snapshot("c", "b"), snapshot("d")]))
    const answers = new Map<string, SnapshotRemoval.Answer>([
      ["c", { _tag: "Removed" }],
      ["d", { _tag: "Gone" }],
      ["b", { _tag: "Failed", why: "it timed out" }],
    ])
    assert.deepStrictEqual(SnapshotRemoval.figures(planned, answers), {
      removed: 1,
      gone: 1,
      failed: [{ key: "b", why: "it timed out" }],
      leftOut: ["a"],
    })
  })

  it("plans 100,000 snapshots in chains of 127 at once", () => {
    const many = Array.from({ length: 100_000 }, (_, at) =>
      snapshot(`s${at}`, at % 127 === 0 ? undefined : `s${at - 1}`),
    )
    const planned = planOf(facts(many))
    assert.strictEqual(planned.order.length, 100_000)
    assert.strictEqual(SnapshotRemoval.asRounds(facts(many), planned).listings, 128)
  })

  it.effect("can be replaced by an embedder", () =>
    Effect.gen(function* () {
      const policies = yield* Policies.fromServices
      assert.strictEqual(policies.snapshots, SnapshotRemoval.plan)
    }).pipe(Effect.provide(Policies.layer)),
  )
})
