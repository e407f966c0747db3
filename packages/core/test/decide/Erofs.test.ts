import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ContainerdVersion, Erofs, ProbeFile, Shim } from "../../src/index.ts"
import { same } from "../Sample.ts"

const works: ProbeFile.ProbeFile = { fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted }
const version = ContainerdVersion.parse("2.3")
const disk: Erofs.ErofsSettings = { mergeMode: "merged", mode: "disk", dmverity: false }

const tables = (
  settings: Partial<Erofs.ErofsSettings> = {},
  probe = works,
  schema: ContainerdVersion.ConfigSchema = 3,
) => Result.getOrThrow(Erofs.containerdTables({ settings: { ...disk, ...settings }, probe, schema, version }))

const plugins = (...given: Parameters<typeof tables>) =>
  tables(...given).tables["plugins"] as unknown as Readonly<Record<string, Readonly<Record<string, unknown>>>>
const snapshotter = (...given: Parameters<typeof tables>) =>
  plugins(...given)["io.containerd.snapshotter.v1.erofs"]!

describe("Erofs", () => {
  it("tells images, diff service, snapshotter and differ", () => {
    same(plugins(), {
      "io.containerd.cri.v1.images": { discard_unpacked_layers: false },
      "io.containerd.service.v1.diff-service": { default: ["erofs", "walking"] },
      "io.containerd.snapshotter.v1.erofs": {
        enable_fsverity: true,
        set_immutable: true,
        dmverity_mode: "off",
        default_size: "10G",
        max_unmerged_layers: 0,
      },
      "io.containerd.differ.v1.erofs": {
        enable_dmverity: false,
        mkfs_options: ["-T0", "--mkfs-time", "--sort=none"],
        enable_tar_index: false,
      },
    })
  })

  it("leaves the limit of unmerged layers out where layers stay apart", () => {
    assert.notProperty(snapshotter({ mergeMode: "unmerged" }), "max_unmerged_layers")
  })

  it("keeps writable layers on disk or in memory, both as a text", () => {
    assert.strictEqual(snapshotter({ mode: "disk" })["default_size"], "10G")
    assert.strictEqual(snapshotter({ mode: "memory" })["default_size"], "0")
  })

  it("refuses dm-verity where the snapshotter would ignore it, and says what it would be good for", () => {
    const asked = (dmverity: boolean, text: string) =>
      Erofs.dmverityProblem({ dmverity }, ContainerdVersion.parse(text))
    assert.match(asked(true, "2.2.9")!.message, /2\.2 knows no dm-verity.*not be protected/)
    // An older one has no erofs at all, which is told instead.
    for (const other of ["2.1.9", "2.3.0", "2.4.2"]) assert.isUndefined(asked(true, other), other)
    assert.isUndefined(asked(false, "2.2.9"))
    const input = { settings: { ...disk, dmverity: true }, probe: works, schema: 3 } as const
    const at = (text: string) => Erofs.containerdTables({ ...input, version: ContainerdVersion.parse(text) })
    assert.isTrue(Result.isSuccess(at("2.3.0")))
    assert.strictEqual(Result.getOrThrow(Result.flip(at("2.2.9"))).code, "E_CONTAINERD_TOO_OLD_FOR_DMVERITY")
    assert.strictEqual(Result.getOrThrow(Result.flip(at("2.1.9"))).code, "E_CONTAINERD_TOO_OLD_FOR_EROFS")
  })

  it("switches dm-verity on in snapshotter and differ", () => {
    assert.strictEqual(snapshotter({ dmverity: true })["dmverity_mode"], "on")
    assert.strictEqual(plugins({ dmverity: true })["io.containerd.differ.v1.erofs"]!["enable_dmverity"], true)
  })

  for (const [what, answer] of [
    ["does not take it", ProbeFile.refused("the kernel says ENOTTY")],
    ["could not be probed", ProbeFile.unknown("it is not mounted here")],
  ] as const)
    it(`leaves fs-verity and the immutable flag off, with a warning each, where the filesystem ${what}`, () => {
      const probe = { fsverity: answer, immutable: answer }
      assert.strictEqual(snapshotter({}, probe)["enable_fsverity"], false)
      assert.strictEqual(snapshotter({}, probe)["set_immutable"], false)
      assert.deepStrictEqual(
        tables({}, probe).notices.map((n) => [n.severity, /^\w+/.exec(n.message)![0]]),
        [
          ["warning", "enable_fsverity"],
          ["warning", "set_immutable"],
        ],
      )
    })

  it("says what was refused and what to put containerd's root on, or how to have it tried", () => {
    const told = (answer: ProbeFile.Tried) =>
      tables({}, { fsverity: answer, immutable: answer }).notices.map((n) => `${n.message} ${n.remedy}`)
    const [verity, immutable] = told(ProbeFile.refused("the kernel says ENOTTY"))
    assert.match(verity!, /does not take it: the kernel says ENOTTY\..*CONFIG_FS_VERITY/)
    assert.match(immutable!, /does not take it: the kernel says ENOTTY\..*file flags/)
    for (const text of told(ProbeFile.unknown("it is out of sight")))
      assert.match(text, /not known .*: it is out of sight\..*--host-root \/, .*mounted at its own path/)
  })

  it("asks of a pod a capability for the immutable flag, which no container has by itself, and none for fs-verity", () => {
    const [verity, immutable] = tables({}, ProbeFile.untried("EPERM")).notices.map(({ remedy }) => remedy)
    assert.match(immutable!, /capability LINUX_IMMUTABLE/)
    assert.notInclude(verity!, "capability")
  })

  it("says of a containerd that is too old from which on erofs is set up, and not that it had none", () => {
    for (const text of ["2.1.9", undefined]) {
      const version = text === undefined ? undefined : ContainerdVersion.parse(text)
      const { message } = Erofs.versionProblem(version)!
      assert.match(message, /erofs.* is set up from 2\.2 on/)
    }
  })

  it("decides on the two by one probe each", () => {
    const probe = { fsverity: ProbeFile.accepted, immutable: ProbeFile.refused("it is tape") }
    const mixed = snapshotter({}, probe)
    assert.deepStrictEqual([mixed["enable_fsverity"], mixed["set_immutable"]], [true, false])
    assert.deepStrictEqual([...tables().notices], [])
    assert.match(tables({}, probe).notices[0]!.message, /^set_immutable/)
  })

  it("stays in the family of the root's schema", () => {
    same(plugins({}, works, 2)["io.containerd.grpc.v1.cri"], {
      containerd: { discard_unpacked_layers: false },
    })
    assert.notProperty(plugins({}, works, 2), "io.containerd.cri.v1.images")
    assert.isTrue(
      Result.isFailure(Erofs.containerdTables({ settings: disk, probe: works, schema: 1, version })),
    )
  })

  it("renders for a containerd of any age only when it is asked to", () => {
    for (const old of [ContainerdVersion.parse("2.1"), undefined]) {
      const input = { settings: disk, probe: works, schema: 3 } as const
      assert.isTrue(Result.isFailure(Erofs.containerdTables({ ...input, version: old })))
      same(Result.getOrThrow(Erofs.renderedTables(input)), tables())
    }
  })

  describe("the guard of Go shims", () => {
    const user = (name: string, snapshotter: string | undefined, shim = name): Erofs.ErofsUser => ({
      name,
      shim,
      snapshotter,
    })

    it("names every one that would get merged layers, custom runtimes too", () => {
      const [problem, ...more] = Erofs.goGuard("merged", [
        user("qemu", "erofs"),
        user("qemu-runtime-rs", "erofs"),
        user("fc", "nydus"),
        user("kata-mine", "erofs", "clh"),
      ])
      assert.strictEqual(problem?.code, "E_EROFS_MERGED_GO_SHIM")
      assert.match(problem!.message, /^qemu, kata-mine would/)
      assert.deepStrictEqual(more, [])
    })

    it("lets every shim pass where layers stay apart", () => {
      for (const shim of Shim.names)
        assert.deepStrictEqual([...Erofs.goGuard("unmerged", [user(shim, "erofs")])], [])
    })

    it("goes by the Kata runtime of each shim", () => {
      for (const shim of Shim.names)
        assert.lengthOf(
          Erofs.goGuard("merged", [user(shim, "erofs")]),
          Shim.lookup(shim)!.runtime === "go" ? 1 : 0,
          shim,
        )
    })

    it("takes only the exact name for it", () => {
      for (const snapshotter of ["overlayfs", "erofs2", "EROFS", undefined])
        assert.deepStrictEqual([...Erofs.goGuard("merged", [user("qemu", snapshotter)])], [])
    })
  })
})
