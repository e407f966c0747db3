import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  ContainerdVersion,
  DropInRendering,
  HostPath,
  Instance,
  ProbeFile,
  Snapshotter,
} from "../../src/index.ts"
import { meaning, same, settings } from "../Sample.ts"

const input = (over: Partial<Snapshotter.SnapshotterInput> = {}): Snapshotter.SnapshotterInput => ({
  kinds: ["nydus"],
  instance: Instance.make({ prefix: undefined, suffix: undefined }),
  erofs: { mergeMode: "merged", mode: "disk", dmverity: false },
  schema: 3,
  version: ContainerdVersion.parse("2.0"),
  probe: { fsverity: ProbeFile.accepted, immutable: ProbeFile.accepted },
  ...over,
})

describe("Snapshotter", () => {
  it("knows nydus in both modes and erofs, each once; blank words are nothing", () => {
    same(Snapshotter.parse(["nydus", " ", "", "erofs", "nydus ", "nydus-hs"]), {
      kinds: ["nydus", "erofs", "nydus-hs"],
      problems: [],
    })
  })

  it("names every word that it cannot set up", () => {
    const { kinds, problems } = Snapshotter.parse(["foo", "nydus", "Erofs"])
    same(kinds, ["nydus"])
    same(
      problems.map((p) => [p.code, p.value]),
      [
        ["E_UNSUPPORTED_SNAPSHOTTER", "foo"],
        ["E_UNSUPPORTED_SNAPSHOTTER", "Erofs"],
      ],
    )
  })

  it("brings the tables of several together", () => {
    const { tables } = Result.getOrThrow(
      Snapshotter.containerdTables(
        input({ kinds: ["nydus", "erofs"], schema: 2, version: ContainerdVersion.parse("2.2") }),
      ),
    )
    same((tables["plugins"] as Record<string, unknown>)["io.containerd.grpc.v1.cri"], {
      containerd: { disable_snapshot_annotations: false, discard_unpacked_layers: false },
    })
    assert.hasAllKeys(tables, ["plugins", "proxy_plugins"])
  })

  it("has a plugin for each mode of nydus, and one switch for both", () => {
    const { tables } = Result.getOrThrow(
      Snapshotter.containerdTables(input({ kinds: ["nydus", "nydus-hs"] })),
    )
    assert.hasAllKeys(tables["proxy_plugins"] as object, ["nydus-for-kata-tee", "nydus-for-kata-hs"])
    same(tables["plugins"], { "io.containerd.cri.v1.images": { disable_snapshot_annotations: false } })
  })

  it("tells no containerd of erofs that does not have it", () => {
    for (const [version, code] of [
      ["2.1", "E_CONTAINERD_TOO_OLD_FOR_EROFS"],
      [undefined, "E_RUNTIME_VERSION_UNKNOWN"],
    ] as const) {
      const parsed = version === undefined ? undefined : ContainerdVersion.parse(version)
      const refused = Snapshotter.containerdTables(input({ kinds: ["erofs"], version: parsed }))
      same(
        Result.getOrThrow(Result.flip(refused)).map((problem) => problem.code),
        [code],
      )
    }
  })

  it("has nothing to say without a snapshotter", () => {
    same(Result.getOrThrow(Snapshotter.containerdTables(input({ kinds: [] }))), { tables: {}, notices: [] })
  })

  it("tells a schema that is too old once", () => {
    const problems = Result.getOrThrow(
      Result.flip(Snapshotter.containerdTables(input({ kinds: ["nydus", "nydus-hs"], schema: 1 }))),
    )
    same(
      problems.map((p) => p.code),
      ["E_NO_SUPPORTED_SCHEMA"],
    )
  })

  it("goes into the drop-in beside the handlers and their platforms", () => {
    const asked = settings({ SHIMS_X86_64: "qemu", SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus" })
    const { tables } = Result.getOrThrow(Snapshotter.containerdTables(input()))
    const text = DropInRendering.render({
      settings: asked,
      paths: {
        schema: 3,
        version: ContainerdVersion.parse("2.0"),
        repeatsCriTable: false,
        mainConfig: HostPath.make("/etc/containerd/config.toml"),
      },
      criTable: undefined,
      extraTables: tables,
      release: "1",
    })
    const found = meaning(text) as unknown as {
      readonly plugins: Readonly<Record<string, unknown>>
      readonly proxy_plugins: object
    }
    same(found.plugins["io.containerd.cri.v1.images"], {
      runtime_platforms: { "kata-qemu": { snapshotter: "nydus-for-kata-tee" } },
      disable_snapshot_annotations: false,
    })
    assert.hasAllKeys(found.proxy_plugins, ["nydus-for-kata-tee"])
    assert.property(found.plugins, "io.containerd.cri.v1.runtime")
  })
})
