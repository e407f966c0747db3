import { Result } from "effect"
import { assert, describe, it } from "vitest"
import { KataMount, RemoteMount } from "../src/index.ts"
import { blockdev, fusedev, labels, root } from "./Samples.ts"

const fs = (id: string) => `${root}/snapshots/${id}/fs`
const snapshot: RemoteMount.RemoteSnapshot = {
  id: "5",
  kind: "active",
  labels: {},
  parents: ["4", "3", "2"],
  image: "3",
  mountpoint: "/mnt/3",
  volumes: [],
  extra: { source: "/boot", config: "{}", snapshotdir: "/s", fs_version: "v6" },
}
const own = [`workdir=${root}/snapshots/5/work`, `upperdir=${fs("5")}`]
const options = (config = fusedev, over: Partial<RemoteMount.RemoteSnapshot> = {}) => [
  ...RemoteMount.options(config, { ...snapshot, ...over }),
]

describe("RemoteMount", () => {
  it("D1: volatile stands first, by label or by configuration", () => {
    assert.strictEqual(options(fusedev, { labels: labels({ volatile: "" }) })[0], "volatile")
    assert.strictEqual(options({ ...fusedev, volatile: true })[0], "volatile")
    assert.notInclude(options(), "volatile")
  })

  it("D2: only what nydus mounted, or the directory where it mounted nothing", () => {
    assert.strictEqual(options().at(-1), "lowerdir=/mnt/3")
    assert.strictEqual(options(fusedev, { mountpoint: undefined }).at(-1), `lowerdir=${fs("3")}`)
  })

  it("D2: with detection also the layers above the image", () => {
    for (const detecting of [{ indexDetection: true }, { referrerDetection: true }])
      assert.strictEqual(options({ ...fusedev, ...detecting }).at(-1), `lowerdir=${fs("4")}:/mnt/3`)
  })

  it("D3: an active snapshot has a work and an upper directory, a view is the last lower one", () => {
    assert.deepStrictEqual(options().slice(0, 2), own)
    assert.deepStrictEqual(options(fusedev, { kind: "view" }), [`lowerdir=/mnt/3:${fs("5")}`])
    assert.deepStrictEqual(options(fusedev, { kind: "view", image: "5", mountpoint: "/mnt/5" }), [
      "lowerdir=/mnt/5:/mnt/5",
    ])
  })

  it("D4: the lower directories are one option, and the last", () => {
    const all = options({ ...fusedev, indexDetection: true, volatile: true })
    assert.deepStrictEqual(all, ["volatile", ...own, `lowerdir=${fs("4")}:/mnt/3`])
  })

  for (const [row, config] of [
    ["D5.kata", blockdev],
    ["D5.kata", { ...fusedev, kataVolume: true, nydusOverlayfs: true }],
    ["D5.extra", { ...fusedev, nydusOverlayfs: true }],
    ["D5.extra", { ...blockdev, kataVolume: false }],
    ["D5.plain", fusedev],
  ] as const)
    it(`${row}: with${config.kataVolume ? "" : "out"} Kata volumes, ${config.nydusOverlayfs ? "nydus-overlayfs" : `daemon mode ${config.daemon}`}`, () => {
      assert.strictEqual(RemoteMount.wrapper(config), row)
      assert.match(RemoteMount.explain(row), new RegExp(`^${row}: .+\\.$`))
    })

  for (const row of ["D1", "D2", "D3", "D4"] as const)
    it(`${row}: is explained`, () => {
      assert.match(RemoteMount.explain(row), new RegExp(`^${row}: .+\\.$`))
    })

  it("D5.kata: carries the volumes, and fails where one is not valid", () => {
    const volumes = [KataMount.guestPull({})]
    const found = Result.getOrThrow(RemoteMount.mount(blockdev, { ...snapshot, volumes }))
    assert.deepStrictEqual([found.row, found.mount.type], ["D5.kata", "fuse.nydus-overlayfs"])
    const wrong = { ...snapshot, volumes: [{ volume_type: "image_raw_block" as const }] }
    assert.isTrue(Result.isFailure(RemoteMount.mount(blockdev, wrong)))
  })

  it("D5.extra: carries metadata and configuration of the image behind the overlay's options", () => {
    const config = { ...fusedev, nydusOverlayfs: true, overlayfsProgram: "/opt/nydus-overlayfs" }
    const { mount } = Result.getOrThrow(RemoteMount.mount(config, snapshot))
    assert.strictEqual(mount.type, "fuse./opt/nydus-overlayfs")
    const option = mount.options.at(-1)!
    assert.strictEqual(
      Buffer.from(option.replace("extraoption=", ""), "base64").toString(),
      '{"source":"/boot","config":"{}","snapshotdir":"/s","fs_version":"v6"}',
    )
  })

  it("D5.plain: is the kernel's overlay", () => {
    const { mount } = Result.getOrThrow(RemoteMount.mount(fusedev, snapshot))
    assert.deepStrictEqual(mount as object, { type: "overlay", source: "overlay", options: options() })
  })
})
