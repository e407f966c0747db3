import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ContainerdVersion, DropInRendering, HostPath, type Settings } from "../../src/index.ts"
import { meaning as parsed, same, settings, type Tree } from "../Sample.ts"

interface Given {
  readonly settings?: Settings.Settings
  readonly schema?: ContainerdVersion.ConfigSchema
  readonly version?: string | undefined
  readonly criTable?: DropInRendering.RenderInput["criTable"]
  readonly repeats?: boolean
}

const input = (given: Given): DropInRendering.RenderInput => ({
  settings: given.settings ?? settings(),
  paths: {
    schema: given.schema ?? 3,
    version: given.version === undefined ? undefined : ContainerdVersion.parse(given.version),
    repeatsCriTable: given.repeats ?? false,
    mainConfig: HostPath.make("/etc/containerd/config.toml"),
  },
  criTable: given.criTable,
  release: "1.2.3",
})

const render = (given: Given) => DropInRendering.render(input(given))
const meaning = (given: Given): Tree => parsed(render(given))

const v2 = "io.containerd.grpc.v1.cri"
const runtime = "io.containerd.cri.v1.runtime"
const images = "io.containerd.cri.v1.images"

const handler = (name: string, binary: string, config: string, snapshotter?: string) => ({
  runtime_type: `io.containerd.${name}.v2`,
  runtime_path: binary,
  privileged_without_host_devices: true,
  pod_annotations: ["io.katacontainers.*"],
  container_annotations: ["io.kubernetes.container.terminationMessage*"],
  ...(snapshotter === undefined ? {} : { snapshotter }),
  options: { ConfigPath: config },
})

const go = "/opt/kata/bin/containerd-shim-kata-v2"
const rust = "/opt/kata/runtime-rs/bin/containerd-shim-kata-v2"
const config = "/opt/kata/share/defaults/kata-containers"

