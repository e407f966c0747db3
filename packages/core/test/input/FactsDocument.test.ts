import { Effect, Result, Schema } from "effect"
import { assert, describe, it } from "vitest"
import {
  AssumedFacts,
  Fact,
  type Facts,
  FactsDocument,
  HostPath,
  InstallPlan,
  Plan,
  Policies,
} from "../../src/index.ts"
import { changeOfMind, law, nodeOf, scenario } from "../laws/Generators.ts"

const throughJson = (document: unknown): unknown => JSON.parse(JSON.stringify(document))

describe("FactsDocument", () => {
  law(
    "facts written as JSON and read again are the same facts",
    changeOfMind,
    Effect.fnUntraced(function* (example) {
      const node = nodeOf(example)
      const fresh = yield* node.inputs("install", example.asked)
      yield* node.run("install", example.asked)
      const installed = yield* node.inputs("install", example.later)
      for (const input of [fresh, installed]) {
        const { facts } = input
        const read = Result.getOrThrow(FactsDocument.decode(throughJson(FactsDocument.encode(facts))))
        assert.deepStrictEqual(
          throughJson(FactsDocument.encode(read)),
          throughJson(FactsDocument.encode(facts)),
        )
        const planned = (of: typeof facts) => Result.getOrThrow(InstallPlan.make({ ...input, facts: of }))
        assert.deepStrictEqual(planned(read), planned(facts))
      }
    }),
  )

  law(
    "a node told by what is on it is planned for like the node itself",
    scenario,
    Effect.fnUntraced(function* (example) {
      const input = yield* nodeOf(example).inputs("install", example.asked)
      const told = {
        ...input.facts,
        files: new Map([...input.facts.files].filter(([, state]) => state._tag !== "Absent")),
      }
      const text = (facts: Facts.Facts) =>
        Schema.encodeSync(Plan.Plan)(Result.getOrThrow(InstallPlan.make({ ...input, facts })))
      assert.deepStrictEqual(
        text(AssumedFacts.nothingElse({ ...input, facts: told, policies: Policies.standard })),
        text(input.facts),
      )
    }),
  )

  it("what containerd has of a snapshotter is written down with what is in the way, and read as it was", () => {
    const order = ["sha256:b", "sha256:a"]
    const unlabel = [{ digest: "sha256:c", label: "containerd.io/gc.ref.snapshot.x", top: "sha256:b" }]
    const outlooks = {
      x: { namespaces: [{ namespace: "k8s.io", order, unlabel, images: ["app:1"] }], obstacle: null },
      y: { namespaces: [], obstacle: "it is in use by web" },
    }
    const snapshotterData: Facts.Facts["snapshotterData"] = Fact.known({
      socket: HostPath.make("/run/c.sock"),
      outlooks,
    })
    const document = { schemaVersion: 1, kind: "facts", files: {}, snapshotterData }
    const facts = Result.getOrThrow(FactsDocument.decode(document))
    assert.deepStrictEqual(facts.snapshotterData, snapshotterData)
    assert.deepInclude(throughJson(FactsDocument.encode(facts)), { snapshotterData })
  })

  it("what a document leaves out was not seen", () => {
    const facts = Result.getOrThrow(FactsDocument.decode({ schemaVersion: 1, kind: "facts", files: {} }))
    assert.strictEqual(facts.control._tag, "Unknown")
    assert.strictEqual(facts.node._tag, "Unknown")
    assert.strictEqual(facts.freeBytes._tag, "Unknown")
    assert.strictEqual(facts.snapshotterData._tag, "Unknown")
    assert.deepStrictEqual(facts.ledger, { _tag: "None" })
    assert.strictEqual(facts.artifacts.manifest._tag, "Absent")
  })

  it.each([
    [undefined, "no document"],
    [{ schemaVersion: 2, kind: "facts", files: {} }, "schemaVersion"],
    [{ schemaVersion: 1, kind: "facts" }, "files"],
    [{ schemaVersion: 1, kind: "facts", files: { "/a": { _tag: "File", mode: 420 } } }, "text"],
  ])("refuses %j", (json, why) => {
    const error = Result.getOrThrow(Result.flip(FactsDocument.decode(json)))
    assert.strictEqual(error.problems[0]!.code, "E_FACTS_DOCUMENT")
    assert.include(error.message, why)
  })
})
