import { assert, describe, it } from "vitest"
import { type Labels, LayerPrepare, type NydusConfig, NydusConfig as Config } from "../src/index.ts"
import { blockdev, fusedev, hash, labels, proxy, root } from "./Samples.ts"

const facts: LayerPrepare.LayerFacts = {
  labels: labels({ target: "sha256:top" }),
  indexAlternative: "not-found",
  referrer: "not-found",
  stargz: "no-stargz",
  tarfs: { _tag: "Refused", because: "no-image-ref" },
}

const converted = (
  exported: Extract<LayerPrepare.LayerFacts["tarfs"], { _tag: "Converted" }>["exported"],
  info: string | undefined,
): LayerPrepare.LayerFacts["tarfs"] => ({ _tag: "Converted", blob: hash, exported, info })

const skip = (given: Parameters<typeof labels>[0] = {}): LayerPrepare.Outcome => ({
  _tag: "Skip",
  labels: labels(given),
})
const unpack: LayerPrepare.Outcome = { _tag: "Default" }
const fails: LayerPrepare.Outcome = { _tag: "Error" }
const layer = { _tag: "Export", label: "layerBlock", verity: false } as const
const verity = { ...layer, verity: true }

const all: NydusConfig.NydusConfig = {
  ...fusedev,
  indexDetection: true,
  referrerDetection: true,
  stargz: true,
}
const tarfsVerity = Config.hostShare(root, "layer_block_with_verity")
const has = (given: Partial<Record<Labels.Key, string>>) => ({ labels: labels(given) })

const table: ReadonlyArray<
  readonly [
    row: LayerPrepare.Row,
    what: string,
    config: NydusConfig.NydusConfig,
    over: Partial<LayerPrepare.LayerFacts>,
    outcome: LayerPrepare.Outcome,
  ]
> = [
  [
    "A1.1",
    "driver proxy, with the layer's digest",
    proxy,
    has({ layerDigest: "sha256:a" }),
    skip({ proxyMode: "true" }),
  ],
  [
    "A1.1",
    "driver proxy, before anything else",
    proxy,
    has({ layerDigest: "d", nydusMeta: "" }),
    skip({ proxyMode: "true" }),
  ],
  ["A1.2", "driver proxy, without the layer's digest", proxy, {}, fails],
  ["A1.2", "driver proxy, with an empty digest", proxy, has({ layerDigest: "" }), fails],
  ["A1.3", "metadata of a nydus image", all, has({ nydusMeta: "true", nydusData: "true" }), unpack],
  ["A1.4", "data of a nydus image", all, { ...has({ nydusData: "" }), indexAlternative: "found" }, skip()],
  [
    "A1.5",
    "an alternative in the index",
    all,
    { indexAlternative: "found", referrer: "found" },
    skip({ indexAlternative: "true" }),
  ],
  ["A1.6", "a referring image", all, { referrer: "found", stargz: "prepared" }, skip()],
  ["A1.7", "an eStargz layer", all, { stargz: "prepared" }, skip({ stargz: "true" })],
  [
    "A1.8",
    "a tarfs with a disk",
    blockdev,
    { tarfs: converted(layer, "") },
    skip({ tarfs: hash, layerBlock: "" }),
  ],
  [
    "A1.8",
    "a tarfs with a hash tree",
    tarfsVerity,
    { tarfs: converted(verity, "1,2,x") },
    skip({ tarfs: hash, layerBlock: "1,2,x" }),
  ],
  [
    "A1.8",
    "a tarfs whose disk is there already",
    tarfsVerity,
    { tarfs: converted({ _tag: "Reuse", labels: labels({ layerBlock: "i" }) }, undefined) },
    skip({ tarfs: hash, layerBlock: "i" }),
  ],
  [
    "A1.8",
    "a tarfs of which the whole image is exported later",
    Config.hostShare(root, "image_block"),
    { tarfs: converted(layer, undefined) },
    skip({ tarfs: hash }),
  ],
  ["A1.8b", "no tarfs", blockdev, { tarfs: { _tag: "Refused", because: "no-hint" } }, unpack],
  ["A1.8c", "an export that failed", blockdev, { tarfs: converted(layer, undefined) }, fails],
  [
    "A1.8c",
    "an export that was refused",
    tarfsVerity,
    { tarfs: converted({ _tag: "Refuse", because: "x" }, undefined) },
    fails,
  ],
  ["A1.9", "an ordinary layer", all, {}, unpack],
  [
    "A1.9",
    "what nobody asks for",
    fusedev,
    { indexAlternative: "found", referrer: "found", stargz: "prepared", tarfs: converted(layer, "") },
    unpack,
  ],
]

describe("LayerPrepare", () => {
  for (const [row, what, config, over, outcome] of table)
    it(`${row}: ${what}`, () => {
      const decision = LayerPrepare.decide(config, { ...facts, ...over })
      assert.deepStrictEqual(decision, { row, outcome, doubts: [] })
      assert.match(LayerPrepare.explain(decision), new RegExp(`^${row}: .+\\.$`))
    })

  it("A1.7b: an eStargz layer without its table of contents is looked at further, and that is told", () => {
    const decision = LayerPrepare.decide(
      { ...blockdev, stargz: true },
      { ...facts, stargz: "failed", tarfs: converted(layer, "") },
    )
    assert.strictEqual(decision.row, "A1.8")
    assert.deepStrictEqual(decision.doubts as object, ["A1.7b"])
    assert.include(LayerPrepare.explain(decision), "A1.7b")
  })

  it("tells a lookup that failed, and not one that nobody wanted", () => {
    const failed = { ...facts, indexAlternative: "failed", referrer: "failed" } as const
    assert.deepStrictEqual(LayerPrepare.decide(all, failed).doubts as object, ["A1.5", "A1.6"])
    assert.deepStrictEqual(LayerPrepare.decide(fusedev, failed).doubts as object, [])
    assert.match(LayerPrepare.explain(LayerPrepare.decide(all, failed)), /A1\.5 could not be answered/)
  })
})
