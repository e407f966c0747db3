/** What does the version that a node reports say about its CRI runtime, and what where only some units could be asked? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Distribution, Fact, type HostShell, RuntimeDetection } from "../../src/index.ts"

const unasked = Fact.unknown("not-asked", "the operator chose so")
const inactive = new Map(
  Distribution.rows.map((row) => [row.unit, Fact.known<HostShell.UnitState>("inactive")]),
)

const detect = (facts: Partial<RuntimeDetection.DetectionFacts>) =>
  RuntimeDetection.detect({
    named: undefined,
    declared: undefined,
    remembered: undefined,
    units: new Map(),
    version: undefined,
    exists: () => false,
    ...facts,
  })
const runtime = (facts: Partial<RuntimeDetection.DetectionFacts>): string =>
  Result.match(detect(facts), {
    onSuccess: (d) => d.row.runtime,
    onFailure: (e) => e.problems.map((p) => `${p.code} ${p.value}`).join(),
  })
const problem = (facts: Partial<RuntimeDetection.DetectionFacts>) =>
  Result.getOrThrow(Result.flip(detect(facts))).problems[0]!

describe("the version of a node", () => {
  for (const [version, expected] of [
    ["cri-o://1.34.0", "crio"],
    ["crio://1.34.0", "crio"],
    ["containerd://2.1.5", "containerd"],
    ["docker://24.0", "E_UNSUPPORTED_RUNTIME docker"],
    ["  rkt://1", "E_UNSUPPORTED_RUNTIME rkt"],
    ["2.1.5", "containerd"],
    ["x docker://24.0", "containerd"],
    ["a:docker://24.0", "containerd"],
    [undefined, "containerd"],
  ] as const) {
    it(`${version ?? "that nobody reports"} says ${expected}`, () => {
      assert.strictEqual(runtime({ version }), expected)
    })
  }

  it("of another daemon is refused with the setting that says it, a name with the one that names it", () => {
    assert.strictEqual(problem({ version: "docker://24" }).setting, "CONTAINER_RUNTIME_VERSION")
    const named = problem({ named: "contanerd" })
    assert.strictEqual(named.setting, "KATA_DEPLOY_DETECTED_RUNTIME")
    assert.include(named.message, "containerd")
  })

  it("of CRI-O beside an active unit is told of, with both", () => {
    const units = new Map([...inactive, ["k3s.service", Fact.known<HostShell.UnitState>("active")] as const])
    const found = Result.getOrThrow(detect({ units, version: "cri-o://1.34.0" }))
    assert.strictEqual(found.row.runtime, "crio")
    assert.match(found.notices[0]!.message, /crio\.service and k3s\.service/)
    assert.include(found.because, "cri-o://1.34.0")
  })
})

describe("a version of CRI-O on the tree of a distribution that brings its own containerd", () => {
  const k3s = "/var/lib/rancher/k3s/agent/etc/containerd"
  const on = (...paths: ReadonlyArray<string>) => ({
    version: "cri-o://1.34.0",
    exists: (path: string) => paths.includes(path),
  })
  const notices = (facts: Partial<RuntimeDetection.DetectionFacts>) =>
    Result.getOrThrow(detect(facts)).notices

  for (const declared of [undefined, "k3s", "k8s"]) {
    it(`is told of with the path, declared as ${declared ?? "nothing"}`, () => {
      const facts = { ...on(k3s, "/etc/containerd"), declared }
      assert.strictEqual(runtime(facts), "crio")
      const [notice, ...others] = notices(facts)
      assert.deepStrictEqual(others, [])
      assert.deepStrictEqual([notice!.code, notice!.severity], ["version-beside-tree", "warning"])
      assert.include(notice!.message, k3s)
      assert.include(notice!.message, "cri-o://1.34.0")
      assert.include(notice!.remedy, "--cri-runtime")
    })
  }

  it("is no contradiction on a tree that speaks for no distribution", () => {
    assert.deepStrictEqual([...notices(on("/etc/crio"))], [])
    assert.deepStrictEqual([...notices({ ...on("/etc/crio"), declared: "k8s" })], [])
  })

  it("is told of where the ledger remembers another runtime, which stays the one that is configured", () => {
    const facts = { ...on(k3s), remembered: "k3s" }
    assert.strictEqual(runtime(facts), "k3s")
    const [notice] = notices(facts)
    assert.strictEqual(notice!.code, "version-beside-tree")
    assert.match(notice!.message, /k3s is configured/)
  })
})

describe("units of which only some could be asked", () => {
  const some = (state: HostShell.UnitState) =>
    new Map<string, Fact.Fact<HostShell.UnitState>>([
      ["k3s.service", Fact.known(state)],
      ["containerd.service", unasked],
    ])

  it("count by the one that is active, and leave the rest to the host where none is", () => {
    assert.strictEqual(runtime({ units: some("active") }), "k3s")
    for (const state of ["inactive", "activating", "failed"] as const)
      assert.strictEqual(runtime({ units: some(state), remembered: "rke2-agent" }), "rke2-agent")
  })

  it("are outranked by nothing that the host only remembers", () => {
    assert.strictEqual(runtime({ units: some("active"), remembered: "microk8s" }), "k3s")
    assert.strictEqual(runtime({ units: inactive, remembered: "nobody's" }), "containerd")
  })
})

describe("a named runtime", () => {
  it("counts unless the declared distribution cannot have it", () => {
    assert.strictEqual(runtime({ named: "k3s" }), "k3s")
    assert.strictEqual(runtime({ named: "k3s", declared: "k3s" }), "k3s")
    assert.strictEqual(runtime({ named: "k3s", declared: "rke2" }), "E_DISTRIBUTION_MISMATCH rke2")
    assert.deepStrictEqual(Result.getOrThrow(detect({ named: "k3s" })).notices, [])
  })
})