describe("DropInRendering", () => {
  it("example A: two shims with schema 3 or 4 are two handler tables and nothing else", () => {
    for (const schema of [3, 4] as const) {
      same(
        meaning({ schema, version: "2.2", settings: settings({ SHIMS_X86_64: "qemu-runtime-rs qemu" }) }),
        {
          plugins: {
            [runtime]: {
              containerd: {
                runtimes: {
                  "kata-qemu-runtime-rs": handler(
                    "kata-qemu-runtime-rs",
                    rust,
                    `${config}/runtime-rs/runtimes/qemu-runtime-rs/configuration-qemu-runtime-rs.toml`,
                  ),
                  "kata-qemu": handler("kata-qemu", go, `${config}/runtimes/qemu/configuration-qemu.toml`),
                },
              },
            },
          },
        },
      )
    }
  })

  it("example A, as text: tables in the order of the settings below a header of ours", () => {
    const text = render({ version: "2.2", settings: settings({ SHIMS_X86_64: "qemu-runtime-rs qemu" }) })
    assert.match(text, /^# Written by kata-deploy 1\.2\.3 for the instance default: /)
    assert.deepStrictEqual(text.match(/^\[.*\]$/gm), [
      `[plugins."${runtime}".containerd.runtimes.kata-qemu-runtime-rs]`,
      `[plugins."${runtime}".containerd.runtimes.kata-qemu-runtime-rs.options]`,
      `[plugins."${runtime}".containerd.runtimes.kata-qemu]`,
      `[plugins."${runtime}".containerd.runtimes.kata-qemu.options]`,
    ])
    assert.isTrue(text.endsWith("\n"))
  })

  const nydus = { SHIMS_X86_64: "qemu-coco-dev", SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu-coco-dev:nydus" }
  const cocoDev = `${config}/runtimes/qemu-coco-dev/configuration-qemu-coco-dev.toml`

  it("example B: with schema 3 a mapped snapshotter is told to the images plugin as well, debug to the daemon", () => {
    const found = meaning({ version: "2.1", settings: settings({ ...nydus, DEBUG: "true" }) })
    const name = "kata-qemu-coco-dev"
    same(
      found.plugins![runtime]!.containerd!.runtimes![name],
      handler(name, go, cocoDev, "nydus-for-kata-tee"),
    )
    same(found.plugins![images], {
      runtime_platforms: {
        [name]: { snapshotter: "nydus-for-kata-tee" },
        [`${name}-debug`]: { snapshotter: "nydus-for-kata-tee" },
      },
    })
    same(found.debug, { level: "debug" })
  })

  it("example C: with schema 2 the tables of both families never come together", () => {
    const found = meaning({ schema: 2, version: "1.7", settings: settings(nydus) })
    same(found, {
      plugins: {
        [v2]: {
          containerd: {
            runtimes: {
              "kata-qemu-coco-dev": handler("kata-qemu-coco-dev", go, cocoDev, "nydus-for-kata-tee"),
            },
          },
        },
      },
    })
  })

  for (const [schema, version, told] of [
    [2, "1.7", false],
    [2, "2.0", true],
    [2, "2.2", true],
    [2, "2.3", false],
    [2, undefined, false],
    [3, "2.0", true],
    [3, "2.3", true],
    [3, undefined, true],
    [4, "2.3", true],
    [1, "2.1", false],
  ] as const) {
    it(`schema ${schema} on ${version ?? "an unknown version"} ${told ? "tells" : "does not tell"} the images plugin`, () => {
      const plugins = meaning({ schema, version, settings: settings(nydus) }).plugins!
      same(
        plugins[images],
        told
          ? { runtime_platforms: { "kata-qemu-coco-dev": { snapshotter: "nydus-for-kata-tee" } } }
          : undefined,
      )
    })

    it(`schema ${schema} on ${version ?? "an unknown version"} leaves the images plugin alone where nothing is mapped`, () => {
      assert.isUndefined(meaning({ schema, version }).plugins![images])
    })
  }

  it("example G: a custom runtime starts its base's shim with a configuration of its own", () => {
    const found = meaning({
      version: "2.2",
      settings: settings(
        { CUSTOM_RUNTIMES_ENABLED: "true", SHIMS_X86_64: " " },
        { "custom-runtimes.list": "kata-my-custom-handler:qemu-runtime-rs:nydus\n" },
      ),
    })
    const name = "kata-my-custom-handler"
    same(found.plugins!, {
      [runtime]: {
        containerd: {
          runtimes: {
            [name]: handler(
              name,
              rust,
              `${config}/custom-runtimes/${name}/configuration-qemu-runtime-rs.toml`,
              "nydus-for-kata-tee",
            ),
          },
        },
      },
      [images]: { runtime_platforms: { [name]: { snapshotter: "nydus-for-kata-tee" } } },
    })
  })

  it("example H: with a suffix every path lies in the instance's directory, and nydus is the instance's own", () => {
    const given = {
      schema: 4,
      version: "2.3",
      settings: settings({
        SHIMS_X86_64: "qemu-runtime-rs",
        MULTI_INSTALL_SUFFIX: "dev",
        DEBUG: "true",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu-runtime-rs:nydus",
      }),
    } as const
    const runtimes = meaning(given).plugins![runtime]!.containerd!.runtimes!
    assert.deepStrictEqual(Object.keys(runtimes), [
      "kata-qemu-runtime-rs-dev",
      "kata-qemu-runtime-rs-dev-debug",
    ])
    for (const path of render(given).match(/\/opt\/[^/"]*/g)!) assert.strictEqual(path, "/opt/kata-dev")
    same(runtimes["kata-qemu-runtime-rs-dev"]!.snapshotter, "nydus-for-kata-tee-dev")
    assert.include(render(given), "instance dev")
  })

  it("example I: without a schema the tables are those of schema 1", () => {
    assert.deepStrictEqual(Object.keys(meaning({ schema: 1, version: "2.1" }).plugins!), ["cri"])
  })

  it("writes other snapshotters as they are", () => {
    const runtimes = meaning({
      settings: settings({ SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:devmapper" }),
    }).plugins![runtime]!.containerd!.runtimes!
    same(runtimes["kata-qemu"]!.snapshotter, "devmapper")
  })

  describe("where containerd 1.x would replace the CRI table", () => {
    const criTable = {
      sandbox_image: "pause",
      cni: { bin_dir: "/opt/cni/bin" },
      containerd: {
        default_runtime_name: "runc",
        runtimes: { runc: { runtime_type: "io.containerd.runc.v2", options: { SystemdCgroup: true } } },
      },
    }
    const given = { schema: 2, version: "1.7", repeats: true, criTable } as const

    it("repeats the operator's table and adds the handlers", () => {
      const table = meaning(given).plugins![v2]!
      same(table.cni, criTable.cni)
      same(table.sandbox_image, "pause")
      same(table.containerd!.default_runtime_name, "runc")
      same(table.containerd!.runtimes!.runc, criTable.containerd!.runtimes.runc)
      assert.deepStrictEqual(Object.keys(table.containerd!.runtimes!), ["runc", "kata-qemu"])
      assert.include(render(given), "/etc/containerd/config.toml are repeated")
    })

    it("does not change the table that it was given", () => {
      const before = structuredClone(criTable)
      render(given)
      assert.deepStrictEqual(criTable, before)
    })

    it("names runc where nobody else does, since a first handler takes the built-in one away", () => {
      for (const table of [undefined, { sandbox_image: "pause" }, { containerd: { runtimes: {} } }]) {
        const runtimes = meaning({ ...given, criTable: table }).plugins![v2]!.containerd!.runtimes!
        assert.deepStrictEqual(Object.keys(runtimes), ["runc", "kata-qemu"])
      }
    })

    it("repeats nothing where the daemon merges", () => {
      const text = render({ ...given, repeats: false })
      assert.notInclude(text, "sandbox_image")
      assert.notInclude(text, "runc]")
      assert.notInclude(text, "repeated")
    })
  })

  const anySettings = fc
    .record({
      shims: fc.subarray(["qemu", "clh", "qemu-runtime-rs", "dragonball", "fc"], { minLength: 1 }),
      debug: fc.boolean(),
      devkit: fc.boolean(),
      suffix: fc.option(fc.constantFrom("dev", "x-1"), { nil: "" }),
      prefix: fc.constantFrom("", "/p", '/odd "quoted" \\ path'),
      mapped: fc.boolean(),
      custom: fc.subarray(["kata-a:qemu:nydus", "kata-b:clh", "z:fc::guest-pull"]),
    })
    .map((given) =>
      settings(
        {
          SHIMS_X86_64: given.shims.join(" "),
          DEBUG: String(given.debug),
          DEVKIT: String(given.devkit),
          MULTI_INSTALL_SUFFIX: given.suffix,
          INSTALLATION_PREFIX: given.prefix,
          SNAPSHOTTER_HANDLER_MAPPING_X86_64: given.mapped ? `${given.shims[0]}:erofs` : "",
          CUSTOM_RUNTIMES_ENABLED: "true",
        },
        { "custom-runtimes.list": given.custom.join("\n") },
      ),
    )
  const anySchema = fc.constantFrom<ContainerdVersion.ConfigSchema>(1, 2, 3, 4)
  const anyVersion = fc.constantFrom("1.6", "1.7", "2.0", "2.2", "2.3", undefined)

  it("law L6: the file is TOML and names exactly the handlers of the settings, in one family, without a version", () => {
    fc.assert(
      fc.property(anySettings, anySchema, anyVersion, (settings, schema, version) => {
        const found = meaning({ settings, schema, version })
        const plugin = DropInRendering.criPlugin(schema)
        assert.deepStrictEqual(
          Object.keys(found.plugins![plugin]!.containerd!.runtimes!),
          settings.handlers.map((h) => h.name),
        )
        const others = Object.keys(found.plugins!).filter((name) => name !== plugin)
        for (const name of others) {
          assert.strictEqual(name, images)
          assert.deepStrictEqual(Object.keys(found.plugins![name]!), ["runtime_platforms"])
        }
        assert.notProperty(found, "version")
        assert.notProperty(found, "imports")
        assert.strictEqual("debug" in found, settings.debug)
      }),
    )
  })

  it("law L9: the same input gives the same bytes", () => {
    fc.assert(
      fc.property(anySettings, anySchema, (settings, schema) => {
        assert.strictEqual(
          render({ settings, schema }),
          render({ settings: structuredClone(settings), schema }),
        )
      }),
    )
  })
})
