import { assert, describe, it } from "@effect/vitest"
import { Fact, HostCheck, type SnapshotterSetup } from "../../../src/index.ts"
import { settings } from "../../Sample.ts"

const { NydusFit } = HostCheck

const kernel = { sysModules: ["erofs"], procModules: undefined, procConfig: undefined, bootConfig: undefined }
const share = { EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus-hs" }
const enough = Fact.known(new Set(["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"]))

const asked = (variables: Readonly<Record<string, string>>, configs: Readonly<Record<string, string>> = {}) =>
  settings(variables, configs)
const notices = (
  variables: Readonly<Record<string, string>>,
  facts: Partial<Parameters<typeof NydusFit.notices>[1]> = {},
  configs: Readonly<Record<string, string>> = {},
) =>
  NydusFit.notices(asked(variables, configs), { kernel, nydusPrograms: enough, ...facts }).map((n) => n.code)
const problems = (
  variables: Readonly<Record<string, string>>,
  nydusPrograms?: SnapshotterSetup.NydusPrograms,
) =>
  NydusFit.problems(
    asked(variables),
    nydusPrograms === undefined ? { kernel } : { kernel, nydusPrograms },
  ).map((p) => p.code)

describe("NydusFit", () => {
  it("has nothing to say where nydus is not to be set up", () => {
    assert.deepStrictEqual(notices({}, { nydusPrograms: Fact.unknown("failed", "x") }), [])
    assert.deepStrictEqual(problems({}, Fact.known(new Set())), [])
  })

  it("misses nydus-image for host sharing only", () => {
    const without = Fact.known(new Set(["containerd-nydus-grpc", "nydus-overlayfs"]))
    assert.deepStrictEqual(problems(share, without), ["E_NYDUS_PROGRAM_MISSING"])
    assert.deepStrictEqual(problems({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }, without), [])
    assert.deepStrictEqual(problems(share, enough), [])
  })

  it("does not refuse what it could not see, and says so unless it was not to look", () => {
    const unseen = Fact.unknown("failed", "no permission")
    assert.deepStrictEqual(problems(share, unseen), [])
    assert.include(notices(share, { nydusPrograms: unseen }), "nydus-programs-unknown")
    assert.deepStrictEqual(problems(share), [])
  })

  it("speaks of guests and of registries for host sharing in any case", () => {
    assert.deepStrictEqual(notices(share), ["nydus-hs-guest", "nydus-hs-registry"])
    assert.deepStrictEqual(notices({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }), [])
  })

  for (const [what, seen] of [
    ["has no EROFS", { sysModules: [] }],
    ["has EROFS as a module", { sysModules: [], bootConfig: "CONFIG_EROFS_FS=m" }],
    ["could not be seen", { sysModules: undefined }],
  ] as const)
    it(`warns when the kernel of the host ${what}`, () => {
      assert.include(notices(share, { kernel: { ...kernel, ...seen } }), "nydus-hs-host-kernel")
    })

  it("warns about shims and custom runtimes that share and pull at once", () => {
    const mapped = { ...share, SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus-hs" }
    const both = "nydus-hs-with-guest-pull"
    assert.notInclude(notices(mapped), both)
    assert.include(notices({ ...mapped, PULL_TYPE_MAPPING_X86_64: "qemu:guest-pull" }), both)
    assert.include(notices({ ...mapped, EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }), both)
    const custom = (line: string) =>
      notices({ ...share, CUSTOM_RUNTIMES_ENABLED: "true" }, {}, { "custom-runtimes.list": line })
    assert.include(custom("kata-mine:qemu:nydus-hs:guest-pull"), both)
    assert.notInclude(custom("kata-mine:qemu:nydus:guest-pull"), both)
    assert.notInclude(custom("kata-mine:qemu:nydus-hs:"), both)
  })
})
