/** Which keys of the CRI table of schema 2 go into which half on containerd 2.x, and which names become which? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as Migration from "../../../src/decide/effective/Migration.ts"
import type * as Toml from "../../../src/toml/Toml.ts"

const { criImages, criRuntime, grpcCri } = Migration
type Tables = Record<string, unknown>
const line = { line: "2.0" } as const

const split = (cri: Tables, rest: Tables = {}): Record<string, Tables> & { readonly left: boolean } => {
  const { handlersLeftBehind, plugins } = Result.getOrThrow(
    Migration.splitCri({ [grpcCri]: cri, ...rest } as Toml.Table, line),
  )
  return { ...(plugins as Record<string, Tables>), left: handlersLeftBehind } as never
}
const refused = (cri: unknown) => Result.isFailure(Migration.splitCri({ [grpcCri]: cri } as Toml.Table, line))
const is = (actual: unknown, expected: unknown) => assert.deepEqual(actual, expected)

describe("the CRI table of schema 2", () => {
  it("leaves plugins alone where there is none", () => {
    const plugins = { x: { y: 1n } } as Toml.Table
    is(Result.getOrThrow(Migration.splitCri(plugins, line)), { plugins, handlersLeftBehind: false })
  })

  it("gives what images need to the images half, the stream server's to the server, the rest to the runtime half", () => {
    const found = split({
      registry: { config_path: "/c" },
      max_concurrent_downloads: 3n,
      sandbox_image: "pause",
      stream_server_port: "0",
      enable_selinux: true,
      containerd: { snapshotter: "zfs", default_runtime_name: "runc", runtimes: {} },
    })
    is(found[criImages], {
      registry: { config_path: "/c" },
      max_concurrent_downloads: 3n,
      pinned_images: { sandbox: "pause" },
      snapshotter: "zfs",
    })
    is(found[criRuntime], {
      enable_selinux: true,
      containerd: { default_runtime_name: "runc", runtimes: {} },
    })
    is(found[grpcCri], { stream_server_port: "0" })
  })

  it("leaves the snapshotter where no table of handlers is", () => {
    is(split({ containerd: { snapshotter: "zfs" } })[criImages], {})
    is(split({ enable_selinux: true })[criRuntime], { enable_selinux: true })
  })

  it("gives way to what the halves have already, key by key", () => {
    const rest = {
      [criRuntime]: { enable_selinux: false, containerd: { default_runtime_name: "crun" } },
      [criImages]: { snapshotter: "native", pinned_images: { other: "y" } },
    }
    const found = split(
      { enable_selinux: true, sandbox_image: "pause", containerd: { default_runtime_name: "runc", x: 1n } },
      rest,
    )
    is(found[criRuntime], { enable_selinux: false, containerd: { default_runtime_name: "crun", x: 1n } })
    is(found[criImages], { snapshotter: "native", pinned_images: { other: "y", sandbox: "pause" } })
  })

  it("leaves its handlers behind where the runtime half has some", () => {
    const [older, newer] = [{ runtimes: { runc: {} } }, { runtimes: { crun: {} } }]
    const both = split({ containerd: older }, { [criRuntime]: { containerd: newer } })
    is([both.left, both[criRuntime]], [true, { containerd: newer }])
    is(split({ containerd: older }).left, false)
    is(split({ containerd: {} }, { [criRuntime]: { containerd: newer } }).left, false)
  })

  it("renames sandbox_mode of handlers, unless they have a sandboxer", () => {
    const handlers = {
      a: { sandbox_mode: "shim" },
      b: { sandbox_mode: "shim", sandboxer: "podsandbox" },
      c: {},
    }
    is(split({ containerd: { runtimes: handlers } })[criRuntime]!["containerd"], {
      runtimes: { a: { sandboxer: "shim" }, b: handlers.b, c: {} },
    })
  })

  it("makes a list of the directory of CNI programs, unless there is a list", () => {
    is(split({ cni: { bin_dir: "/a", conf_dir: "/b" } })[criRuntime], {
      cni: { conf_dir: "/b", bin_dirs: ["/a"] },
    })
    is(split({ cni: { conf_dir: "/b" } })[criRuntime], { cni: { conf_dir: "/b" } })
    const there = { [criRuntime]: { cni: { bin_dirs: ["/x"] } } }
    is(split({ cni: { bin_dir: "/a" } }, there)[criRuntime], { cni: { bin_dirs: ["/x"] } })
  })

  it("stops the daemon where a value stands in the place of a table", () => {
    for (const cri of [1n, "x", { containerd: 1n }, { containerd: { runtimes: 1n } }])
      assert.isTrue(refused(cri), typeof cri)
    assert.isTrue(refused({ containerd: { runtimes: { runc: {}, kata: 1n } } }))
    assert.isFalse(refused({}))
  })
})

describe("the full name of a plugin", () => {
  for (const [name, full] of [
    ["io.containerd.x.v1.y", "io.containerd.x.v1.y"],
    ["cri", grpcCri],
    ["overlayfs", "io.containerd.snapshotter.v1.overlayfs"],
    ["task", "io.containerd.runtime.v2.task"],
    ["images-service", "io.containerd.service.v1.images-service"],
    ["healthcheck", "io.containerd.grpc.v1.healthcheck"],
    ["toString", "io.containerd.grpc.v1.toString"],
  ] as const) {
    it(`of ${name} is ${full}`, () => {
      assert.strictEqual(Migration.fullName(name), full)
      is(Migration.withFullNames({ [name]: 1n } as Toml.Table), { [full]: 1n })
    })
  }
})
