import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { ContainerdVersion, Instance, NydusPlugin } from "../../src/index.ts"
import { same } from "../Sample.ts"

const plain = Instance.make({ prefix: undefined, suffix: undefined })
const dev = Instance.make({ prefix: undefined, suffix: "dev" })

describe("NydusPlugin", () => {
  const tables = (schema: ContainerdVersion.ConfigSchema, version: string | undefined, instance = plain) =>
    NydusPlugin.containerdTables("guest-pull", {
      instance,
      schema,
      version: version === undefined ? undefined : ContainerdVersion.parse(version),
    })
  const exported = { root: "/var/lib/nydus-for-kata-tee" }
  const plugin = { type: "snapshot", address: "/run/nydus-for-kata-tee/containerd-nydus-grpc.sock" }

  for (const [schema, version] of [
    [3, "2.0"],
    [3, undefined],
    [4, "2.0"],
  ] as const)
    it(`is the switch of the images plugin with schema ${schema} on ${version ?? "an unknown version"}`, () => {
      same(Result.getOrThrow(tables(schema, version)), {
        plugins: { "io.containerd.cri.v1.images": { disable_snapshot_annotations: false } },
        proxy_plugins: { "nydus-for-kata-tee": { ...plugin, exports: exported } },
      })
    })

  it("is the switch of the CRI's containerd table with schema 2", () => {
    same(Result.getOrThrow(tables(2, "1.7"))["plugins"], {
      "io.containerd.grpc.v1.cri": { containerd: { disable_snapshot_annotations: false } },
    })
  })

  it("is an export of the plugin as well from containerd 2.1 on, beside the switch that pulls need", () => {
    for (const schema of [3, 4] as const)
      for (const version of ["2.1", "2.3"])
        same(Result.getOrThrow(tables(schema, version)), {
          plugins: { "io.containerd.cri.v1.images": { disable_snapshot_annotations: false } },
          proxy_plugins: {
            "nydus-for-kata-tee": {
              ...plugin,
              exports: { ...exported, enable_remote_snapshot_annotations: "true" },
            },
          },
        })
  })

  it("names the plugin of the instance", () => {
    assert.hasAllKeys(Result.getOrThrow(tables(3, "2.1", dev))["proxy_plugins"] as object, [
      "nydus-for-kata-tee-dev",
    ])
  })

  it("cannot be said in schema 1", () => {
    const problem = Result.getOrThrow(Result.flip(tables(1, "1.7")))
    assert.strictEqual(problem.code, "E_NO_SUPPORTED_SCHEMA")
  })

  it("names root and socket of host sharing, which asks for the same", () => {
    const found = NydusPlugin.containerdTables("host-share", {
      instance: dev,
      schema: 3,
      version: ContainerdVersion.parse("2.1"),
    })
    same(Result.getOrThrow(found), {
      plugins: { "io.containerd.cri.v1.images": { disable_snapshot_annotations: false } },
      proxy_plugins: {
        "nydus-for-kata-hs-dev": {
          type: "snapshot",
          address: "/run/nydus-for-kata-hs-dev/containerd-nydus-grpc.sock",
          exports: { root: "/var/lib/nydus-for-kata-hs-dev", enable_remote_snapshot_annotations: "true" },
        },
      },
    })
  })
})
