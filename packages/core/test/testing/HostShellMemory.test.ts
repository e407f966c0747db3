import { assert, describe, it } from "@effect/vitest"
import { Fact, HostShell } from "@kata-deploy/core"
import { HostShellConformance, HostShellMemory } from "@kata-deploy/core/testing"
import { Effect } from "effect"

describe("the double of HostShell", () => {
  it.effect("verbs change the states of units, and are recorded", () =>
    Effect.gen(function* () {
      const double = HostShellMemory.make({ units: { containerd: "active", kubelet: "failed" } })
      yield* Effect.gen(function* () {
        const shell = yield* HostShell.HostShell
        yield* shell.unit("reload", "")
        yield* shell.unit("stop", "containerd")
        assert.deepStrictEqual(yield* shell.unitState("containerd"), Fact.known("inactive"))
        yield* shell.unit("restart", "containerd")
        yield* shell.awaitActive("containerd", 10)
        yield* shell.unit("reset-failed", "kubelet")
        assert.deepStrictEqual(yield* shell.unitState("kubelet"), Fact.known("inactive"))
        assert.deepStrictEqual(yield* shell.unitState("nobody"), Fact.known("inactive"))
      }).pipe(Effect.provide(double.layer))
      const verbs = double.faults.operations.map(({ subject, verb }) => `${verb} ${subject}`.trim())
      const expected = ["reload", "stop containerd", "restart containerd", "await containerd"]
      assert.deepStrictEqual(verbs, [...expected, "reset-failed kubelet"])
    }),
  )

  it.effect("a unit that does not come back fails its restart, and waiting for it runs out", () =>
    Effect.gen(function* () {
      const double = HostShellMemory.make({ afterRestart: { containerd: "failed", k3s: "activating" } })
      yield* Effect.gen(function* () {
        const shell = yield* HostShell.HostShell
        assert.strictEqual((yield* Effect.flip(shell.unit("restart", "containerd"))).reason._tag, "Refused")
        yield* shell.unit("restart", "k3s")
        const error = yield* Effect.flip(shell.awaitActive("k3s", 10))
        assert.deepStrictEqual(error.reason, { _tag: "TimedOut", seconds: 10 })
      }).pipe(Effect.provide(double.layer))
    }),
  )

  it.effect("without control, states are unknown and verbs are refused", () =>
    Effect.gen(function* () {
      const control = Fact.unknown("not-asked", "--systemd none")
      const double = HostShellMemory.make({ control })
      yield* Effect.gen(function* () {
        const shell = yield* HostShell.HostShell
        assert.deepStrictEqual(yield* shell.unitState("containerd"), control)
        assert.strictEqual((yield* Effect.flip(shell.unit("restart", "containerd"))).reason._tag, "Refused")
      }).pipe(Effect.provide(double.layer))
    }),
  )
})

describe("the double of HostShell, as every implementation", () => {
  const provide = ({ units }: HostShellConformance.Fixture) => {
    const failing = Object.entries(units).filter(([, fate]) => fate === "ends with an error")
    return HostShellMemory.make({
      units: Object.fromEntries(Object.keys(units).map((unit) => [unit, "inactive"] as const)),
      afterRestart: Object.fromEntries(failing.map(([unit]) => [unit, "failed"] as const)),
    }).layer
  }
  for (const { effect, name } of HostShellConformance.cases(provide)) it.effect(name, () => effect)
})
