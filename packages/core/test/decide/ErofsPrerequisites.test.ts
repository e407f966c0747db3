import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ErofsPrerequisites } from "../../src/index.ts"

const nothing: ErofsPrerequisites.KernelWitnesses = {
  sysModules: undefined,
  procModules: undefined,
  procConfig: undefined,
  bootConfig: undefined,
}

const kernel: ReadonlyArray<
  readonly [
    what: string,
    seen: Partial<ErofsPrerequisites.KernelWitnesses>,
    answer: ReturnType<typeof ErofsPrerequisites.kernelFeature>,
  ]
> = [
  ["a directory of its module", { sysModules: ["ext4", "dm_mod"] }, "present"],
  ["its module among the loaded ones", { procModules: "ext4 1 0\ndm_mod 155648 0 - Live 0x0\n" }, "present"],
  ["a module whose name only begins like it", { procModules: "dm_mod_x 1 0 - Live 0x0\n" }, "absent"],
  ["its name behind the first word of a line", { procModules: "dax 1 1 dm_mod, Live 0x0\n" }, "absent"],
  ["its symbol built in", { procConfig: "# x\nCONFIG_BLK_DEV_DM=y\n" }, "present"],
  ["its symbol built in, by the other file", { bootConfig: "CONFIG_BLK_DEV_DM=y" }, "present"],
  ["its symbol as a module", { procConfig: "CONFIG_BLK_DEV_DM=m\n" }, "loadable"],
  [
    "its symbol as a module that is loaded",
    { procConfig: "CONFIG_BLK_DEV_DM=m\n", sysModules: ["dm_mod"] },
    "present",
  ],
  ["a symbol that only begins like it", { procConfig: "CONFIG_BLK_DEV_DM_BUILTIN=y\n" }, "absent"],
  ["its symbol not set", { bootConfig: "# CONFIG_BLK_DEV_DM is not set\n" }, "absent"],
  ["its symbol in a comment", { bootConfig: "# CONFIG_BLK_DEV_DM=y\n" }, "absent"],
  ["no module at all", { sysModules: [], procModules: "" }, "absent"],
  ["nothing", {}, "unknown"],
]

const bytes = (text: string): Uint8Array => Uint8Array.from(text, (char) => char.charCodeAt(0))

describe("ErofsPrerequisites", () => {
  for (const [what, seen, answer] of kernel)
    it(`calls a feature ${answer} by ${what}`, () => {
      assert.strictEqual(ErofsPrerequisites.kernelFeature("device-mapper", { ...nothing, ...seen }), answer)
    })

  it("knows module and symbol of each feature", () => {
    for (const [name, { module, symbol }] of Object.entries(ErofsPrerequisites.kernelFeatures)) {
      const feature = name as ErofsPrerequisites.KernelFeature
      for (const seen of [{ sysModules: [module] }, { procConfig: `${symbol}=y\n` }])
        assert.strictEqual(ErofsPrerequisites.kernelFeature(feature, { ...nothing, ...seen }), "present")
    }
  })

  it("finds the build options of the running kernel by its release", () => {
    assert.strictEqual(ErofsPrerequisites.bootConfigPath("6.1.0-13-amd64\n"), "/boot/config-6.1.0-13-amd64")
  })

  for (const [text, found] of [
    ["sort\0", true],
    ["\0sort\0", true],
    [" sort\0", true],
    ["\x7fsort\0", true],
    ["\xffsort\0", true],
    ["qsort\0", false],
    ["--sort\0", false],
    ["sorted\0", false],
    ["sort", false],
    ["sosort\0", false],
    ["xsort\0\0sort\0", true],
    ["", false],
  ] as const)
    it(`${found ? "finds" : "does not find"} the option sort in ${JSON.stringify(text)}`, () => {
      assert.strictEqual(ErofsPrerequisites.hasOption(bytes(text), "sort"), found)
    })

  it("finds an option exactly where a plain reading of all strings does", () => {
    const piece = fc.constantFrom("s", "o", "so", "sort", "\0", " ", "-", "\x01", "\x7f")
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("")
        // oxlint-disable-next-line no-control-regex -- C strings end with a NUL
        const plain = /(?:^|[^\x21-\x7e])sort\0/.test(text)
        assert.strictEqual(ErofsPrerequisites.hasOption(bytes(text), "sort"), plain)
      }),
    )
  })

  it("names the options that are missing", () => {
    assert.deepStrictEqual(
      [...ErofsPrerequisites.missingMkfsOptions(bytes("\0sort\0mkfs-timestamp\0"))],
      ["mkfs-time"],
    )
    assert.deepStrictEqual([...ErofsPrerequisites.missingMkfsOptions(bytes("\0sort\0mkfs-time\0"))], [])
  })
})
