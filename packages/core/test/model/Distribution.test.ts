import { assert, describe, it } from "@effect/vitest"
import { Distribution } from "../../src/index.ts"
import * as Vectors from "../Vectors.ts"

interface UnitCase {
  readonly input: { readonly runtime: string }
  readonly expected: { readonly unit: string }
}

interface DeclaredCase {
  readonly name: string
  readonly input: { readonly declared: string | null; readonly runtime: string }
  readonly expected: { readonly accepted: boolean; readonly suggestedDistribution?: string }
}

describe("Distribution", () => {
  for (const { expected, input } of Vectors.section<UnitCase>("02-runtime-detection", "systemdUnit")) {
    it(`${input.runtime} is run by ${expected.unit}`, () => {
      assert.strictEqual(Distribution.lookup(input.runtime)?.unit, expected.unit)
    })
  }

  it("looks at the units in upstream's order", () => {
    assert.deepStrictEqual(
      [...Distribution.runtimeNames],
      [
        "microk8s",
        "rke2-agent",
        "rke2-server",
        "k3s-agent",
        "k3s",
        "k0s-controller",
        "k0s-worker",
        "crio",
        "containerd",
      ],
    )
  })

  for (const { expected, input, name } of Vectors.section<DeclaredCase>(
    "02-runtime-detection",
    "declaredDistribution",
  )) {
    const row = Distribution.lookup(input.runtime)
    if (input.declared === null || row === undefined || row.runtime === "crio") continue
    it(`${name} is ${expected.accepted ? "fitting" : "a mismatch"}`, () => {
      const declared = Distribution.fromDeclared(input.declared!)
      assert.strictEqual(Distribution.runtimesOf(declared).includes(row.runtime), expected.accepted)
      if (!expected.accepted) assert.strictEqual(row.distribution, expected.suggestedDistribution)
    })
  }

  it("keeps each distribution's configuration where the chart mounts it from", () => {
    const directories: Record<string, string> = Object.fromEntries(
      Distribution.rows.map((r) => [r.runtime, r.configDir]),
    )
    assert.deepStrictEqual(directories, {
      microk8s: "/var/snap/microk8s/current/args",
      "rke2-agent": "/var/lib/rancher/rke2/agent/etc/containerd",
      "rke2-server": "/var/lib/rancher/rke2/agent/etc/containerd",
      "k3s-agent": "/var/lib/rancher/k3s/agent/etc/containerd",
      k3s: "/var/lib/rancher/k3s/agent/etc/containerd",
      "k0s-controller": "/etc/k0s",
      "k0s-worker": "/etc/k0s",
      crio: "/etc/containerd",
      containerd: "/etc/containerd",
    })
  })

  it("lets the operator name the main config on vanilla containerd only", () => {
    const free = Distribution.rows.filter((r) => r.mainFile === undefined).map((r) => r.runtime)
    assert.deepStrictEqual(free, ["crio", "containerd"])
  })

  it("asks for no restart where the distribution reloads by itself", () => {
    const reloading = Distribution.rows.filter((r) => r.restart === "reloads-itself").map((r) => r.runtime)
    assert.deepStrictEqual(reloading, ["k0s-controller", "k0s-worker"])
  })

  it("has one marker for each distribution that is not vanilla, and one runtime that stands for it", () => {
    assert.deepStrictEqual(
      Distribution.markers.map((m) => [m.distribution, m.stands]),
      [
        ["k3s", "k3s"],
        ["rke2", "rke2-server"],
        ["k0s", "k0s-worker"],
        ["microk8s", "microk8s"],
      ],
    )
    for (const { distribution, stands } of Distribution.markers) {
      assert.include(Distribution.runtimesOf(distribution), stands)
    }
  })

  it("takes every name that it does not know for a vanilla distribution", () => {
    for (const name of ["k8s", "kubeadm", "vanilla", "K3S", ""]) {
      assert.strictEqual(Distribution.fromDeclared(name), "k8s")
    }
  })
})
