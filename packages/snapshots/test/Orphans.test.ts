import { Fact } from "@kata-deploy/core"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { Orphans } from "../src/index.ts"

const facts = (over: Partial<Orphans.RootFacts> = {}): Orphans.RootFacts => ({
  ids: Fact.known(["1", "2"]),
  entries: Fact.known(["1", "3", "new-7", "1-userns-1000"]),
  liveInstances: Fact.known(["1-userns-1000"]),
  ...over,
})

describe("Orphans", () => {
  for (const [row, name] of [
    ["O1", "1"],
    ["O2", "1-userns-1000"],
    ["O3", "new-7"],
    ["O4", "3"],
  ] as const)
    it(`${row}: ${name}`, () => {
      const judged = Fact.valueOf(Orphans.judge(facts()))!
      assert.strictEqual(judged.find((entry) => entry.name === name)?.row, row)
      assert.match(Orphans.explain({ row }), new RegExp(`^${row}: .+\\.$`))
    })

  it("O1: keeps a snapshot's directory, whatever it is called", () => {
    const named = facts({ ids: Fact.known(["new-7"]) })
    assert.notInclude(Fact.valueOf(Orphans.plan(named))!, "new-7")
  })

  it("takes away what is left over, in the order of the listing", () => {
    assert.deepStrictEqual(Orphans.plan(facts()), Fact.known(["3", "new-7"]))
  })

  for (const part of ["ids", "entries", "liveInstances"] as const)
    it(`finds no orphan when the ${part} could not be seen`, () => {
      const unknown = Fact.unknown("failed", "the database is locked")
      assert.deepStrictEqual(Orphans.plan(facts({ [part]: unknown })), unknown)
    })

  it("is the listing without what is named and what is live", () => {
    const names = fc.uniqueArray(fc.constantFrom("1", "2", "3", "new-1", "new-2"))
    fc.assert(
      fc.property(names, names, names, (entries, ids, live) => {
        const plan = Orphans.plan({
          entries: Fact.known(entries),
          ids: Fact.known(ids),
          liveInstances: Fact.known(live),
        })
        const kept = new Set([...ids, ...live])
        assert.deepStrictEqual(
          Fact.valueOf(plan) as object,
          entries.filter((name) => !kept.has(name)),
        )
      }),
    )
  })

  it("deletes only what is unmounted, and detached where it is a tarfs", () => {
    assert.deepStrictEqual(Orphans.steps("tarfs") as object, ["unmount", "detach", "delete"])
    assert.deepStrictEqual(Orphans.steps("other") as object, ["unmount", "delete"])
  })
})
