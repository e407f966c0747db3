import { assert, describe, it } from "@effect/vitest"
import { ErofsPrerequisites, Fact, HostCheck, ProbeFile } from "../../../src/index.ts"
import { settings } from "../../Sample.ts"

const erofs = { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" }

const good: HostCheck.SnapshotterFit.SnapshotterFacts = {
  runtime: "containerd",
  version: "containerd://2.2.1",
  kernel: {
    sysModules: ["erofs", "dm_mod", "dm_verity", "fsverity"],
    procModules: undefined,
    procConfig: undefined,
    bootConfig: undefined,
  },
  mkfs: { _tag: "Found", path: "/usr/bin/mkfs.erofs", missingOptions: [] },
}

const unseen = { ...good.kernel, sysModules: undefined }

const findings = (
  variables: Readonly<Record<string, string>>,
  facts: Partial<HostCheck.SnapshotterFit.SnapshotterFacts> = {},
  configs: Readonly<Record<string, string>> = {},
) => HostCheck.SnapshotterFit.findings(settings(variables, configs), { ...good, ...facts })

const codes = (...given: Parameters<typeof findings>) => findings(...given).problems.map((p) => p.code)

describe("SnapshotterFit", () => {
  it("has nothing to say where nothing is to be set up", () => {
    assert.deepStrictEqual(findings({}), { problems: [], notices: [] })
    assert.deepStrictEqual(findings({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus," }), {
      problems: [],
      notices: [],
    })
  })

  it("brings in what concerns nydus", () => {
    const { notices, problems } = findings(
      { EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus-hs" },
      { nydusPrograms: Fact.known(new Set<string>()) },
    )
    assert.deepStrictEqual(
      problems.map((p) => p.code),
      ["E_NYDUS_PROGRAM_MISSING"],
    )
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["nydus-hs-guest", "nydus-hs-registry"],
    )
  })

  it("refuses a snapshotter that nobody can set up", () => {
    assert.deepStrictEqual(codes({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus,foo" }), [
      "E_UNSUPPORTED_SNAPSHOTTER",
    ])
  })

  it("only warns with CRI-O, whatever is asked for", () => {
    const { notices, problems } = findings(
      { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs,foo" },
      { runtime: "crio", version: "cri-o://1.34.0" },
    )
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["snapshotters-need-containerd"],
    )
  })

  it("accepts erofs where everything is there, and still speaks of the filesystem", () => {
    const { notices, problems } = findings(erofs)
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["fs-verity"],
    )
  })

  for (const [what, facts, code] of [
    ["containerd 2.1", { version: "containerd://2.1.5" }, "E_CONTAINERD_TOO_OLD_FOR_EROFS"],
    ["a version that cannot be read", { version: "containerd://new" }, "E_RUNTIME_VERSION_UNKNOWN"],
    ["a version that nobody knows", { version: undefined }, "E_RUNTIME_VERSION_UNKNOWN"],
    ["a kernel without erofs", { kernel: { ...unseen, sysModules: [] } }, "E_KERNEL_FEATURE_MISSING"],
    [
      "a kernel whose erofs is not loaded",
      { kernel: { ...unseen, procConfig: "CONFIG_EROFS_FS=m\n" } },
      "E_KERNEL_FEATURE_MISSING",
    ],
    ["no mkfs.erofs", { mkfs: { _tag: "Absent" } }, "E_MKFS_EROFS_MISSING"],
    [
      "an old mkfs.erofs",
      { mkfs: { _tag: "Found", path: "/usr/bin/mkfs.erofs", missingOptions: ["sort"] } },
      "E_MKFS_EROFS_TOO_OLD",
    ],
  ] as const)
    it(`refuses erofs with ${what}, and only that`, () => {
      assert.deepStrictEqual(codes(erofs, facts), [code])
      assert.deepStrictEqual(
        findings(erofs, facts).notices.map((n) => n.code),
        ["fs-verity"],
      )
    })

  it("refuses the same on a runtime that nobody knows, which is another finding's business", () => {
    assert.deepStrictEqual(codes(erofs, { runtime: "docker", mkfs: { _tag: "Absent" } }), [
      "E_MKFS_EROFS_MISSING",
    ])
  })

  it("says where mkfs.erofs was looked for, and from which release on erofs-utils has it", () => {
    const [absent] = findings(erofs, { mkfs: { _tag: "Absent" } }).problems
    for (const directory of ErofsPrerequisites.mkfsDirectories)
      assert.match(absent!.message, new RegExp(`[( ]${directory}[,)]`))
    const [old] = findings(erofs, {
      mkfs: { _tag: "Found", path: "/usr/bin/mkfs.erofs", missingOptions: ["sort"] },
    }).problems
    const [unknown] = findings(erofs, { mkfs: { _tag: "Unknown", why: "/usr is not mounted" } }).notices
    for (const found of [absent, old, unknown]) assert.include(found!.remedy, "erofs-utils 1.8.2")
  })

  it("only warns of what it does not refuse", () => {
    const unknown = { kernel: unseen, mkfs: { _tag: "Unknown", why: "/usr is not mounted" } } as const
    const crio = { runtime: "crio", version: "cri-o://1.34.0" }
    for (const { severity } of [...findings(erofs, unknown).notices, ...findings(erofs, crio).notices])
      assert.strictEqual(severity, "warning")
  })

  it("says how to load a module that is only not loaded", () => {
    const [problem] = findings(erofs, { kernel: { ...unseen, bootConfig: "CONFIG_EROFS_FS=m\n" } }).problems
    assert.include(problem!.remedy, "modprobe erofs")
  })

  it("wants device-mapper and dm-verity only for dm-verity", () => {
    const kernel = { ...unseen, sysModules: ["erofs"] }
    assert.deepStrictEqual(codes(erofs, { kernel }), [])
    const verity = { ...erofs, EROFS_DMVERITY: "on" }
    assert.deepStrictEqual(codes(verity, { kernel, version: "containerd://2.3.0" }), [
      "E_KERNEL_FEATURE_MISSING",
      "E_KERNEL_FEATURE_MISSING",
    ])
    assert.deepStrictEqual(codes(verity), ["E_CONTAINERD_TOO_OLD_FOR_DMVERITY"])
  })

  it("refuses nothing over what could not be seen, and says what to check", () => {
    const { notices, problems } = findings(erofs, {
      kernel: unseen,
      mkfs: { _tag: "Unknown", why: "/usr is not mounted" },
    })
    assert.deepStrictEqual(problems, [])
    assert.deepStrictEqual(
      notices.map((n) => n.code),
      ["kernel-feature-unknown", "mkfs-erofs-unknown", "fs-verity"],
    )
  })

  it("does not speak of the filesystem where a probe file has settled it", () => {
    const codesOf = (fsverity: ProbeFile.Tried) =>
      findings(erofs, { probeFile: { fsverity, immutable: ProbeFile.accepted } }).notices.map((n) => n.code)
    assert.deepStrictEqual(codesOf(ProbeFile.accepted), [])
    assert.deepStrictEqual(codesOf(ProbeFile.refused("it is tape")), [])
    assert.deepStrictEqual(codesOf(ProbeFile.unknown("it is out of sight")), ["fs-verity"])
  })

  it("finds Go shims on merged layers before the node is changed, custom runtimes too", () => {
    const variables = {
      ...erofs,
      SHIMS_X86_64: "qemu qemu-runtime-rs",
      SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs,qemu-runtime-rs:erofs",
      CUSTOM_RUNTIMES_ENABLED: "true",
    }
    const configs = { "custom-runtimes.list": "kata-mine:clh:erofs:" }
    const [problem] = findings(variables, {}, configs).problems
    assert.strictEqual(problem?.code, "E_EROFS_MERGED_GO_SHIM")
    assert.match(problem!.message, /^qemu, kata-mine would/)
    assert.deepStrictEqual(codes({ ...variables, EROFS_MERGE_MODE: "unmerged" }, {}, configs), [])
  })

  it("does not guard an erofs that it does not set up", () => {
    assert.deepStrictEqual(codes({ SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs" }), [])
  })
})
