import { assert, describe, it } from "vitest"
import { KataVolume } from "../src/index.ts"
import { hash } from "./Samples.ts"

const verity = { hashtype: "sha256", hash, blocknum: 8, blocksize: 512, hashsize: 4096, offset: 4096 }
const nydus = { config: "{}", snapshot_dir: "" }

/** Row, type, what makes it valid, and what each lack of it leaves. */
const table: ReadonlyArray<
  readonly [
    row: string,
    type: KataVolume.VolumeType,
    enough: Omit<KataVolume.KataVolume, "volume_type">,
    lacking: ReadonlyArray<Omit<KataVolume.KataVolume, "volume_type">>,
  ]
> = [
  [
    "F1",
    "direct_block",
    { source: "/dev/x", direct_volume: { metadata: {} } },
    [
      { source: "/dev/x" },
      { direct_volume: { metadata: {} } },
      { source: "", direct_volume: { metadata: {} } },
    ],
  ],
  ...(["F2 image_raw_block", "F3 layer_raw_block"] as const).map((name) => {
    const [row, type] = name.split(" ") as [string, KataVolume.VolumeType]
    return [
      row,
      type,
      { source: "/disk", dm_verity: verity },
      [{}, { source: "/disk", dm_verity: { ...verity, blocknum: 0 } }],
    ] as const
  }),
  ...(
    ["F4 image_nydus_block", "F5 layer_nydus_block", "F6 image_nydus_fs", "F7 layer_nydus_fs"] as const
  ).map((name) => {
    const [row, type] = name.split(" ") as [string, KataVolume.VolumeType]
    return [
      row,
      type,
      { source: "/boot", nydus_image: nydus },
      [
        { source: "/boot" },
        { nydus_image: nydus },
        { source: "/boot", nydus_image: { config: "", snapshot_dir: "" } },
      ],
    ] as const
  }),
  ["F8", "image_guest_pull", { image_pull: { metadata: {} } }, [{}, { source: "image" }]],
]

describe("KataVolume", () => {
  for (const [row, volume_type, enough, lacking] of table)
    it(`${row}: ${volume_type} needs exactly what it is made of`, () => {
      const volume = { volume_type, ...enough }
      assert.isUndefined(KataVolume.invalid(volume))
      for (const less of lacking)
        assert.isString(KataVolume.invalid({ volume_type, ...less }), JSON.stringify(less))
      assert.match(KataVolume.explain(volume), new RegExp(`^${row}: .+\\.$`))
    })

  it("F2: a disk may go unchecked", () => {
    assert.isUndefined(KataVolume.invalid({ volume_type: "image_raw_block", source: "/disk" }))
  })

  it("F4: a directory is as good as a configuration", () => {
    const volume = {
      volume_type: "image_nydus_block",
      source: "/b",
      nydus_image: { config: "", snapshot_dir: "/s" },
    } as const
    assert.isUndefined(KataVolume.invalid(volume))
  })
})
