import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ContainerdVersion, ProbeFile, SnapshotterConfig } from "../../src/index.ts"
import { same, settings } from "../Sample.ts"

const asked = (setup: string, more: Readonly<Record<string, string>> = {}) =>
  settings({ EXPERIMENTAL_SETUP_SNAPSHOTTER: setup, ...more })
const paths = { schema: 3, version: ContainerdVersion.parse("2.2") } as const

describe("SnapshotterConfig", () => {
  it("says which protection of erofs stays off, and why", () => {
    const { notices } = Result.getOrThrow(
      SnapshotterConfig.decide(asked("erofs"), paths, SnapshotterConfig.unprobed),
    )
    same(
      notices.map(({ code }) => code),
      ["erofs-integrity-off", "erofs-integrity-off"],
    )
    const works = { fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted }
    same(Result.getOrThrow(SnapshotterConfig.decide(asked("erofs"), paths, works)).notices, [])
  })

  it("goes by the probe file that there was, and knows of one that there was none", () => {
    const probeFile = { fsverity: ProbeFile.accepted, immutable: ProbeFile.refused("it is tape") }
    same(SnapshotterConfig.probed({ probeFile }), probeFile)
    for (const sight of [undefined, {}]) same(SnapshotterConfig.probed(sight), SnapshotterConfig.unprobed)
  })

  it("gives the tables alone as they are without a probe", () => {
    const all = Result.getOrThrow(
      SnapshotterConfig.decide(asked("erofs,nydus"), paths, SnapshotterConfig.unprobed),
    )
    same(Result.getOrThrow(SnapshotterConfig.tables(asked("erofs,nydus"), paths)), all.tables)
  })

  it("refuses erofs where containerd is too old for it", () => {
    const old = { schema: 3, version: ContainerdVersion.parse("2.1") } as const
    const refused = SnapshotterConfig.tables(asked("erofs"), old)
    assert.strictEqual(
      Result.getOrThrow(Result.flip(refused)).problems[0]?.code,
      "E_CONTAINERD_TOO_OLD_FOR_EROFS",
    )
  })

  it("finds before anything else what no containerd could carry out", () => {
    const codes = (...given: Parameters<typeof asked>) =>
      SnapshotterConfig.problems(asked(...given)).map(({ code }) => code)
    same(codes("foo"), ["E_UNSUPPORTED_SNAPSHOTTER"])
    same(codes("erofs", { SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs" }), ["E_EROFS_MERGED_GO_SHIM"])
    same(codes("nydus", { SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs" }), [])
    const long = { MULTI_INSTALL_SUFFIX: "a".repeat(63), SHIMS_X86_64: "" }
    const custom = { "custom-runtimes.list": "kata-mine:qemu" }
    same(
      SnapshotterConfig.problems(
        settings(
          { EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus,nydus-hs", CUSTOM_RUNTIMES_ENABLED: "true", ...long },
          custom,
        ),
      ).map(({ code, value }) => [code, value]),
      [
        ["E_SOCKET_PATH_TOO_LONG", "a".repeat(63)],
        ["E_SOCKET_PATH_TOO_LONG", "a".repeat(63)],
      ],
    )
  })
})
