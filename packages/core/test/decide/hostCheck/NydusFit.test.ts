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
    const said = NydusFit.notices(asked(share), { kernel, nydusPrograms: unseen })
    const [notice] = said.filter(({ code }) => code === "nydus-programs-unknown")
    assert.strictEqual(notice?.severity, "warning")
    assert.include(notice?.message, "no permission")
    assert.deepStrictEqual(problems(share), [])
  })

  it("speaks of guests and of registries for host sharing in any case", () => {
    assert.deepStrictEqual(notices(share), ["nydus-hs-guest", "nydus-hs-registry"])
    assert.deepStrictEqual(notices({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }), [])
  })

  it("warns when the kernel of the host has no EROFS, has not loaded it or could not be seen, and says which", () => {
    const messages = [
      { sysModules: [] },
      { sysModules: [], bootConfig: "CONFIG_EROFS_FS=m" },
      { sysModules: undefined },
    ].map((seen) => {
      const facts = { kernel: { ...kernel, ...seen }, nydusPrograms: enough }
      const said = NydusFit.notices(asked(share), facts)
      const [notice] = said.filter(({ code }) => code === "nydus-hs-host-kernel")
      assert.strictEqual(notice?.severity, "warning")
      return notice!.message
    })
    assert.match(messages[0]!, /has no EROFS/)
    assert.match(messages[1]!, /not loaded/)
    assert.match(messages[2]!, /could not be seen/)
  })

  it("warns about shims and custom runtimes that share and pull at once", () => {
    const mapped = { ...share, SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus-hs" }
    const both = "nydus-hs-with-guest-pull"
    const pulls = {
      EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus",
      SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus",
    }
    assert.notInclude(notices({ ...pulls, PULL_TYPE_MAPPING_X86_64: "qemu:guest-pull" }), both)
    assert.notInclude(notices(mapped), both)
    assert.include(notices({ ...mapped, PULL_TYPE_MAPPING_X86_64: "qemu:guest-pull" }), both)
    assert.include(notices({ ...mapped, EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }), both)
    const custom = (line: string) =>
      notices({ ...share, CUSTOM_RUNTIMES_ENABLED: "true" }, {}, { "custom-runtimes.list": line })
    assert.include(custom("kata-mine:qemu:nydus-hs:guest-pull"), both)
    const mine = { ...share, CUSTOM_RUNTIMES_ENABLED: "true" }
    const [notice] = NydusFit.notices(
      asked(mine, { "custom-runtimes.list": "kata-mine:qemu:nydus-hs:guest-pull" }),
      { kernel, nydusPrograms: enough },
    ).filter(({ code }) => code === both)
    assert.strictEqual(notice?.severity, "warning")
    assert.match(notice!.message, /^kata-mine is/)
    assert.notInclude(custom("kata-mine:qemu:nydus:guest-pull"), both)
    assert.notInclude(custom("kata-mine:qemu:nydus-hs:"), both)
  })
})
