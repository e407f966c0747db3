/**
 * Runs the conformance suite, or one act, on the host that it is started on: a program of its own, since systemd judges who
 * talks to it by the process. Arguments: the layout as JSON, what `--systemd` says, and `conformance`, or a verb with its
 * unit. What came of it is a line of JSON for each case, or for the act.
 */
import type { HostLayout } from "@kata-deploy/core"
import { HostShell } from "@kata-deploy/core"
import { HostShellConformance } from "@kata-deploy/core/testing"
import { NodeHostShell } from "@kata-deploy/host"
import { Cause, Effect, Exit } from "effect"

/** What came of a case or an act. */
export interface Told {
  /** The case or the act. */
  readonly what: string
  readonly ok: boolean
  /** What was wrong, or the value of an act. */
  readonly said: unknown
  readonly route: string
}

const verbs = ["reload", "restart", "stop", "enable", "disable", "reset-failed"] as const

const act = (what: string, unit: string): Effect.Effect<unknown, unknown, HostShell.HostShell> =>
  Effect.flatMap(HostShell.HostShell, (shell) => {
    const verb = verbs.find((known) => known === what)
    if (verb !== undefined) return shell.unit(verb, unit)
    switch (what) {
      case "run":
        return shell.unitRun(unit)
      case "log":
        return shell.unitLog(unit, 0)
      case "await":
        return shell.awaitActive(unit, 10)
      case "lock":
        return Effect.scoped(shell.lock(0))
      default:
        return Effect.die(new Error(`there is no act ${what}`))
    }
  })

const units = Object.keys(HostShellConformance.fixture.units)

/** Takes the units down, with nothing remembered. */
const takeDown = Effect.flatMap(HostShell.HostShell, (shell) =>
  Effect.forEach(units, (unit) => Effect.andThen(shell.unit("stop", unit), shell.unit("reset-failed", unit))),
)

const main = async (): Promise<void> => {
  const [layout, systemd, what = "", unit = ""] = process.argv.slice(2)
  const layer = NodeHostShell.layer({
    layout: JSON.parse(layout!) as HostLayout.HostLayout,
    systemd: systemd as NodeHostShell.Mode,
  })
  const tell = async (name: string, effect: Effect.Effect<unknown, unknown>): Promise<void> => {
    const routeOf = Effect.map(HostShell.HostShell, (shell) => shell.route)
    const route = await Effect.runPromise(Effect.provide(routeOf, layer))
    const exit = await Effect.runPromiseExit(effect)
    const told: Told = Exit.isSuccess(exit)
      ? { what: name, ok: true, said: exit.value ?? null, route }
      : { what: name, ok: false, said: (Cause.squash(exit.cause) as Error).message, route }
    process.stdout.write(`${JSON.stringify(told)}\n`)
  }
  if (what !== "conformance") return await tell(what, Effect.provide(act(what, unit), layer))
  for (const { effect, name } of HostShellConformance.cases(() => layer))
    await tell(name, Effect.andThen(Effect.provide(takeDown, layer), effect))
}

await main()
