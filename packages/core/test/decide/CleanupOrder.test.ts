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
    sandboxes: Fact.known([]),
    whenInUse: "refuse",
    restartBesideOthers: "now",
    failures: [],
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
  ["knows of no snapshotters with CRI-O", { runtime: "crio", snapshotters: ["nydus"] }, whole],
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
  [
    "keeps the marks after a failure, and restarts all the same",
    { failures: ["artifacts"] },
    whole.filter((p) => p !== "release"),
  ],
  ["only demotes while sandboxes are seen", { sandboxes: Fact.known(["web"]) }, ["demote"]],
  [
    "goes on over sandboxes when it is forced to",
    { sandboxes: Fact.known(["web"]), whenInUse: "force" },
    whole,
  ],
  ["goes on where use cannot be seen", { sandboxes: Fact.unknown("out-of-sight", "no hostPID") }, whole],
]

describe("CleanupOrder", () => {
  for (const [what, given, parts] of cases)
    it(what, () => {
      assert.deepStrictEqual([...order(given).parts], [...parts])
    })

  it("says what holds it, and what could not be checked", () => {
    assert.deepStrictEqual([...order({ sandboxes: Fact.known(["web"]) }).heldBy], ["web"])
    assert.strictEqual(
      order({ sandboxes: Fact.unknown("out-of-sight", "no hostPID") }).useUnchecked,
      "no hostPID",
    )
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
        const found = order({ verdict, snapshotters: ["nydus"], restartBesideOthers: "defer" }).parts
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
          sandboxes: fc.constantFrom(Fact.known([]), Fact.known(["web"]), Fact.unknown("failed", "?")),
          whenInUse: fc.constantFrom("refuse", "force" as const),
          restartBesideOthers: fc.constantFrom("now", "defer" as const),
          failures: fc.subarray(["configuration", "artifacts"] as Array<CleanupOrder.CleanupPart>),
        }) as fc.Arbitrary<CleanupOrder.OrderFacts>,
        (facts) => {
          const { parts } = CleanupOrder.decide(facts)
          const restart = parts.indexOf("restart")
          if (restart >= 0) assert.deepStrictEqual(parts.slice(restart + 1), ["wait-ready"])
          if (parts.length > 0) assert.strictEqual(parts[0], "demote")
          if (facts.failures.length > 0) assert.notInclude(parts, "release")
          assert.strictEqual(new Set(parts).size, parts.length)
        },
      ),
    )
  })
})
