import { assert, describe, it } from "@effect/vitest"
import { Distribution, Fact, HostCheck } from "../../../src/index.ts"
import { settings } from "../../Sample.ts"

const codes = (
  runtime: string,
  version: string | undefined,
  variables: Readonly<Record<string, string>> = {},
  customConfigs: Readonly<Record<string, string>> = {},
) =>
  HostCheck.RuntimeFit.problems(settings(variables, customConfigs), { runtime, version }).map((p) => p.code)

const mapped = { SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus" }
const suffixed = { MULTI_INSTALL_SUFFIX: "dev" }
const tooOld = "E_CONTAINERD_TOO_OLD_FOR_SNAPSHOTTER"
const needsDropIn = "E_MULTI_INSTALL_NEEDS_DROPIN"

const cases: ReadonlyArray<
  readonly [
    what: string,
    runtime: string,
    version: string | undefined,
    variables: Readonly<Record<string, string>>,
    codes: ReadonlyArray<string>,
  ]
> = [
  ["a runtime that nobody knows", "docker", "docker://24.0", {}, ["E_UNSUPPORTED_RUNTIME"]],
  [
    "another distribution than declared",
    "k3s",
    undefined,
    { K8S_DISTRIBUTION: "k8s" },
    ["E_DISTRIBUTION_MISMATCH"],
  ],
  ["the distribution that is declared", "rke2-agent", undefined, { K8S_DISTRIBUTION: "rke2" }, []],
  ["CRI-O below any distribution", "crio", "cri-o://1.34.0", { K8S_DISTRIBUTION: "k3s" }, []],
  ["a mapping on containerd 1.6", "containerd", "containerd://1.6.28", mapped, [tooOld]],
  ["a mapping on containerd 1.5", "containerd", "containerd://1.5.0", mapped, [tooOld]],
  ["a mapping on containerd 1.60", "containerd", "containerd://1.60.0", mapped, []],
  ["a mapping on containerd 1.7", "containerd", "containerd://1.7.0", mapped, []],
  ["a mapping on an unknown version", "containerd", undefined, mapped, []],
  ["a mapping with CRI-O", "crio", "cri-o://1.34.0", mapped, []],
  ["a mapping with CRI-O, whatever version is named", "crio", "containerd://1.6.28", mapped, []],
  ["no mapping on containerd 1.6", "containerd", "containerd://1.6.28", {}, []],
  ["a suffix on containerd 1.7", "containerd", "containerd://1.7.0", suffixed, [needsDropIn]],
  ["a suffix on microk8s with containerd 1.7", "microk8s", "containerd://1.7.0", suffixed, [needsDropIn]],
  ["a suffix on containerd 2.0", "containerd", "containerd://v2.0.0", suffixed, []],
  ["a suffix on k0s", "k0s-worker", "containerd://1.7.0", suffixed, []],
  ["a suffix with CRI-O", "crio", "cri-o://1.34.0", suffixed, []],
  [
    "everything at once",
    "containerd",
    "containerd://1.6.1",
    { ...mapped, ...suffixed, K8S_DISTRIBUTION: "k3s" },
    ["E_DISTRIBUTION_MISMATCH", tooOld, needsDropIn],
  ],
]

describe("RuntimeFit", () => {
  for (const [what, runtime, version, variables, expected] of cases)
    it(`${expected.length === 0 ? "accepts" : "refuses"} ${what}`, () => {
      assert.deepStrictEqual(codes(runtime, version, variables), [...expected])
    })

  it("names every shim whose mapping would be ignored", () => {
    const [problem] = HostCheck.RuntimeFit.problems(
      settings({
        SHIMS_X86_64: "qemu clh",
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:nydus,clh:nydus",
      }),
      { runtime: "containerd", version: "containerd://1.6.0" },
    )
    assert.match(problem?.message ?? "", /^qemu, clh shall/)
  })

  it("refuses a custom runtime with a snapshotter of its own on containerd 1.6, too", () => {
    const configs = { "custom-runtimes.list": "kata-mine:qemu:erofs:\nkata-plain:qemu::" }
    const variables = { CUSTOM_RUNTIMES_ENABLED: "true" }
    const [problem] = HostCheck.RuntimeFit.problems(settings(variables, configs), {
      runtime: "containerd",
      version: "containerd://1.6.0",
    })
    assert.match(problem?.message ?? "", /^kata-mine shall/)
  })

  it("refuses the operator's version where the daemon itself says another generation, and names both", () => {
    const named = (CONTAINER_RUNTIME_VERSION: string, says: Fact.Fact<string> | undefined) =>
      HostCheck.RuntimeFit.named(settings({ CONTAINER_RUNTIME_VERSION }), says)
    const [problem] = named("containerd://2.1.5", Fact.known("containerd 1.7.24"))
    assert.deepInclude(problem, {
      code: "E_RUNTIME_VERSION_MISMATCH",
      setting: "CONTAINER_RUNTIME_VERSION",
      value: "containerd://2.1.5",
    })
    assert.match(problem!.message, /says containerd:\/\/2\.1\.5, but this node runs containerd 1\.7\.24/)
    assert.include(problem!.remedy, "CONTAINER_RUNTIME_VERSION=containerd://1.7.24")
    for (const says of ["containerd 2.1.9", "containerd 2.0.0-k3s1", "containerd", "cri-o 1.34.0", ""])
      assert.deepStrictEqual(named("containerd://2.1.5", Fact.known(says)), [], says)
    for (const says of [undefined, Fact.unknown("out-of-sight", "its socket is not mounted here")])
      assert.deepStrictEqual(named("containerd://2.1.5", says), [])
    assert.deepStrictEqual(named("cri-o://1.34.0", Fact.known("containerd 1.7.24")), [])
    assert.deepStrictEqual(HostCheck.RuntimeFit.named(settings({}), Fact.known("containerd 1.7.24")), [])
  })

  it("knows the daemon's own version where it is of another minor release than the operator's, and nowhere else", () => {
    const other = (CONTAINER_RUNTIME_VERSION: string, says: Fact.Fact<string> | undefined) =>
      HostCheck.RuntimeFit.otherMinor(settings({ CONTAINER_RUNTIME_VERSION }), says)
    const found = other("containerd://2.1.5", Fact.known("containerd 2.3.1"))
    assert.strictEqual(found?.version, "containerd://2.3.1")
    assert.deepInclude(found?.problem, {
      code: "E_RUNTIME_VERSION_MISMATCH",
      setting: "CONTAINER_RUNTIME_VERSION",
      value: "containerd://2.1.5",
    })
    assert.include(found?.problem.message, "containerd 2.3.1")
    for (const says of ["containerd 2.1.9", "containerd 1.7.24", "containerd", "cri-o 2.3.0"])
      assert.isUndefined(other("containerd://2.1.5", Fact.known(says)), says)
    assert.isUndefined(other("containerd://2.1.5", Fact.unknown("out-of-sight", "no socket")))
    assert.isUndefined(HostCheck.RuntimeFit.otherMinor(settings({}), Fact.known("containerd 2.3.1")))
  })

  it("says what to declare instead", () => {
    for (const row of Distribution.rows.filter((r) => r.distribution !== "k8s")) {
      const [problem] = HostCheck.RuntimeFit.problems(settings({ K8S_DISTRIBUTION: "kubeadm" }), {
        runtime: row.runtime,
        version: undefined,
      })
      assert.include(problem!.remedy, `K8S_DISTRIBUTION=${row.distribution}`)
    }
  })
})
