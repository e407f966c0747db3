import { assert, describe, it } from "@effect/vitest"
import { Effect, Result } from "effect"
import { Distribution, Fact, type HostShell, RuntimeDetection } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

type UnitState = HostShell.UnitState

/** Every unit as systemd knows it: the named ones in that state, the others inactive. */
const units = (states: Readonly<Record<string, UnitState>>): ReadonlyMap<string, Fact.Fact<UnitState>> =>
  new Map(Distribution.rows.map((row) => [row.unit, Fact.known(states[row.unit] ?? "inactive")]))

const active = (...names: ReadonlyArray<string>) =>
  units(Object.fromEntries(names.map((name) => [`${name.replace(/\.service$/, "")}.service`, "active"])))

/** systemd could not be asked. */
const unknown: ReadonlyMap<string, Fact.Fact<UnitState>> = new Map(
  Distribution.rows.map((row) => [row.unit, Fact.unknown("not-asked", "the operator chose so")]),
)

const has =
  (...paths: ReadonlyArray<string>) =>
  (path: string) =>
    paths.includes(path)

const detect = (facts: Partial<RuntimeDetection.DetectionFacts>) =>
  RuntimeDetection.detect({
    named: undefined,
    declared: undefined,
    remembered: undefined,
    units: unknown,
    version: undefined,
    exists: has(),
    ...facts,
  })

const runtime = (facts: Partial<RuntimeDetection.DetectionFacts>): string =>
  Result.match(detect(facts), {
    onSuccess: (d) => d.row.runtime,
    onFailure: (e) => `${e._tag} ${e.problems.map((p) => p.code).join()}`,
  })

const mismatch = "PrerequisiteError E_DISTRIBUTION_MISMATCH"
const k3s = "/var/lib/rancher/k3s/agent/etc/containerd"
const rke2 = "/var/lib/rancher/rke2/agent/etc/containerd"
const microk8s = "/var/snap/microk8s/current/args"

interface DetectionCase {
  readonly name: string
  readonly input: {
    readonly containerRuntimeVersion: string | null
    readonly activeUnits: ReadonlyArray<string>
    readonly k8sDistribution: string | null
  }
  readonly expected: { readonly runtime?: string }
}

