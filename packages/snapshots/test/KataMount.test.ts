import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { KataMount, type KataVolume, KataVolumeText, type Labels } from "../src/index.ts"
import { hash, labels, proxy, root } from "./Samples.ts"

type Given = Partial<Record<Labels.Key, string>>

const link = (kind: KataMount.Link["kind"], given: Given = {}): KataMount.Link => ({
  kind,
  labels: labels(given),
})
const volumes = (image: Given, ...chain: ReadonlyArray<KataMount.Link>) =>
  KataMount.volumes(labels(image), chain, "/cache")
const verity = `8,4096,sha256:${hash}`
const dm_verity = { hashtype: "sha256", hash, blocknum: 8, blocksize: 512, hashsize: 4096, offset: 4096 }
const disk = (kind: "image" | "layer", blob: string): KataVolume.KataVolume => ({
  volume_type: `${kind}_raw_block`,
  source: `/cache/${blob}.${kind}.disk`,
  fs_type: "erofs",
  options: ["ro"],
})

describe("KataMount", () => {
  it("F9: the guest pulls the image; the volume has the digest of its topmost layer and not its name", () => {
    const image = labels({
      proxyMode: "true",
      imageRef: "quay.io/a/b:1",
      layerDigest: "sha256:a",
      target: "t",
    })
    const { row, volumes: found } = Result.getOrThrow(KataMount.volumes(image, [], "/cache"))
    assert.strictEqual(row, "F9")
    const taken = labels({ layerDigest: "sha256:a", proxyMode: "true" })
    assert.deepStrictEqual(found as object, [
      {
        volume_type: "image_guest_pull",
        source: "dummy-image-reference",
        options: Object.entries(taken).map(([key, value]) => `${key}=${value}`),
        image_pull: { metadata: taken },
      },
    ])
  })

  it("F9: an image whose layer is not named is pulled all the same", () => {
    const found = Result.getOrThrow(volumes({ proxyMode: "" })).volumes
    assert.deepStrictEqual(found as object, [KataMount.guestPull(labels({ proxyMode: "true" }))])
  })

  it("an annotation with the image's name would be the source", () => {
    assert.strictEqual(KataMount.guestPull(labels({ imageRef: "quay.io/a/b:1" })).source, "quay.io/a/b:1")
  })

  it("F9: an image without a name gets one that stands for none", () => {
    for (const image of [{}, labels({ imageRef: "" })])
      assert.strictEqual(KataMount.guestPull(image).source, KataMount.namelessImage)
  })

  it("F10: one disk of the image, checked where the label says how", () => {
    assert.deepStrictEqual(Result.getOrThrow(volumes({ tarfs: "a", imageBlock: "", layerBlock: "" })), {
      row: "F10",
      volumes: [disk("image", "a")],
    })
    assert.deepStrictEqual(Result.getOrThrow(volumes({ tarfs: "a", imageBlock: verity })).volumes as object, [
      { ...disk("image", "a"), dm_verity },
    ])
  })

  it("F11: one disk for each layer from the top down, stepping over what is written on", () => {
    const chain = [
      link("active"),
      link("committed", { tarfs: "b", layerBlock: verity }),
      link("committed", { tarfs: "a", layerBlock: verity }),
    ]
    assert.deepStrictEqual(Result.getOrThrow(volumes({ tarfs: "b", layerBlock: verity }, ...chain)), {
      row: "F11",
      volumes: [
        { ...disk("layer", "b"), dm_verity },
        { ...disk("layer", "a"), dm_verity },
      ],
    })
  })

  it("F11: a layer whose label is missing is taken without verity, and refused with it", () => {
    const chain = (label: string) => [
      link("committed", { tarfs: "b", layerBlock: label }),
      link("committed", { tarfs: "a" }),
    ]
    assert.deepStrictEqual(
      Result.getOrThrow(volumes({ tarfs: "b", layerBlock: "" }, ...chain(""))).volumes as object,
      [disk("layer", "b"), disk("layer", "a")],
    )
    assert.isTrue(Result.isFailure(volumes({ tarfs: "b", layerBlock: verity }, ...chain(verity))))
  })

  it("F11: an image with a layer that was unpacked in the ordinary way is refused", () => {
    const chain = [link("committed", { tarfs: "b", layerBlock: "" }), link("committed")]
    assert.isTrue(Result.isFailure(volumes({ tarfs: "b", layerBlock: "" }, ...chain)))
  })

  it("F12: nothing without a disk", () => {
    for (const image of [{}, { tarfs: "a" }, { layerBlock: "" }, { imageBlock: "" }])
      assert.deepStrictEqual(Result.getOrThrow(volumes(image)), { row: "F12", volumes: [] })
  })

  it("refuses a label that cannot be read", () => {
    assert.isTrue(Result.isFailure(volumes({ tarfs: "a", imageBlock: "x" })))
  })

  it("mounts with the kernel's overlay without volumes, and with nydus' program otherwise", () => {
    assert.strictEqual(Result.getOrThrow(KataMount.mount(proxy, ["a"], [])).type, "overlay")
    const mount = Result.getOrThrow(KataMount.mount(proxy, ["a"], [disk("image", "x"), disk("layer", "y")]))
    assert.strictEqual(mount.type, "fuse.nydus-overlayfs")
    assert.strictEqual(mount.options[0], "a")
    assert.deepStrictEqual(
      mount.options.slice(1).map((option) => Result.getOrThrow(KataVolumeText.parse(option))) as object,
      [disk("image", "x"), disk("layer", "y")],
    )
  })

  it("hands the layers of another snapshotter to the guest, or the place of all snapshots without any", () => {
    const active = Result.getOrThrow(
      KataMount.rescue(proxy, { id: "5", kind: "active", parents: ["4", "3"] }),
    )
    assert.deepStrictEqual(active.options.slice(0, 3) as object, [
      `workdir=${root}/snapshots/5/work`,
      `upperdir=${root}/snapshots/5/fs`,
      `lowerdir=${root}/snapshots/4/fs:${root}/snapshots/3/fs`,
    ])
    assert.deepStrictEqual(Result.getOrThrow(KataVolumeText.parse(active.options[3]!)), {
      volume_type: "image_guest_pull",
      source: KataMount.namelessImage,
      image_pull: { metadata: {} },
    })
    const view = Result.getOrThrow(KataMount.rescue(proxy, { id: "5", kind: "view", parents: [] }))
    assert.strictEqual(view.options[0], `lowerdir=${root}/snapshots`)
  })

  for (const row of ["F9", "F10", "F11", "F12"] as const)
    it(`${row}: is explained`, () => {
      assert.match(KataMount.explain({ row }), new RegExp(`^${row}: .+\\.$`))
    })
})
