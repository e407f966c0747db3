import { assert, describe, it } from "vitest"
import { Labels } from "../src/index.ts"

describe("Labels", () => {
  it("counts a label by its presence, also with an empty value", () => {
    const found = Labels.one("imageBlock", "")
    assert.isTrue(Labels.has(found, "imageBlock"))
    assert.strictEqual(Labels.valueOf(found, "imageBlock"), "")
    assert.isUndefined(Labels.valueOf(found, "layerBlock"))
  })

  it("does not take what every object has for a label", () => {
    assert.isFalse(Labels.has({}, "target"))
    assert.isUndefined(
      Labels.valueOf(Object.create({ [Labels.keys.target]: "x" }) as object as Labels.Labels, "target"),
    )
  })

  it("keeps only what containerd hands on", () => {
    assert.deepStrictEqual(
      Labels.inherited({
        "containerd.io/snapshot.ref": "a",
        "containerd.io/snapshot/x": "b",
        "containerd.io/snapshotter": "c",
        "containerd.io/gc.root": "d",
      }) as object,
      { "containerd.io/snapshot.ref": "a", "containerd.io/snapshot/x": "b" },
    )
  })
})
