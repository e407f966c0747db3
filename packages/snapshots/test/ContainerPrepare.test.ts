import { assert, describe, it } from "vitest"
import { ContainerPrepare, type Lineage, type NydusConfig } from "../src/index.ts"
import { ancestor, blockdev, fusedev, type Given, labels, on, proxy } from "./Samples.ts"

const parentless: Lineage.Lineage = { _tag: "Parentless" }
const unread: Lineage.Lineage = { _tag: "Unread", why: "the database is locked" }
const all: NydusConfig.NydusConfig = {
  ...blockdev,
  indexDetection: true,
  referrerDetection: true,
  stargz: true,
}
const remote = (
  id: string,
  first: Extract<ContainerPrepare.Outcome, { _tag: "Remote" }>["first"],
  more: Given = {},
): ContainerPrepare.Outcome => ({ _tag: "Remote", id, first, labels: labels(more) })
const native: ContainerPrepare.Outcome = { _tag: "Native" }
const handed: ContainerPrepare.Outcome = { _tag: "Proxy" }

const table: ReadonlyArray<
  readonly [ContainerPrepare.Row, string, NydusConfig.NydusConfig, Lineage.Lineage, ContainerPrepare.Outcome]
> = [
  ["A2.1", "an image that another snapshotter unpacked", proxy, on({}), handed],
  ["A2.1", "no parent at all under the driver proxy", proxy, parentless, handed],
  ["A2.1", "goes before a nydus image below", proxy, on({}, ancestor("1", { nydusMeta: "" })), handed],
  [
    "A2.2",
    "an image that the guest pulls",
    proxy,
    on({ proxyMode: "true", imageRef: "a" }),
    remote("9", "nothing"),
  ],
  ["A2.2", "overrides A2.1 with another driver", blockdev, on({ proxyMode: "true" }), remote("9", "nothing")],
  [
    "A2.3",
    "a nydus image below other layers",
    all,
    on({ tarfs: "x" }, ancestor("1", { nydusMeta: "" })),
    remote("1", "start"),
  ],
  [
    "A2.4",
    "an alternative in the index",
    all,
    on({ stargz: "" }, ancestor("2", { indexAlternative: "" })),
    remote("2", "fetch-metadata"),
  ],
  [
    "A2.5",
    "a referring image",
    all,
    on({ stargz: "" }, ancestor("3", {}, "found")),
    remote("3", "fetch-metadata"),
  ],
  ["A2.6", "an eStargz image", all, on({ stargz: "", tarfs: "x" }), remote("9", "merge-stargz")],
  ["A2.7", "a tarfs", all, on({ tarfs: "x" }), remote("9", "merge-tarfs")],
  ["A2.8", "ordinary layers", all, on({}), native],
  [
    "A2.8",
    "a tarfs that nobody asks for",
    fusedev,
    on({ tarfs: "x", stargz: "", indexAlternative: "" }),
    native,
  ],
  ["A2.8", "no parent", blockdev, parentless, native],
  ["A2.8", "an eStargz layer that is not the topmost", all, on({}, ancestor("1", { stargz: "" })), native],
]

describe("ContainerPrepare", () => {
  for (const [row, what, config, lineage, outcome] of table)
    it(`${row}: ${what}`, () => {
      const decision = ContainerPrepare.decide(config, {}, lineage)
      assert.deepStrictEqual(decision, { row, outcome, doubts: [] })
      assert.match(ContainerPrepare.explain(decision), new RegExp(`^${row}: .+\\.$`))
    })

  it("A2.3: hands the mapping of ids on to the nydus image, and fails where it cannot be meant", () => {
    const mapped = { uidMapping: "0:1:2", gidMapping: "0:1:2" }
    const image = on({ nydusMeta: "" })
    assert.deepStrictEqual(
      ContainerPrepare.decide(fusedev, labels({ ...mapped, volatile: "" }), image).outcome,
      remote("9", "start", mapped),
    )
    const wrong = ContainerPrepare.decide(fusedev, labels({ uidMapping: "0:1:2" }), image)
    assert.strictEqual(wrong.outcome._tag, "Error")
    assert.match(ContainerPrepare.explain(wrong), /It fails, because/)
  })

  it("A2.1, A2.8: goes on without a parent that cannot be read, and says so", () => {
    assert.strictEqual(ContainerPrepare.decide(proxy, {}, unread).row, "A2.1")
    const decision = ContainerPrepare.decide(all, {}, unread)
    assert.strictEqual(decision.row, "A2.8")
    assert.match(ContainerPrepare.explain(decision), /the database is locked/)
  })

  it("says when referring images could not be looked for", () => {
    const decision = ContainerPrepare.decide(all, {}, on({}, ancestor("3", {}, "failed")))
    assert.deepStrictEqual([decision.row, decision.doubts.length], ["A2.8", 1])
  })
})
