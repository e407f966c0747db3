import { assert, describe, it } from "@effect/vitest"
import { Handler, HostPath, Instance, Shim } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

interface ShimVector {
  readonly shim: string
  readonly runtime: "go" | "rust"
  readonly hypervisor: string
  readonly qemuArtifact: string | null
  readonly shimBinary: string
  readonly originalConfig: string
  readonly runtimeConfig: string
  readonly dropInDir: string
  readonly handler: string
  readonly handlerWithSuffixDev: string
  readonly debugHandler: string
  readonly devkitHandlerWithSuffixDev: string
}

interface ShimsFile {
  readonly shims: ReadonlyArray<ShimVector>
  readonly defaultShims: Readonly<Record<string, ReadonlyArray<string>>>
  readonly qemuSystemBinary: Readonly<Record<string, string>>
  readonly unknownShimErrors: ReadonlyArray<{ readonly name: string; readonly input: string }>
}

const vectors = Vectors.whole<ShimsFile>("01-shims")
const plain = Instance.make({ prefix: undefined, suffix: undefined })
const dev = Instance.make({ prefix: undefined, suffix: "dev" })
const { installDir } = plain

describe("Shim", () => {
  it("has the registry of upstream, no shim more and none less", () => {
    assert.sameMembers(
      [...Shim.names],
      vectors.shims.map((v) => v.shim),
    )
    assert.deepStrictEqual([...Shim.names], [...Shim.names].sort())
  })

  for (const vector of vectors.shims) {
    it(`${vector.shim} is made of what upstream makes it of`, () => {
      const row = Shim.lookup(vector.shim)!
      assert.deepStrictEqual(
        { runtime: row.runtime, qemuArtifact: row.qemuArtifact },
        { runtime: vector.runtime, qemuArtifact: vector.qemuArtifact },
      )
      assert.strictEqual(row.hypervisor, vector.hypervisor)
      assert.strictEqual(Shim.binary(installDir, row), vector.shimBinary)
      assert.strictEqual(Shim.originalConfig(installDir, vector.shim, row), vector.originalConfig)
      assert.strictEqual(Shim.runtimeConfig(installDir, vector.shim, row), vector.runtimeConfig)
      assert.strictEqual(`${Shim.runtimeDir(installDir, vector.shim, row)}/config.d`, vector.dropInDir)
      assert.strictEqual(Handler.nameOf(vector.shim, plain), vector.handler)
      assert.strictEqual(Handler.nameOf(vector.shim, dev), vector.handlerWithSuffixDev)
      assert.strictEqual(Handler.variantName(vector.shim, "debug", plain), vector.debugHandler)
      assert.strictEqual(Handler.variantName(vector.shim, "devkit", dev), vector.devkitHandlerWithSuffixDev)
    })
  }

  for (const [architecture, list] of Object.entries(vectors.defaultShims)) {
    it(`sets up upstream's default list, in its order, on ${architecture === "*" ? "any other architecture" : architecture}`, () => {
      assert.deepStrictEqual(
        [...Shim.defaultShims(architecture === "*" ? "riscv64" : architecture)],
        [...list],
      )
    })
  }

  it("has every default shim in the registry", () => {
    for (const architecture of Object.keys(vectors.defaultShims)) {
      for (const shim of Shim.defaultShims(architecture)) assert.include(Shim.names, shim)
    }
  })

  it("is not misled by architectures that are names of object members", () => {
    assert.deepStrictEqual([...Shim.defaultShims("constructor")], ["qemu"])
  })

  for (const [architecture, binary] of Object.entries(vectors.qemuSystemBinary)) {
    it(`runs ${binary} on ${architecture}`, () => {
      assert.strictEqual(
        Shim.qemuBinary(installDir, Shim.lookup("qemu")!, architecture),
        `/opt/kata/bin/${binary}`,
      )
    })
  }

  it("runs the QEMU build of the shim from the instance's directory", () => {
    assert.strictEqual(
      Shim.qemuBinary(HostPath.make("/p/opt/kata"), Shim.lookup("qemu-nvidia-gpu-snp")!, "x86_64"),
      "/p/opt/kata/bin/qemu-system-x86_64-snp-experimental",
    )
    assert.strictEqual(
      Shim.qemuBinary(installDir, Shim.lookup("qemu-nvidia-cpu-runtime-rs")!, "aarch64"),
      "/opt/kata/bin/qemu-system-aarch64-no-shared-fs",
    )
    for (const shim of ["clh", "dragonball", "fc", "firecracker", "remote", "openvmm-azure-runtime-rs"]) {
      assert.isUndefined(Shim.qemuBinary(installDir, Shim.lookup(shim)!, "x86_64"))
    }
  })

  it("takes a name that begins with qemu for a Go shim of QEMU, even beyond the registry", () => {
    assert.deepStrictEqual(Shim.lookup("qemu-whatever-runtime-rs"), {
      runtime: "go",
      hypervisor: "qemu",
      qemuArtifact: "qemu",
    })
  })

  for (const name of [
    ...vectors.unknownShimErrors.map((v) => v.input),
    "toString",
    "__proto__",
    "constructor",
  ]) {
    it(`does not know ${JSON.stringify(name)}`, () => {
      assert.isUndefined(Shim.lookup(name))
    })
  }
})
