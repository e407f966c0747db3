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
const unitsOf = (
  ends: Readonly<Record<string, Ending>>,
  show: (argv: ReadonlyArray<string>) => string = () => active,
) => {
  const lines: Array<string> = []
  const run: Program.RunProgram = (argv) => {
    lines.push(argv.join(" "))
    const end: Ending = ends[argv[2]!] ?? {}
    return "_tag" in end
      ? Effect.fail(end)
      : Effect.succeed({ code: 0, stdout: argv[2] === "show" ? show(argv) : "", stderr: "", ...end })
  }
  const units = Systemctl.make({
    run,
    prefix: ["nsenter"],
    now: Effect.succeed({ monotonic: 9_000_000, epoch: 1_000_000 }),
    unitLog: () => Effect.succeed(Fact.unknown("out-of-sight", "no journal")),
  })
  return { units, lines }
}

const newer = active.replace("MainPID=47", "MainPID=48").replace("=4000000", "=8000000")

/** A unit that is active, and gets a job that does not end until `answers` says so. */
const restarting = () => {
  const answers = { job: "Job=12\n", run: active }
  const isBegun = () => lines.some((line) => line.includes("--no-block"))
  const { lines, units } = unitsOf({}, (argv) =>
    argv.includes("--property=Job") ? answers.job : isBegun() ? answers.run : active,
  )
  return { answers, lines, units }
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

  it.effect("are restarted after their failures are forgotten, and waited for until the job is gone", () =>
    Effect.gen(function* () {
      const { answers, lines, units } = restarting()
      let takenOnAfter = 0
      const takenOn = Effect.sync(() => (takenOnAfter = lines.length))
      const restart = yield* Effect.forkChild(units.unit("restart", "containerd", Effect.asVoid(takenOn)))
      yield* TestClock.adjust("1 minute")
      assert.isUndefined(restart.pollUnsafe())
      assert.deepStrictEqual(
        lines.slice(0, 4).map((line) => line.replace(/=\S*,\S+/, "=…")),
        [
          "nsenter systemctl reset-failed -- containerd.service",
          "nsenter systemctl show --property=… -- containerd.service",
          "nsenter systemctl restart --no-block -- containerd.service",
          "nsenter systemctl show --property=Job -- containerd.service",
        ],
      )
      // What is to be done at that moment is done before anybody waits.
      assert.strictEqual(takenOnAfter, 3)
      answers.job = "Job=\n"
      answers.run = newer
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(restart)
    }),
  )

  it.effect("whose job does not end are given up, and the list of jobs is named", () =>
    Effect.gen(function* () {
      const { units } = restarting()
      const restart = yield* Effect.forkChild(Effect.flip(units.unit("restart", "containerd")))
      yield* TestClock.adjust("301 seconds")
      const { message, reason } = yield* Fiber.join(restart)
      assert.deepStrictEqual(reason, { _tag: "TimedOut", seconds: 300 })
      assert.include(message, "systemctl list-jobs")
    }),
  )

  it.effect.each([
    [
      "come up and go down again",
      "ActiveState=activating\nSubState=auto-restart\nResult=exit-code\n",
      /ended again: activating \(auto-restart, exit-code\); see journalctl -u/,
    ],
    ["fail", "ActiveState=failed\nSubState=failed\nResult=exit-code\n", /ended again: failed/],
    [
      "need something that is not up",
      "ActiveState=inactive\nSubState=dead\n",
      /it is down: inactive \(dead\)/,
    ],
    ["run as before, for another job came", active, /still runs as before/],
  ] as const)("that %s are no success", ([, run, message]) =>
    Effect.gen(function* () {
      const { answers, units } = restarting()
      answers.job = ""
      answers.run = run
      assert.match((yield* Effect.flip(units.unit("restart", "containerd"))).message, message)
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
