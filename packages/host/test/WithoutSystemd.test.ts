import { assert, describe, it } from "@effect/vitest"
import { HostShell } from "@kata-deploy/core"
import { WithoutSystemd } from "@kata-deploy/host"
import { Effect } from "effect"

describe("the host without systemd", () => {
  it.effect("knows no unit, because nobody asked", () =>
    Effect.gen(function* () {
      const shell = yield* HostShell.HostShell
      const state = yield* shell.unitState("containerd.service")
      assert(state._tag === "Unknown")
      assert.strictEqual(state.how, "not-asked")
      assert.strictEqual(shell.control._tag, "Unknown")
    }).pipe(Effect.provide(WithoutSystemd.layer)),
  )

  it.effect("refuses every verb by name", () =>
    Effect.gen(function* () {
      const shell = yield* HostShell.HostShell
      const restart = yield* Effect.flip(shell.unit("restart", "k3s.service"))
      assert.strictEqual(
        restart.message,
        "Could not restart k3s.service: units are not to be controlled (--systemd none)",
      )
      const reload = yield* Effect.flip(shell.unit("reload", ""))
      assert.match(reload.message, /^Could not reload systemd:/)
      const waiting = yield* Effect.flip(shell.awaitActive("k3s.service", 10))
      assert.strictEqual(waiting.reason._tag, "Refused")
    }).pipe(Effect.provide(WithoutSystemd.layer)),
  )
})
