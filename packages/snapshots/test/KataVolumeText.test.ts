import { Result } from "effect"
import * as fc from "fast-check"
import { assert, describe, it } from "vitest"
import { type KataVolume, KataVolumeText } from "../src/index.ts"
import { hash } from "./Samples.ts"

const json = (option: string): string =>
  Buffer.from(option.slice(KataVolumeText.optionName.length + 1), "base64").toString("utf8")
const optionOf = (text: string): string =>
  `${KataVolumeText.optionName}=${Buffer.from(text).toString("base64")}`

const text = fc.string({ minLength: 1, unit: "grapheme" })
const metadata = fc.dictionary(fc.string({ unit: "grapheme" }), text)
const more = { fs_type: text, options: fc.array(text, { minLength: 1 }) }

/** Valid volumes of every type. */
const volume: fc.Arbitrary<KataVolume.KataVolume> = fc.oneof(
  fc.record({
    volume_type: fc.constant("direct_block" as const),
    source: text,
    direct_volume: fc.record({ metadata }),
  }),
  fc.record(
    {
      volume_type: fc.constantFrom("image_raw_block", "layer_raw_block" as const),
      source: text,
      ...more,
      dm_verity: fc.record({
        hashtype: fc.constant("sha256"),
        hash: fc.constant(hash),
        blocknum: fc.integer({ min: 1, max: 1000 }),
        blocksize: fc.constant(512),
        hashsize: fc.constant(4096),
        offset: fc.integer({ min: 125, max: 2 ** 30 }).map((blocks) => blocks * 4096),
      }),
    },
    { requiredKeys: ["volume_type", "source"] },
  ),
  fc.record({
    volume_type: fc.constantFrom(
      "image_nydus_block",
      "layer_nydus_block",
      "image_nydus_fs",
      "layer_nydus_fs" as const,
    ),
    source: text,
    nydus_image: fc.record({ config: text, snapshot_dir: fc.string() }),
  }),
  fc.record(
    {
      volume_type: fc.constant("image_guest_pull" as const),
      source: text,
      ...more,
      image_pull: fc.record({ metadata }),
    },
    { requiredKeys: ["volume_type", "image_pull"] },
  ),
) as fc.Arbitrary<KataVolume.KataVolume>

/** The same value with the keys of every object the other way round. */
const reversed = (value: unknown): unknown =>
  Array.isArray(value) || typeof value !== "object" || value === null
    ? value
    : Object.fromEntries(
        Object.entries(value)
          .map(([key, inner]) => [key, reversed(inner)] as const)
          .toReversed(),
      )

describe("KataVolumeText", () => {
  it("reads what it writes", () => {
    fc.assert(
      fc.property(volume, (given) => {
        const option = Result.getOrThrow(KataVolumeText.option(given))
        assert.deepStrictEqual(Result.getOrThrow(KataVolumeText.parse(option)), given)
      }),
    )
  })

  it("writes the same bytes whatever the order of keys", () => {
    fc.assert(
      fc.property(volume, (given) => {
        assert.deepStrictEqual(
          KataVolumeText.option(reversed(given) as KataVolume.KataVolume),
          KataVolumeText.option(given),
        )
      }),
    )
  })

  it("writes as Go does: fields in their order, empty ones left out, keys sorted, HTML escaped", () => {
    const option = KataVolumeText.option({
      image_pull: { metadata: { b: "<&>\u2028", a: "1" } },
      options: [],
      fs_type: "",
      source: "image",
      volume_type: "image_guest_pull",
    })
    assert.strictEqual(
      json(Result.getOrThrow(option)),
      '{"volume_type":"image_guest_pull","source":"image","image_pull":{"metadata":{"a":"1","b":"\\u003c\\u0026\\u003e\\u2028"}}}',
    )
  })

  it("ignores fields that it does not know, as Go does", () => {
    assert.deepStrictEqual(
      Result.getOrThrow(
        KataVolumeText.parse(
          optionOf('{"volume_type":"image_guest_pull","new":1,"image_pull":{"metadata":{}}}'),
        ),
      ),
      { volume_type: "image_guest_pull", image_pull: { metadata: {} } },
    )
  })

  it("neither writes nor reads a volume that is not valid", () => {
    assert.isTrue(Result.isFailure(KataVolumeText.option({ volume_type: "image_raw_block" })))
    assert.isTrue(Result.isFailure(KataVolumeText.parse(optionOf('{"volume_type":"image_raw_block"}'))))
  })

  for (const [what, option] of [
    ["another option", "lowerdir=/secret"],
    ["what is not base64", `${KataVolumeText.optionName}=secret`],
    ["what is not JSON", optionOf("secret")],
    ["another type", optionOf('{"volume_type":"secret"}')],
    ["a field of another type", optionOf('{"volume_type":"image_raw_block","source":["secret"]}')],
  ] as const)
    it(`refuses ${what} and repeats nothing of it`, () => {
      const failure = Result.getOrThrow(Result.flip(KataVolumeText.parse(option)))
      assert.notInclude(failure, "secret")
    })
})
