import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { CleanupOrder, CleanupPolicy, Distribution, Fact } from "../../src/index.ts"

const order = (given: Partial<CleanupOrder.OrderFacts> & { readonly runtime?: Distribution.CriRuntime }) => {
  const { runtime = "containerd", ...rest } = given
  return CleanupOrder.decide({
    verdict: { scope: "everything", because: "" },
    row: Distribution.rowOf(runtime),
    snapshotters: [],
    data: [],
    restartBesideOthers: "now",
    ...rest,
  })
}

const whole = ["demote", "lock", "configuration", "artifacts", "release", "restart", "wait-ready"] as const

const cases: ReadonlyArray<
  readonly [what: string, given: Parameters<typeof order>[0], parts: ReadonlyArray<string>]
> = [
  ["demotes first and restarts last", {}, whole],
  [
    "takes snapshotters before the configuration",
    { snapshotters: ["nydus"] },
    ["demote", "lock", "snapshotters", ...whole.slice(2)],
  ],
  [
    "takes what snapshotters stored when nothing names them any more",
    { snapshotters: ["nydus"], data: ["/var/lib/nydus"] },
    ["demote", "lock", "snapshotters", "configuration", "data", ...whole.slice(3)],
  ],
  [
    "does not restart k0s, which reloads by itself",
    { runtime: "k0s-worker" },
    whole.filter((p) => p !== "restart"),
  ],
  ["does nothing when the node is still wanted", { verdict: { scope: "skip", because: "" } }, []],
  ["restarts beside others, too", { verdict: { scope: "instance", because: "" } }, whole],
  [
    "leaves the restart to the next one where that is asked for and others are here",
    { verdict: { scope: "instance", because: "" }, restartBesideOthers: "defer" },
    ["demote", "lock", "configuration", "artifacts", "release"],
  ],
  ["restarts when nobody else is here, whatever was asked for", { restartBesideOthers: "defer" }, whole],
]

describe("CleanupOrder", () => {
  for (const [what, given, parts] of cases)
    it(what, () => {
      assert.deepStrictEqual([...order(given)], [...parts])
    })

  describe("with the restart left to the last install, as upstream once did", () => {
    const stages = [
      [1, "our DaemonSet is there", true, 0, []],
      [2, "it is gone and others remain", false, 2, ["snapshotters", "configuration", "artifacts"]],
      [
        3,
        "it is gone and none is left",
        false,
        0,
        ["snapshotters", "configuration", "artifacts", "release", "restart", "wait-ready"],
      ],
    ] as const
    for (const [stage, what, own, others, parts] of stages)
      it(`does stage ${stage} when ${what}`, () => {
        const verdict = Result.getOrThrow(
          CleanupPolicy.decide({
            ownDaemonSet: Fact.known(own),
            otherInstances: Array.from({ length: others }, (_, at) => `other-${at}`),
          }),
        )
        const found = order({ verdict, snapshotters: ["nydus"], restartBesideOthers: "defer" })
        // It knew no marks of single installs and no lock; beside others the shared label stays in any case.
        const unknownThen = new Set(["demote", "lock", ...(verdict.scope === "instance" ? ["release"] : [])])
        assert.deepStrictEqual(
          found.filter((part) => !unknownThen.has(part)),
          [...parts],
        )
      })
  })

  it("only waits behind the restart, and demotes before everything else, whatever the facts", () => {
    fc.assert(
      fc.property(
        fc.record({
          verdict: fc
            .constantFrom("skip", "instance", "everything")
            .map((scope) => ({ scope, because: "" }) as CleanupPolicy.CleanupVerdict),
          row: fc.constantFrom(...Distribution.rows),
          snapshotters: fc.subarray(["nydus", "erofs"]),
          data: fc.subarray(["/var/lib/nydus"]),
          restartBesideOthers: fc.constantFrom("now", "defer" as const),
        }) as fc.Arbitrary<CleanupOrder.OrderFacts>,
        (facts) => {
          const parts = CleanupOrder.decide(facts)
          const restart = parts.indexOf("restart")
          if (restart >= 0) assert.deepStrictEqual(parts.slice(restart + 1), ["wait-ready"])
          if (parts.length > 0) assert.strictEqual(parts[0], "demote")
          const data = parts.indexOf("data")
          if (data >= 0) assert.isAbove(data, parts.indexOf("configuration"))
          if (data >= 0) assert.isAbove(data, parts.indexOf("snapshotters"))
          assert.strictEqual(new Set(parts).size, parts.length)
        },
      ),
    )
  })
})
