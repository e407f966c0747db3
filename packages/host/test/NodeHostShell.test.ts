import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import { HostLayout, HostShell } from "@kata-deploy/core"
import { NodeHostShell } from "@kata-deploy/host"
import { Effect } from "effect"

/** A host tree that nothing runs on; gone with the scope. */
const hostTree = Effect.acquireRelease(
  Effect.sync(() => {
    const root = mkdtempSync(join(tmpdir(), "kd-host-"))
    mkdirSync(join(root, "run/lock"), { recursive: true })
    mkdirSync(join(root, "etc"))
    writeFileSync(join(root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n")
    return root
  }),
  (root) => Effect.sync(() => rmSync(root, { recursive: true })),
)

const on = <A, E>(
  root: string,
  systemd: NodeHostShell.Mode,
  use: (shell: HostShell.HostShell["Service"]) => Effect.Effect<A, E>,
): Effect.Effect<A, E> =>
  Effect.flatMap(HostShell.HostShell, use).pipe(
    Effect.provide(NodeHostShell.layer({ layout: HostLayout.wholeRoot(root), systemd })),
  )

describe("the host with Node", () => {
  it.effect("without systemd still has lock and sight", () =>
    Effect.gen(function* () {
      const root = yield* hostTree
      yield* on(
        root,
        "none",
        Effect.fnUntraced(function* (shell) {
          assert(shell.control._tag === "Unknown")
          assert.strictEqual(shell.control.how, "not-asked")
          yield* Effect.scoped(shell.lock(0))
          const { machineId } = yield* shell.machine
          assert.strictEqual(machineId._tag, "File")
        }),
      )
    }),
  )

  for (const mode of ["auto", "dbus", "nsenter"] as const)
    it.effect(`never reaches this machine's units with ${mode}, below another root`, () =>
      Effect.gen(function* () {
        const root = yield* hostTree
        yield* on(
          root,
          mode,
          Effect.fnUntraced(function* (shell) {
            assert(shell.control._tag === "Unknown")
            assert.strictEqual(shell.control.how, "out-of-sight")
            assert.strictEqual(shell.route, shell.control.why)
            assert.deepStrictEqual(yield* shell.unitState("containerd"), shell.control)
            const error = yield* Effect.flip(shell.unit("restart", "containerd"))
            assert.match(error.message, /^Could not restart containerd: systemd cannot be reached: not by/)
          }),
        )
      }),
    )
})
