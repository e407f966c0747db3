import { assert, describe, it } from "@effect/vitest"
import { Distribution, Fact, HostCheck, HostPath } from "../../src/index.ts"
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

  describe("the whole check", () => {
    const notAsked = Fact.unknown("not-asked", "a staged action has no API")
    const short = Fact.known({ kubeletconfig: { runtimeRequestTimeout: "2m0s" } })
    const check = (
      variables: Readonly<Record<string, string>>,
      configz: Fact.Fact<unknown>,
      version = "2.2.0",
    ) =>
      HostCheck.check(settings(variables), {
        runtime: "containerd",
        version: `containerd://${version}`,
        kernel: {
          sysModules: ["erofs"],
          procModules: undefined,
          procConfig: undefined,
          bootConfig: undefined,
        },
        mkfs: { _tag: "Found", path: "/usr/bin/mkfs.erofs", missingOptions: [] },
        machine: { kvm: Fact.known(false), vhostVsock: Fact.known(true) },
        configz,
      })
    const codes = (...given: Parameters<typeof check>) => check(...given).notices.map((n) => n.code)

    it("brings problems of the runtime before those of snapshotters", () => {
      const variables = { MULTI_INSTALL_SUFFIX: "dev", EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" }
      assert.deepStrictEqual(
        check(variables, notAsked, "1.7.0").problems.map((p) => p.code),
        ["E_MULTI_INSTALL_NEEDS_DROPIN", "E_CONTAINERD_TOO_OLD_FOR_EROFS"],
      )
    })

    it("asks the kubelet only where images are pulled or converted while a container is created", () => {
      const advice = "kubelet-runtime-request-timeout"
      assert.notInclude(codes({}, short), advice)
      assert.include(codes({ EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }, short), advice)
      assert.include(codes({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs" }, short), advice)
      assert.include(codes({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus-hs" }, short), advice)
      assert.notInclude(codes({ EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus" }, short), advice)
    })

    it("has no advice where the kubelet was not asked, and some where it did not answer", () => {
      const guestPull = { EXPERIMENTAL_FORCE_GUEST_PULL_X86_64: "qemu" }
      assert.deepStrictEqual(codes(guestPull, notAsked), ["no-virtualisation"])
      assert.lengthOf(codes(guestPull, Fact.unknown("failed", "403")), 2)
    })
  })
})
