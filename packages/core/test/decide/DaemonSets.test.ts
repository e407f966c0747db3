import { assert, describe, it } from "@effect/vitest"
import { DaemonSets } from "../../src/index.ts"

const node: DaemonSets.SelectedNode = { name: "worker", labels: { pool: "kata", cpus: "8", blank: "" } }

const matches = (...requirements: ReadonlyArray<DaemonSets.Requirement>) =>
  DaemonSets.selectsNode({ nodeSelector: {}, requiredTerms: [{ matchExpressions: requirements }] }, node)

const requirement = (key: string, operator: string, ...values: ReadonlyArray<string>) => ({
  key,
  operator,
  values,
})

const table: ReadonlyArray<readonly [requirement: DaemonSets.Requirement, holds: boolean]> = [
  [requirement("pool", "In", "x", "kata"), true],
  [requirement("pool", "In", "x"), false],
  [requirement("absent", "In", ""), false],
  [requirement("blank", "In", ""), true],
  [requirement("pool", "NotIn", "x"), true],
  [requirement("pool", "NotIn", "kata"), false],
  [requirement("absent", "NotIn", "x"), true],
  [requirement("blank", "Exists"), true],
  [requirement("absent", "Exists"), false],
  [requirement("absent", "DoesNotExist"), true],
  [requirement("pool", "DoesNotExist"), false],
  [requirement("cpus", "Gt", "7"), true],
  [requirement("cpus", "Gt", "8"), false],
  [requirement("cpus", "Lt", "9", "1"), true],
  [requirement("cpus", "Lt", "8"), false],
  [requirement("cpus", "Gt", "-9223372036854775808"), true],
  [requirement("cpus", "Gt", "-9223372036854775809"), false],
  [requirement("cpus", "Gt", "7.5"), false],
  [requirement("cpus", "Gt"), false],
  [requirement("pool", "Gt", "1"), false],
  [requirement("absent", "Lt", "1"), false],
  [requirement("pool", "in", "kata"), false],
  [{ key: "pool", operator: "In" }, false],
  [requirement("constructor", "Exists"), false],
]

describe("DaemonSets", () => {
  for (const [given, holds] of table)
    it(`${given.key} ${given.operator} ${given.values?.join(" or ") ?? "nothing"} ${holds ? "holds" : "does not hold"}`, () => {
      assert.strictEqual(matches(given), holds)
    })

  it("wants every requirement of a term, and any one of the terms", () => {
    const yes = requirement("pool", "Exists")
    const no = requirement("absent", "Exists")
    assert.isFalse(matches(yes, no))
    const requiredTerms = [{ matchExpressions: [no] }, { matchExpressions: [yes] }]
    assert.isTrue(DaemonSets.selectsNode({ nodeSelector: {}, requiredTerms }, node))
  })

  it("takes an empty term and an empty list of terms for nothing, and no affinity for everything", () => {
    const selects = (requiredTerms: ReadonlyArray<DaemonSets.NodeSelectorTerm> | undefined) =>
      DaemonSets.selectsNode({ nodeSelector: {}, requiredTerms }, node)
    assert.isFalse(selects([{}]))
    assert.isFalse(selects([{ matchExpressions: [], matchFields: [] }]))
    assert.isFalse(selects([]))
    assert.isTrue(selects(undefined))
  })

  it("knows one field, the name", () => {
    const selects = (key: string, operator: string, value: string) =>
      DaemonSets.selectsNode(
        { nodeSelector: {}, requiredTerms: [{ matchFields: [requirement(key, operator, value)] }] },
        node,
      )
    assert.isTrue(selects("metadata.name", "In", "worker"))
    assert.isFalse(selects("metadata.name", "NotIn", "worker"))
    assert.isFalse(selects("spec.foo", "NotIn", "x"))
  })

  it("wants every entry of the node selector, too", () => {
    const selects = (nodeSelector: Readonly<Record<string, string>>) =>
      DaemonSets.selectsNode({ nodeSelector, requiredTerms: undefined }, node)
    assert.isTrue(selects({ pool: "kata", blank: "" }))
    assert.isFalse(selects({ pool: "kata", cpus: "9" }))
    assert.isFalse(selects({ absent: "" }))
  })

  it("selects nothing without a template", () => {
    assert.isFalse(DaemonSets.selectsNode(undefined, node))
  })

  it("counts our own one only while it lives and selects the node", () => {
    assert.isTrue(DaemonSets.ownWantsNode({ deleting: false, selects: true }))
    assert.isFalse(DaemonSets.ownWantsNode({ deleting: true, selects: true }))
    assert.isFalse(DaemonSets.ownWantsNode({ deleting: false, selects: false }))
    assert.isFalse(DaemonSets.ownWantsNode(undefined))
  })

  describe("another kata-deploy DaemonSet", () => {
    const seen = (over: Partial<DaemonSets.SeenDaemonSet>): DaemonSets.SeenDaemonSet => ({
      name: "kata-deploy-dev",
      uid: "2",
      deleting: false,
      selects: true,
      images: [],
      ...over,
    })
    const others = (over: Partial<DaemonSets.SeenDaemonSet>, ours: "here" | "gone" = "here") =>
      DaemonSets.othersWantingNode([seen(over)], ours === "here" ? "1" : undefined)

    it("is found by its name", () => {
      assert.deepStrictEqual([...others({})], ["kata-deploy-dev"])
    })

    it("is found by its image, wherever that comes from", () => {
      for (const image of [
        "quay.io/kata-containers/kata-deploy:4.1",
        "localhost:5000/kata-deploy",
        "r/kata-deploy-ci@sha256:00",
      ])
        assert.deepStrictEqual([...others({ name: "kata", images: ["pause", image] })], ["kata"])
    })

    it("is not one whose registry only sounds like it", () => {
      for (const image of ["kata-deploy.example/monitor:1", "r/monitor:kata-deploy", "kata-deploy/monitor"])
        assert.deepStrictEqual([...others({ name: "kata-monitor", images: [image] })], [])
    })

    it("is none that goes, that is elsewhere, or that is ours", () => {
      assert.deepStrictEqual([...others({ deleting: true })], [])
      assert.deepStrictEqual([...others({ selects: false })], [])
      assert.deepStrictEqual([...others({ uid: "1" })], [])
      assert.deepStrictEqual([...others({ uid: "1" }, "gone")], ["kata-deploy-dev"])
    })
  })
})
