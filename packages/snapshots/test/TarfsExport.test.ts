import { assert, describe, it } from "vitest"
import { TarfsExport } from "../src/index.ts"
import { exportModes, labels } from "./Samples.ts"

const absent: TarfsExport.Disk = { _tag: "Absent" }
const nothing = { _tag: "Nothing" } as const
const make = (label: "layerBlock" | "imageBlock", verity: boolean) =>
  ({ _tag: "Export", label, verity }) as const

/** Mode, what each layer gets, what the whole image gets. */
const table = [
  ["X1", "none", nothing, nothing],
  ["X2", "layer_verity_only", make("layerBlock", true), nothing],
  ["X3", "image_verity_only", nothing, make("imageBlock", true)],
  ["X4", "layer_block", make("layerBlock", false), { _tag: "Mark", labels: labels({ layerBlock: "" }) }],
  ["X5", "image_block", nothing, make("imageBlock", false)],
  ["X6", "layer_block_with_verity", make("layerBlock", true), nothing],
  ["X7", "image_block_with_verity", nothing, make("imageBlock", true)],
] as const

describe("TarfsExport", () => {
  for (const [row, mode, layer, image] of table)
    it(`${row}: ${mode}`, () => {
      assert.deepStrictEqual(TarfsExport.ofLayer(mode, absent) as object, layer)
      assert.deepStrictEqual(TarfsExport.ofImage(mode, absent, 1) as object, image)
      assert.match(TarfsExport.explain(mode), new RegExp(`^${row}: .+\\.$`))
    })

  it("does its work at one of the two moments, and never at both", () => {
    for (const mode of exportModes) {
      const moments = [TarfsExport.ofLayer(mode, absent), TarfsExport.ofImage(mode, absent, 1)]
      assert.isAtMost(moments.filter(({ _tag }) => _tag === "Export").length, 1, mode)
    }
  })

  it("makes nothing in a mode that it does not know", () => {
    for (const text of ["", "layer", "toString"]) assert.strictEqual(TarfsExport.parse(text), "none")
    assert.strictEqual(TarfsExport.parse("image_block"), "image_block")
  })

  it("copies the label of a disk that layers share, and refuses where it is not known", () => {
    const shared = (verity: string | undefined) =>
      TarfsExport.ofLayer("layer_block_with_verity", { _tag: "Present", verity })
    assert.deepStrictEqual(shared("1,4096,sha256:x"), {
      _tag: "Reuse",
      labels: labels({ layerBlock: "1,4096,sha256:x" }),
    })
    assert.strictEqual(shared(undefined)._tag, "Refuse")
    assert.deepStrictEqual(TarfsExport.ofImage("image_block", { _tag: "Present", verity: undefined }, 2), {
      _tag: "Reuse",
      labels: labels({ imageBlock: "" }),
    })
  })

  it("refuses an image without a layer", () => {
    for (const mode of ["image_block", "layer_block"] as const)
      assert.strictEqual(TarfsExport.ofImage(mode, absent, 0)._tag, "Refuse")
    assert.deepStrictEqual(TarfsExport.ofImage("none", absent, 0), nothing)
  })
})
