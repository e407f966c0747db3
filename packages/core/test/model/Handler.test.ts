import { assert, describe, it } from "@effect/vitest"
import { Handler, HostPath, Instance, Shim } from "../../src/index.ts"

const handler = (shim: string, kind: Handler.Handler["kind"], name: string): Handler.Handler => ({
  name,
  shim,
  kind,
  snapshotter: undefined,
  pullType: undefined,
})

const installDir = HostPath.make("/opt/kata")
const configPath = (of: Handler.Handler) => Handler.configPath(of, Shim.lookup(of.shim)!, installDir)

describe("Handler", () => {
  it("puts the suffix behind the shim and the variant behind the suffix", () => {
    const dev = Instance.make({ prefix: "/p", suffix: "dev" })
    assert.strictEqual(Handler.nameOf("qemu", dev), "kata-qemu-dev")
    assert.strictEqual(Handler.variantName("qemu", "debug", dev), "kata-qemu-dev-debug")
  })

  it("reads the shim's copy of its configuration", () => {
    assert.strictEqual(
      configPath(handler("qemu-runtime-rs", "shim", "kata-qemu-runtime-rs")),
      "/opt/kata/share/defaults/kata-containers/runtime-rs/runtimes/qemu-runtime-rs/configuration-qemu-runtime-rs.toml",
    )
  })

  for (const kind of ["custom", "debug", "devkit"] as const) {
    it(`reads the configuration of a ${kind} handler from a directory without runtime-rs level`, () => {
      assert.strictEqual(
        configPath(handler("qemu-runtime-rs", kind, "kata-x")),
        "/opt/kata/share/defaults/kata-containers/custom-runtimes/kata-x/configuration-qemu-runtime-rs.toml",
      )
    })
  }
})
