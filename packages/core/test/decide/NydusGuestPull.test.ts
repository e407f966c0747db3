import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as fc from "fast-check"
import { ContainerdVersion, Distribution, HostPath, Instance, NydusGuestPull } from "../../src/index.ts"
import { meaning, same } from "../Sample.ts"

const instanceOf = (suffix?: string, prefix?: string) => Instance.make({ prefix, suffix })
const plain = instanceOf()
const dev = instanceOf("dev")

const words = (steps: ReadonlyArray<NydusGuestPull.NydusStep>): ReadonlyArray<string> =>
  steps.map((step) =>
    step._tag === "Unit" ? `${step.verb} ${step.unit} (${step.onFailure})` : `${step._tag} ${step.path}`,
  )

describe("NydusGuestPull", () => {
  it("carries the suffix wherever instances share a place, and not below the install directory", () => {
    same(NydusGuestPull.paths(dev), {
      name: "nydus-for-kata-tee-dev",
      unit: "nydus-for-kata-tee-dev.service",
      unitFile: "/etc/systemd/system/nydus-for-kata-tee-dev.service",
      directory: "/opt/kata-dev/nydus-for-kata-tee",
      config: "/opt/kata-dev/nydus-for-kata-tee/config-guest-pulling.toml",
      socket: "/run/nydus-for-kata-tee-dev/containerd-nydus-grpc.sock",
      data: "/var/lib/nydus-for-kata-tee-dev",
    })
  })

  it("pulls inside the guest with a root and a socket of its own", () => {
    same(meaning(NydusGuestPull.configText(dev)), {
      version: 1,
      root: "/var/lib/nydus-for-kata-tee-dev",
      address: "/run/nydus-for-kata-tee-dev/containerd-nydus-grpc.sock",
      daemon: { fs_driver: "proxy" },
      snapshot: {
        enable_kata_volume: true,
        nydus_overlayfs_path: "/opt/kata-dev/nydus-for-kata-tee/nydus-overlayfs",
      },
    })
  })

  for (const row of Distribution.rows.filter((r) => r.layout !== "crio"))
    it(`is up before ${row.unit} and wanted by it`, () => {
      const lines = NydusGuestPull.unitText(plain, row.unit).split("\n")
      assert.include(lines, `Before=${row.unit}`)
      assert.include(lines, `WantedBy=${row.unit}`)
      assert.include(
        lines,
        "ExecStart=/opt/kata/nydus-for-kata-tee/containerd-nydus-grpc --config /opt/kata/nydus-for-kata-tee/config-guest-pulling.toml --log-to-stdout",
      )
    })

  it("writes paths into the unit so that systemd reads them as they are", () => {
    const text = NydusGuestPull.unitText(instanceOf(undefined, "/my disk/50%/$x"), "containerd.service")
    assert.include(text, 'ExecStart="/my disk/50%%/$$x/opt/kata/nydus-for-kata-tee/containerd-nydus-grpc"')
  })

  it("does nothing when nothing differs", () => {
    same(NydusGuestPull.install(plain, "containerd.service", "as-wanted"), [])
  })

  it("has nothing to stop where it was not installed", () => {
    same(words(NydusGuestPull.install(plain, "containerd.service", "absent")), [
      "CopyProgram /opt/kata/nydus-for-kata-tee/containerd-nydus-grpc",
      "CopyProgram /opt/kata/nydus-for-kata-tee/nydus-overlayfs",
      "Write /opt/kata/nydus-for-kata-tee/config-guest-pulling.toml",
      "Write /etc/systemd/system/nydus-for-kata-tee.service",
      "reload nydus-for-kata-tee.service (report)",
      "enable nydus-for-kata-tee.service (report)",
    ])
    same(words(NydusGuestPull.activate(plain)), ["restart nydus-for-kata-tee.service (report)"])
  })

  it("disables a unit before it is written anew, whether or not it can be stopped", () => {
    same(words(NydusGuestPull.install(plain, "containerd.service", "differs")).slice(0, 2), [
      "stop nydus-for-kata-tee.service (ignore)",
      "disable nydus-for-kata-tee.service (ignore)",
    ])
  })

  it("goes again, and can be told to go twice", () => {
    same(words(NydusGuestPull.uninstall(dev, "present")), [
      "stop nydus-for-kata-tee-dev.service (report)",
      "disable nydus-for-kata-tee-dev.service (report)",
      "Remove /etc/systemd/system/nydus-for-kata-tee-dev.service",
      "Remove /opt/kata-dev/nydus-for-kata-tee",
      "reload nydus-for-kata-tee-dev.service (report)",
    ])
    same(words(NydusGuestPull.uninstall(dev, "absent")), [
      "Remove /opt/kata-dev/nydus-for-kata-tee",
      "reload nydus-for-kata-tee-dev.service (report)",
    ])
  })

  it("never touches its data directory, nor anything of another instance", () => {
    const suffix = fc.constantFrom(undefined, "dev", "prod")
    fc.assert(
      fc.property(suffix, suffix, fc.constantFrom("absent", "differs" as const), (a, b, presence) => {
        const steps = [
          ...NydusGuestPull.install(instanceOf(a), "k3s.service", presence as NydusGuestPull.NydusPresence),
          ...NydusGuestPull.uninstall(instanceOf(a), "present"),
        ]
        const paths = steps.flatMap((step) => ("path" in step ? [step.path] : []))
        for (const path of paths)
          assert.isFalse(HostPath.isWithin(path, NydusGuestPull.paths(instanceOf(a)).data))
        if (a === b) return
        const other = NydusGuestPull.paths(instanceOf(b))
        for (const path of paths) assert.notInclude([other.unitFile, other.directory, other.config], path)
      }),
    )
  })

  describe("what containerd is told", () => {
    const tables = (schema: ContainerdVersion.ConfigSchema, version: string | undefined, instance = plain) =>
      NydusGuestPull.containerdTables({
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

    it("is an export of the plugin from containerd 2.1 on, which leaves other pulls alone", () => {
      for (const schema of [2, 3, 4] as const)
        for (const version of ["2.1", "2.3"])
          same(Result.getOrThrow(tables(schema, version)), {
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
  })
})
