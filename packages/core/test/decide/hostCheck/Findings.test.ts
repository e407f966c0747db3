/** What does a finding point at (setting, value, path), and which of several remedies does it give? */
import { assert, describe, it } from "@effect/vitest"
import { Fact, HostCheck, HostPath, Distribution, type Problem } from "../../../src/index.ts"
import { settings } from "../../Sample.ts"

const kernel = { sysModules: ["erofs"], procModules: undefined, procConfig: undefined, bootConfig: undefined }
const good: HostCheck.SnapshotterFit.SnapshotterFacts = {
  runtime: "containerd",
  version: "containerd://2.2.1",
  kernel,
  mkfs: { _tag: "Found", path: "/usr/bin/mkfs.erofs", missingOptions: [] },
}
const erofs = { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" }
const findings = (
  facts: Partial<HostCheck.SnapshotterFit.SnapshotterFacts>,
  variables: Readonly<Record<string, string>> = erofs,
) => HostCheck.SnapshotterFit.findings(settings(variables), { ...good, ...facts })
const points = ({ path, setting, value }: Problem.Problem) => [setting, value, path]

describe("a finding about erofs", () => {
  it("points at the setting that asks for it, and at the program that is too old", () => {
    const asks = ["EXPERIMENTAL_SETUP_SNAPSHOTTER", "erofs"]
    const [kernelProblem] = findings({ kernel: { ...kernel, sysModules: [] } }).problems
    assert.deepStrictEqual(points(kernelProblem!), [...asks, undefined])
    const [missing] = findings({ mkfs: { _tag: "Absent" } }).problems
    assert.deepStrictEqual(points(missing!), [...asks, undefined])
    const [old] = findings({
      mkfs: { _tag: "Found", path: "/x/mkfs", missingOptions: ["sort", "tar"] },
    }).problems
    assert.deepStrictEqual(points(old!), [...asks, "/x/mkfs"])
    assert.include(old!.message, "--sort and --tar")
  })

  it("says modprobe for a module that is not loaded, and another kernel for one that is not there", () => {
    const remedy = (rest: Partial<typeof good.kernel>) =>
      findings({ kernel: { ...kernel, sysModules: undefined, ...rest } }).problems.map(
        (p) => `${p.message} ${p.remedy}`,
      )
    const [loadable] = remedy({ procConfig: "CONFIG_EROFS_FS=m\n" })
    assert.match(loadable!, /as a module.*modprobe erofs/)
    const [absent] = remedy({ sysModules: [] })
    assert.match(absent!, /has no erofs.*CONFIG_EROFS_FS/)
    assert.notInclude(absent!, "modprobe")
  })

  it("says which feature could not be seen, and how to look", () => {
    const [unseen] = findings({ kernel: { ...kernel, sysModules: undefined } }).notices
    assert.match(`${unseen!.message} ${unseen!.remedy}`, /erofs.*lsmod \| grep erofs.*CONFIG_EROFS_FS/)
    const [mkfs] = findings({ mkfs: { _tag: "Unknown", why: "/usr is out of sight" } }).notices
    assert.include(mkfs!.message, "/usr is out of sight")
  })

  it("tells three answers about fs-verity apart, and says in each that the filesystem counts as well", () => {
    const verity = (rest: Partial<typeof good.kernel>) =>
      findings({ kernel: { ...kernel, ...rest } }).notices.find((n) => n.code === "fs-verity")!.message
    const [has, none, unknown] = [
      verity({ sysModules: ["erofs", "fsverity"] }),
      verity({ bootConfig: "# CONFIG_FS_VERITY is not set\n" }),
      verity({ sysModules: undefined }),
    ]
    assert.match(has!, /has fs-verity/)
    assert.match(none!, /has no fs-verity/)
    assert.match(unknown!, /could not be asked/)
    for (const message of [has, none, unknown]) assert.include(message, "filesystem")
  })
})

describe("a finding about CRI-O", () => {
  const crio = { runtime: "crio", version: "cri-o://1.34.0" }

  it("names everything that was asked for in vain, and says nothing where nothing was", () => {
    const asked = (words: string) => findings(crio, { EXPERIMENTAL_SETUP_SNAPSHOTTER: words }).notices
    assert.include(asked("erofs,foo")[0]!.message, "erofs, foo,")
    assert.deepStrictEqual(findings(crio, {}), { problems: [], notices: [] })
  })
})

describe("a finding about the runtime", () => {
  const first = (variables: Readonly<Record<string, string>>, runtime: string, version?: string) =>
    HostCheck.RuntimeFit.problems(settings(variables), { runtime, version })[0]!

  it("points at what is wrong", () => {
    assert.deepStrictEqual(points(first({}, "dockr")), [undefined, "dockr", undefined])
    assert.deepStrictEqual(points(first({ K8S_DISTRIBUTION: "rke2" }, "k3s")), [
      "K8S_DISTRIBUTION",
      "rke2",
      undefined,
    ])
    assert.deepStrictEqual(
      points(first({ SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus" }, "containerd", "containerd://1.6.0")),
      ["SNAPSHOTTER_HANDLER_MAPPING", undefined, undefined],
    )
    assert.deepStrictEqual(
      points(first({ MULTI_INSTALL_SUFFIX: "dev" }, "containerd", "containerd://1.7.0")),
      ["MULTI_INSTALL_SUFFIX", "dev", undefined],
    )
  })

  it("names what was meant where a name is nearly right, and every name there is", () => {
    const { message, remedy } = first({}, "containrd")
    assert.match(message, /containerd/)
    for (const name of Distribution.runtimeNames) assert.include(remedy, name)
  })

  it("says of a suffix nothing where the version is not known", () => {
    assert.deepStrictEqual(
      HostCheck.RuntimeFit.problems(settings({ MULTI_INSTALL_SUFFIX: "dev" }), {
        runtime: "containerd",
        version: undefined,
      }),
      [],
    )
  })
})

describe("a finding about nydus", () => {
  it("counts shims and handlers in its grammar, and passes over mappings that pull on the host", () => {
    const about = (mapping: string, pull: string) =>
      HostCheck.NydusFit.notices(
        settings({
          SHIMS_X86_64: "qemu clh",
          EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus-hs",
          SNAPSHOTTER_HANDLER_MAPPING_X86_64: mapping,
          PULL_TYPE_MAPPING_X86_64: pull,
        }),
        {
          kernel,
          nydusPrograms: Fact.known(new Set(["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"])),
        },
      ).flatMap((n) => (n.code === "nydus-hs-with-guest-pull" ? [n.message] : []))
    assert.match(about("qemu:nydus-hs", "qemu:guest-pull")[0]!, /^qemu is mapped/)
    assert.match(
      about("qemu:nydus-hs,clh:nydus-hs", "qemu:guest-pull,clh:guest-pull")[0]!,
      /^qemu, clh are mapped/,
    )
    assert.deepStrictEqual(about("qemu:nydus-hs", "qemu:default"), [])
    assert.deepStrictEqual(about("qemu:nydus-hs", "clh:guest-pull"), [])
  })
})

describe("a finding about permissions", () => {
  it("is one for each place that may not be written, not for what lies below one", () => {
    const unwritable = ["/opt/kata/bin", "/opt/kata", "/etc/x", "/opt/kata-dev"].map((path) =>
      HostPath.make(path),
    )
    assert.deepStrictEqual(
      HostCheck.permissions(unwritable).map((p) => [p.code, p.path]),
      ["/opt/kata", "/etc/x", "/opt/kata-dev"].map((path) => ["E_NO_PERMISSION", path]),
    )
  })
})
