import { assert, describe, it } from "@effect/vitest"
import { Distribution, HostCheck, HostPath } from "../../src/index.ts"
import { settings } from "../Sample.ts"

describe("HostCheck", () => {
  const notices = (version: string | undefined, runtime: Distribution.CriRuntime = "containerd") =>
    HostCheck.notices(settings({ SHIMS_X86_64: "qemu clh" }), Distribution.rowOf(runtime), version).filter(
      (n) => n.code === "containerd-1.6-ignores-runtime-path",
    )

  it("warns of containerd 1.6, which ignores runtime_path, and says what to link", () => {
    const [notice] = notices("containerd://1.6.20")
    assert.strictEqual(notice?.severity, "warning")
    assert.include(notice!.message, "1.6")
    assert.include(notice!.remedy!, "containerd-shim-kata-qemu-v2, containerd-shim-kata-clh-v2")
  })

  for (const [version, runtime] of [
    ["containerd://1.7.0", "containerd"],
    ["containerd://2.1.5", "k3s"],
    [undefined, "containerd"],
    ["cri-o://1.34.0", "crio"],
  ] as const) {
    it(`has nothing to warn of with ${version ?? "an unknown version"} on ${runtime}`, () => {
      assert.deepStrictEqual(notices(version, runtime), [])
    })
  }

  it("names each path that may not be written, but not what lies below one of them", () => {
    const problems = HostCheck.permissions(
      ["/etc/containerd", "/etc/containerd/config.toml", "/opt/kata", "/opt/kata-dev"].map(HostPath.make),
    )
    assert.deepStrictEqual(
      problems.map((p) => p.path),
      ["/etc/containerd", "/opt/kata", "/opt/kata-dev"],
    )
    for (const problem of problems) assert.strictEqual(problem.code, "E_NO_PERMISSION")
  })
})