describe("RuntimeDetection", () => {
  /** `docker` is no runtime of ours; the version is not needed; a declaration alone counts with us. */
  const deviations = ["docker", "no version available", "other declared values never override"]

  for (const { expected, input, name } of Vectors.section<DetectionCase>(
    "02-runtime-detection",
    "detection",
  )) {
    if (deviations.includes(name)) continue
    it(`decides as upstream: ${name}`, () => {
      assert.strictEqual(
        runtime({
          units: active(...input.activeUnits),
          version: input.containerRuntimeVersion ?? undefined,
          declared: input.k8sDistribution ?? undefined,
        }),
        expected.runtime,
      )
    })
  }

  for (const [units, version, named] of [
    [["k3s", "k3s-agent"], undefined, ["k3s-agent.service", "k3s.service"]],
    [["rke2-server", "k3s"], undefined, ["rke2-server.service", "k3s.service"]],
    [["k3s"], "cri-o://1.34.0", ["crio.service", "k3s.service"]],
    [
      ["snap.microk8s.daemon-containerd", "crio"],
      "cri-o://1.34.0",
      ["snap.microk8s.daemon-containerd.service", "crio.service"],
    ],
  ] as const) {
    it(`warns of ${units.join(" and ")}${version === undefined ? "" : ` beside ${version}`}, naming both`, () => {
      const { notices } = Result.getOrThrow(detect({ units: active(...units), version }))
      assert.deepStrictEqual(
        notices.map((n) => n.code),
        ["several-runtimes-active"],
      )
      for (const unit of named) assert.include(notices[0]!.message, unit)
    })
  }

  it("does not warn of containerd beside a distribution that brings its own", () => {
    const { notices, row } = Result.getOrThrow(detect({ units: active("containerd", "k3s") }))
    assert.strictEqual(row.runtime, "k3s")
    assert.deepStrictEqual(notices, [])
  })

  for (const [declared, units, result] of [
    ["k3s", ["k3s"], "k3s"],
    ["k3s", ["k3s-agent"], "k3s-agent"],
    ["kubeadm", ["containerd"], "containerd"],
    ["k3s", ["containerd"], mismatch],
    ["k3s", ["rke2-agent"], mismatch],
    ["k8s", ["k3s"], mismatch],
    ["k8s", ["k3s", "containerd"], mismatch],
    ["k8s", ["k0sworker"], mismatch],
    ["k3s", ["rke2-server", "k3s"], "k3s"],
    ["k3s", ["crio"], "crio"],
    ["microk8s", ["crio"], "crio"],
  ] as const) {
    it(`${declared} declared and ${units.join(", ")} active is ${result}`, () => {
      assert.strictEqual(runtime({ declared, units: active(...units) }), result)
    })
  }

  it("says in a mismatch what was declared, what runs, and what to declare instead", () => {
    const problem = Result.getOrThrow(Result.flip(detect({ declared: "k3s", units: active("rke2-agent") })))
      .problems[0]!
    assert.strictEqual(problem.setting, "K8S_DISTRIBUTION")
    assert.strictEqual(problem.value, "k3s")
    assert.include(problem.message, "rke2-agent")
    assert.include(problem.remedy, "K8S_DISTRIBUTION=rke2")
  })

  it("takes a unit that is not quite active for no answer, and looks at the host", () => {
    for (const state of ["activating", "failed", "inactive"] as const) {
      assert.strictEqual(runtime({ units: units({ "k3s.service": state }), exists: has(k3s) }), "k3s")
    }
  })

  for (const [what, facts, result] of [
    ["k3s' directory", { exists: has(k3s, "/etc/containerd") }, "k3s"],
    ["RKE2's directory", { exists: has(rke2) }, "rke2-server"],
    ["k0s' directory", { exists: has("/etc/k0s") }, "k0s-worker"],
    ["microk8s' directory", { exists: has(microk8s) }, "microk8s"],
    ["CRI-O's directory alone", { exists: has("/etc/crio") }, "crio"],
    ["CRI-O's and containerd's directory", { exists: has("/etc/crio", "/etc/containerd") }, "containerd"],
    ["nothing at all", {}, "containerd"],
    ["CRI-O in the version", { version: "cri-o://1.34.0", exists: has("/etc/containerd") }, "crio"],
    ["directories of two", { exists: has(k3s, rke2) }, "SettingsError E_AMBIGUOUS_TREE"],
    ["directories of two, one of them declared", { exists: has(k3s, rke2), declared: "rke2" }, "rke2-server"],
    ["directories of two, one remembered", { exists: has(k3s, rke2), remembered: "k3s-agent" }, "k3s-agent"],
    ["a remembered runtime that is declared", { remembered: "k3s-agent", declared: "k3s" }, "k3s-agent"],
    ["a remembered runtime that is not declared", { remembered: "k3s-agent", declared: "k0s" }, "k0s-worker"],
    ["a remembered runtime that nobody knows", { remembered: "docker", exists: has(k3s) }, "k3s"],
    ["k3s declared", { declared: "k3s" }, "k3s"],
    ["RKE2 declared", { declared: "rke2" }, "rke2-server"],
    ["k0s declared", { declared: "k0s" }, "k0s-worker"],
    ["kubeadm declared", { declared: "kubeadm" }, "containerd"],
    ["kubeadm declared and CRI-O's directory", { declared: "kubeadm", exists: has("/etc/crio") }, "crio"],
    ["kubeadm declared and CRI-O in the version", { declared: "k8s", version: "cri-o://1.30" }, "crio"],
    ["k3s declared and RKE2's directory", { declared: "k3s", exists: has(rke2) }, mismatch],
    ["kubeadm declared and k3s' directory", { declared: "kubeadm", exists: has(k3s) }, mismatch],
    [
      "kubeadm declared and k3s' beside containerd's",
      { declared: "k8s", exists: has(k3s, "/etc/containerd") },
      "containerd",
    ],
  ] as const) {
    it(`without units, ${what} means ${result}`, () => {
      assert.strictEqual(runtime(facts), result)
    })
  }

  it("names both directories, and how to say which, when the tree is ambiguous", () => {
    const problem = Result.getOrThrow(Result.flip(detect({ exists: has(k3s, "/etc/k0s") }))).problems[0]!
    assert.include(problem.message, k3s)
    assert.include(problem.message, "/etc/k0s")
    assert.include(problem.remedy, "--k8s-distribution")
  })

  it("prefers units that could be asked to what the ledger remembers", () => {
    assert.strictEqual(runtime({ units: active("k3s"), remembered: "containerd" }), "k3s")
  })

  it("takes a named runtime without looking at units, as long as it fits what was declared", () => {
    assert.strictEqual(runtime({ named: "k0s-worker", units: active("k3s") }), "k0s-worker")
    assert.strictEqual(runtime({ named: "k3s", declared: "k3s" }), "k3s")
    assert.strictEqual(runtime({ named: "crio", declared: "k3s" }), "crio")
    assert.strictEqual(runtime({ named: "k3s", declared: "k8s" }), mismatch)
  })

  it("refuses a named runtime that it does not know, with a suggestion", () => {
    const error = Result.getOrThrow(Result.flip(detect({ named: "contianerd" })))
    assert.strictEqual(error._tag, "SettingsError")
    assert.include(error.message, "Did you mean containerd?")
    for (const name of Distribution.runtimeNames) assert.include(error.problems[0]!.remedy, name)
  })

  it("always says how it knows", () => {
    for (const facts of [
      { named: "k3s" },
      { units: active("k3s") },
      { declared: "k3s" },
      { exists: has(k3s) },
      {},
    ]) {
      assert.isNotEmpty(Result.getOrThrow(detect(facts)).because)
    }
  })

  it.effect("is a service that can be replaced", () =>
    Effect.gen(function* () {
      const service = yield* RuntimeDetection.RuntimeDetection
      assert.strictEqual(service.detect, RuntimeDetection.detect)
    }).pipe(Effect.provide(RuntimeDetection.RuntimeDetection.layer)),
  )
})
