import { assert, describe, it } from "@effect/vitest"
import { Fact } from "@kata-deploy/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import type * as Program from "../../src/Program.ts"
import * as Systemctl from "../../src/units/Systemctl.ts"

const active = `LoadState=loaded
ActiveState=active
SubState=running
Result=success
MainPID=47
NRestarts=1
ActiveEnterTimestamp=Fri 2026-11-20 10:00:00 UTC
ActiveEnterTimestampMonotonic=4000000
NeedDaemonReload=no
`

type Ending = Partial<Program.Ended> | Program.NotRun

/** Units over programs that end as `ends` says by the verb, and what was run. */
const unitsOf = (ends: Readonly<Record<string, Ending>>) => {
  const lines: Array<string> = []
  const run: Program.RunProgram = (argv) => {
    lines.push(argv.join(" "))
    const end: Ending = ends[argv[2]!] ?? {}
    return "_tag" in end
      ? Effect.fail(end)
      : Effect.succeed({ code: 0, stdout: argv[2] === "show" ? active : "", stderr: "", ...end })
  }
  const units = Systemctl.make({
    run,
    prefix: ["nsenter"],
    now: Effect.succeed({ monotonic: 9_000_000, epoch: 1_000_000 }),
    unitLog: () => Effect.succeed(Fact.unknown("out-of-sight", "no journal")),
  })
  return { units, lines }
}

describe("units behind the host's systemctl", () => {
  it.effect("tell how they run, with the time of the monotonic clock made one of the day", () =>
    Effect.gen(function* () {
      const { units } = unitsOf({})
      assert.deepStrictEqual(
        yield* units.unitRun("containerd"),
        Fact.known({
          state: "active",
          subState: "running",
          result: "success",
          mainPid: 47,
          activeSince: 995_000,
          restarts: 1,
          needsReload: false,
        } as const),
      )
      assert.deepStrictEqual(yield* units.unitState("containerd"), Fact.known("active"))
    }),
  )

  it.effect("are restarted after their failures are forgotten, and looked at", () =>
    Effect.gen(function* () {
      const { lines, units } = unitsOf({})
      yield* units.unit("restart", "containerd")
      const [forget, restart, look] = lines
      assert.strictEqual(forget, "nsenter systemctl reset-failed -- containerd.service")
      assert.strictEqual(restart, "nsenter systemctl restart -- containerd.service")
      assert.match(look!, /^nsenter systemctl show --property=\S+ -- containerd\.service$/)
    }),
  )

  it.effect("that come up and go down again are a failure", () =>
    Effect.gen(function* () {
      const stdout = "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n"
      const { units } = unitsOf({ show: { stdout } })
      const error = yield* Effect.flip(units.unit("restart", "containerd"))
      assert.match(error.message, /ended again: activating \(auto-restart, exit-code\); see journalctl -u/)
    }),
  )

  it.effect("repeat what systemctl complains about", () =>
    Effect.gen(function* () {
      const { units } = unitsOf({ restart: { code: 1, stderr: "Unit containerd.service is masked.\n" } })
      const error = yield* Effect.flip(units.unit("restart", "containerd"))
      assert.match(
        error.message,
        /^Could not restart containerd\.service: Unit containerd\.service is masked\./,
      )
    }),
  )

  it.effect("that are not loaded are stopped and disabled, but cannot be restarted", () =>
    Effect.gen(function* () {
      const notLoaded = { code: 5, stderr: "Unit x.service not loaded." }
      const missing = { code: 1, stderr: "Failed to disable unit: Unit file x.service does not exist." }
      const { units } = unitsOf({ stop: notLoaded, disable: missing, restart: notLoaded, enable: missing })
      yield* units.unit("stop", "x")
      yield* units.unit("disable", "x")
      yield* Effect.flip(units.unit("restart", "x"))
      yield* Effect.flip(units.unit("enable", "x"))
    }),
  )

  it.effect("say when systemctl does not end, or is not there", () =>
    Effect.gen(function* () {
      const { units } = unitsOf({ stop: { _tag: "TimedOut", seconds: 300 } })
      const late = yield* Effect.flip(units.unit("stop", "x"))
      assert.deepStrictEqual(late.reason, { _tag: "TimedOut", seconds: 300 })
      const missing = { _tag: "Missing", code: "ENOENT" } as const
      const none = unitsOf({ stop: missing, show: missing }).units
      assert.match(
        (yield* Effect.flip(none.unit("stop", "x"))).message,
        /nsenter could not be started \(ENOENT\)/,
      )
      assert.strictEqual((yield* none.unitState("x"))._tag, "Unknown")
    }),
  )

  it.effect("that do not become active in time say what they were last", () =>
    Effect.gen(function* () {
      const { lines, units } = unitsOf({ show: { stdout: "ActiveState=activating\nSubState=start\n" } })
      const waiting = yield* Effect.forkChild(Effect.flip(units.awaitActive("k3s.service", 10)))
      yield* TestClock.adjust("10 seconds")
      const error = yield* Fiber.join(waiting)
      assert.strictEqual(
        error.message,
        "Could not wait for k3s.service, which is activating (start): no answer within 10 s",
      )
      assert.strictEqual(lines.length, 5)
    }),
  )

  it.effect("that become active are waited for no longer", () =>
    Effect.gen(function* () {
      const ends: Record<string, Ending> = { show: { stdout: "ActiveState=activating\n" } }
      const { units } = unitsOf(ends)
      const waiting = yield* Effect.forkChild(units.awaitActive("k3s.service", 300))
      yield* TestClock.adjust("3 seconds")
      ends["show"] = {}
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(waiting)
    }),
  )
})
