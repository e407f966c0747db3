import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as fc from "fast-check"
import { type Action, Change, FileState, HostPath, Plan } from "../../src/index.ts"
import * as Generated from "./Generated.ts"

const path = HostPath.make("/a")
const put = (before: FileState.FileState, after: FileState.FileState): Action.Action => ({
  _tag: "Put",
  change: Change.make(path, before, after),
})

const Text = Schema.fromJsonString(Plan.Plan)

describe("Plan", () => {
  it("is data: it comes back from its JSON text as it was", () => {
    fc.assert(
      fc.property(Generated.plan, (plan) => {
        const text = Schema.encodeSync(Text)(plan)
        assert.deepStrictEqual(Schema.decodeUnknownSync(Text)(text), plan)
      }),
    )
  })

  it("law L9: the same plan has the same text", () => {
    fc.assert(
      fc.property(Generated.plan, (plan) => {
        assert.strictEqual(Schema.encodeSync(Text)(plan), Schema.encodeSync(Text)(structuredClone(plan)))
      }),
    )
  })

  it("refuses paths that are not absolute", () => {
    const plan = {
      ...fc.sample(Generated.plan, 1)[0]!,
      stages: [
        { stage: "cri", steps: [{ because: "", action: { _tag: "Prune", directories: ["relative"] } }] },
      ],
    }
    assert.throws(() => Schema.decodeUnknownSync(Plan.Plan)(plan))
  })

  const id = { sha256: "x", size: 1, modifiedMs: 1 }
  for (const [what, action, changes] of [
    ["a put of what is there", put(FileState.file("a"), FileState.file("a")), false],
    ["a put of something else", put(FileState.file("a"), FileState.file("b")), true],
    [
      "an extraction of nothing",
      { _tag: "Extract", into: path, staging: path, components: [], except: [], owned: [] },
      false,
    ],
    [
      "an extraction",
      {
        _tag: "Extract",
        into: path,
        staging: path,
        components: [{ name: "a", archive: "a", id, replaces: [] }],
        except: [],
        owned: [],
      },
      true,
    ],
    ["the removal of nothing", { _tag: "RemoveTree", root: path, entries: [], reserved: [] }, false],
    [
      "the removal of everything",
      { _tag: "RemoveTree", root: path, entries: "everything", reserved: [] },
      true,
    ],
    ["pruning nothing", { _tag: "Prune", directories: [] }, false],
    ["pruning", { _tag: "Prune", directories: [path] }, true],
    ["waiting", { _tag: "AwaitUnit", unit: "a", seconds: 1 }, false],
    ["a restart", { _tag: "Unit", verb: "restart", unit: "a" }, true],
    ["a record", { _tag: "Record", path, ledger: null }, true],
    ["a mark", { _tag: "Mark", intent: "claim", instance: "default" }, true],
  ] as const satisfies ReadonlyArray<readonly [string, Action.Action, boolean]>) {
    it(`${what} ${changes ? "changes" : "does not change"} something`, () => {
      assert.strictEqual(Plan.changes(action), changes)
    })
  }

  it("is empty as long as no step changes anything", () => {
    const [plan] = fc.sample(Generated.plan, 1)
    const keep = Plan.step(put(FileState.absent, FileState.absent), "considered")
    const write = Plan.step(put(FileState.absent, FileState.file("")), "wanted")
    assert.isTrue(Plan.isEmpty({ ...plan!, stages: [{ stage: "cri", steps: [keep] }] }))
    assert.isFalse(Plan.isEmpty({ ...plan!, stages: [{ stage: "cri", steps: [keep, write] }] }))
    assert.deepStrictEqual(Plan.changingSteps({ stage: "cri", steps: [keep, write] }), [write])
  })

  it("lists the changes of paths in the order of its steps", () => {
    fc.assert(
      fc.property(Generated.plan, (plan) => {
        const actions = plan.stages.flatMap((stage) => stage.steps.map((s) => s.action))
        assert.deepStrictEqual(
          Plan.puts(plan),
          actions.flatMap((a) => (a._tag === "Put" ? [a.change] : [])),
        )
      }),
    )
  })
})
