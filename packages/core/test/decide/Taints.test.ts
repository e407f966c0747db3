import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { Taints } from "../../src/index.ts"

const taint = (key: string, effect: string, more: object = {}) => ({ key, effect, ...more })

const cases: ReadonlyArray<
  readonly [what: string, matchers: ReadonlyArray<string>, removed: ReadonlyArray<string>]
> = [
  ["a bare key removes every effect", ["kata.io/x"], ["kata.io/x", "kata.io/x"]],
  ["a key with an effect removes only that", ["kata.io/x:NoExecute"], ["kata.io/x:NoExecute"]],
  ["a matcher is trimmed", ["  kata.io/x:NoSchedule "], ["kata.io/x:NoSchedule"]],
  [
    "the first one that hits is named",
    ["kata.io/x:NoSchedule", "kata.io/x"],
    ["kata.io/x:NoSchedule", "kata.io/x"],
  ],
  ["blank matchers hit nothing", ["", "  "], []],
  ["an effect without key hits nothing", [":NoSchedule"], []],
  ["a key without effect behind its colon hits nothing", ["kata.io/x:"], []],
  ["a part of a key hits nothing", ["kata.io"], []],
]

describe("Taints", () => {
  const taints = [
    taint("kata.io/x", "NoSchedule"),
    taint("kata.io/x", "NoExecute", { value: "v", timeAdded: "2026-01-01T00:00:00Z" }),
    taint("other", "NoSchedule", { value: "kata.io/x" }),
  ]

  for (const [what, matchers, removed] of cases)
    it(`${what}`, () => {
      assert.deepStrictEqual([...Taints.partition(taints, matchers).removed], [...removed])
    })

  it("keeps what stays verbatim", () => {
    assert.deepStrictEqual(
      Taints.decide({ resourceVersion: "7", taints }, ["kata.io/x:NoSchedule"]) as object,
      [
        { op: "test", path: "/metadata/resourceVersion", value: "7" },
        { op: "replace", path: "/spec/taints", value: taints.slice(1) },
      ],
    )
  })

  it("asks for nothing when no taint is to be removed", () => {
    assert.isUndefined(Taints.decide({ resourceVersion: "7", taints }, ["absent"]))
    assert.isUndefined(Taints.decide({ resourceVersion: "7", taints: [] }, ["kata.io/x"]))
  })

  it("loses no taint: each is kept or named", () => {
    const keys = fc.constantFrom("a", "b", "c")
    const effects = fc.constantFrom("NoSchedule", "NoExecute")
    fc.assert(
      fc.property(
        fc.array(fc.record({ key: keys, effect: effects })),
        fc.array(
          fc.oneof(
            keys,
            fc.tuple(keys, effects).map((pair) => pair.join(":")),
          ),
        ),
        (all, matchers) => {
          const { removed, retained } = Taints.partition(all, matchers)
          assert.strictEqual(removed.length + retained.length, all.length)
          assert.deepStrictEqual(Taints.partition(retained, matchers).removed, [])
        },
      ),
    )
  })

  it("tells a failure as a notice, since the install goes on", () => {
    const notice = Taints.notRemoved("It did not answer.")
    assert.strictEqual(notice.severity, "warning")
    assert.include(notice.message, "It did not answer.")
  })
})
