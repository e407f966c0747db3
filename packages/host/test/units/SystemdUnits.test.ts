import { assert, describe, it } from "@effect/vitest"
import { Fact, type HostError, type HostShell } from "@kata-deploy/core"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import * as Conversation from "../../src/units/Conversation.ts"
import * as SystemdUnits from "../../src/units/SystemdUnits.ts"
import * as FakeSystemd from "./FakeSystemd.ts"

const job = "/org/freedesktop/systemd1/job/42"
const path = "/org/freedesktop/systemd1/unit/containerd_2eservice"

/** A service that runs, as its two interfaces tell. */
const properties = (changes: Record<string, unknown> = {}) => ({
  ActiveState: "active",
  SubState: "running",
  Result: "success",
  MainPID: 47,
  NRestarts: 0,
  ActiveEnterTimestamp: 1_755_856_000_123_456n,
  NeedDaemonReload: false,
  ...changes,
})

const unitsOf = (fake: FakeSystemd.FakeSystemd) =>
  SystemdUnits.make({
    open: Conversation.open(fake.wire, "systemd"),
    unitLog: () => Effect.succeed(Fact.unknown("out-of-sight", "no journal")),
  })

/** A systemd whose jobs end so, and whose unit is then as `after` says. */
const withJobs = (result: string, after: Record<string, unknown> = {}) => {
  const fake: FakeSystemd.FakeSystemd = FakeSystemd.make({
    GetUnit: { body: [path] },
    GetAll: { body: [properties(after)] },
    Get: { body: ["active"] },
  })
  const end = (): FakeSystemd.Answer => {
    fake.signal("JobRemoved", 41, "/org/freedesktop/systemd1/job/41", "other.service", "failed")
    fake.signal("JobRemoved", 42, job, "containerd.service", result)
    return { body: [job] }
  }
  fake.behaviour["RestartUnit"] = end
  fake.behaviour["StopUnit"] = end
  return fake
}

const failureOf = (
  fake: FakeSystemd.FakeSystemd,
  verb: HostShell.UnitVerb,
): Effect.Effect<HostError.HostError> => Effect.flip(unitsOf(fake).unit(verb, "containerd")) as never

describe("units behind a conversation with systemd", () => {
  it.effect("are restarted by a job that is waited for, after what held them down is forgotten", () =>
    Effect.gen(function* () {
      const fake = withJobs("done")
      yield* unitsOf(fake).unit("restart", "containerd")
      assert.deepStrictEqual(FakeSystemd.written(fake).slice(0, 4), [
        'ResetFailedUnit "containerd.service"',
        "Subscribe",
        'RestartUnit "containerd.service" "replace"',
        'GetUnit "containerd.service"',
      ])
    }),
  )

  for (const [result, hint] of [
    ["failed", /did not come up/],
    ["timeout", /longer than the unit itself allows/],
    ["dependency", /a unit that it requires/],
    ["canceled", /another job took its place.*try again/],
    ["assert", /assertion/],
    ["something-new", /ended with "something-new"/],
  ] as const)
    it.effect(`say what it means that a job ended with ${result}, and where to look`, () =>
      Effect.gen(function* () {
        const { message, reason } = yield* failureOf(withJobs(result), "restart")
        assert.strictEqual(reason._tag, "Refused")
        assert.match(message, /^Could not restart containerd\.service: its job/)
        assert.match(message, hint)
        assert.match(message, /see journalctl -u containerd\.service$/)
      }),
    )

  for (const [after, why] of [
    [{ ActiveState: "failed", SubState: "failed", Result: "exit-code" }, "failed (failed, exit-code)"],
    [
      { ActiveState: "activating", SubState: "auto-restart", Result: "exit-code" },
      "activating (auto-restart, exit-code)",
    ],
    [
      { ActiveState: "failed", SubState: "failed", Result: "start-limit-hit" },
      "failed (failed, start-limit-hit)",
    ],
  ] as const)
    it.effect(`are looked at after a job that was done: ${why} is a failure`, () =>
      Effect.gen(function* () {
        const { message } = yield* failureOf(withJobs("done", after), "restart")
        assert.include(message, `it was started and ended again: ${why}`)
      }),
    )

  it.effect(
    "have what is to be done once a restart is taken on done before its end, and not where it is refused",
    () =>
      Effect.gen(function* () {
        const begun = FakeSystemd.make({ RestartUnit: { body: [job] } })
        const done: Array<string> = []
        const takenOn = (what: string) => Effect.sync(() => void done.push(what))
        yield* Effect.forkChild(Effect.exit(unitsOf(begun).unit("restart", "containerd", takenOn("begun"))))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(done, ["begun"])
        const refused = withJobs("done")
        refused.behaviour["RestartUnit"] = FakeSystemd.noSuchUnit
        yield* Effect.flip(unitsOf(refused).unit("restart", "containerd", takenOn("refused")))
        yield* Effect.flip(unitsOf(withJobs("failed")).unit("restart", "containerd", takenOn("failed")))
        assert.deepStrictEqual(done, ["begun", "failed"])
      }),
  )

  it.effect("are given up when a job has no end after 300 s, with the place where it can be seen", () =>
    Effect.gen(function* () {
      const fake = FakeSystemd.make({ RestartUnit: { body: [job] } })
      const restart = yield* Effect.forkChild(Effect.flip(unitsOf(fake).unit("restart", "containerd")))
      yield* TestClock.adjust("299 seconds")
      assert.isUndefined(restart.pollUnsafe())
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(restart)
      assert.deepStrictEqual(error.reason, { _tag: "TimedOut", seconds: 300 })
      assert.match(error.message, /systemctl list-jobs/)
    }),
  )

  it.effect("are given up when systemd says nothing for 60 s", () =>
    Effect.gen(function* () {
      const units = unitsOf(FakeSystemd.make({ GetUnit: "silence", StopUnit: "silence" }))
      const stop = yield* Effect.forkChild(Effect.flip(units.unit("stop", "containerd")))
      const state = yield* Effect.forkChild(units.unitState("containerd"))
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual((yield* Fiber.join(stop)).reason, { _tag: "TimedOut", seconds: 60 })
      const seen = yield* Fiber.join(state)
      assert(seen._tag === "Unknown")
      assert.strictEqual(seen.how, "failed")
      assert.match(seen.why, /said nothing for 60 s/)
    }),
  )

  it.effect("are stopped, disabled and without failure when systemd does not know them", () =>
    Effect.gen(function* () {
      const { noSuchUnit } = FakeSystemd
      const fake = FakeSystemd.make({
        StopUnit: noSuchUnit,
        DisableUnitFiles: noSuchUnit,
        ResetFailedUnit: noSuchUnit,
        GetUnit: noSuchUnit,
      })
      const units = unitsOf(fake)
      for (const verb of ["stop", "disable", "reset-failed"] as const) yield* units.unit(verb, "x")
      assert.deepStrictEqual(yield* units.unitState("x"), Fact.known("inactive"))
      const run = yield* units.unitRun("x")
      assert(run._tag === "Known")
      assert.strictEqual(run.value.state, "inactive")
      assert.isUndefined(run.value.mainPid)
    }),
  )

  it.effect("that are masked say who can help", () =>
    Effect.gen(function* () {
      const masked = {
        error: "org.freedesktop.systemd1.UnitMasked",
        text: "Unit containerd.service is masked.",
      }
      const { message } = yield* failureOf(FakeSystemd.make({ RestartUnit: masked }), "restart")
      assert.match(message, /Unit containerd\.service is masked; .*systemctl unmask/)
    }),
  )

  it.effect("that we may not touch are denied", () =>
    Effect.gen(function* () {
      const denied = { error: "org.freedesktop.DBus.Error.AccessDenied", text: "Permission denied" }
      assert.strictEqual(
        (yield* failureOf(FakeSystemd.make({ EnableUnitFiles: denied }), "enable")).reason._tag,
        "Denied",
      )
    }),
  )

  it.effect("tell how they run", () =>
    Effect.gen(function* () {
      const run = yield* unitsOf(withJobs("done", { NeedDaemonReload: true })).unitRun("containerd")
      assert.deepStrictEqual(
        run,
        Fact.known({
          state: "active",
          subState: "running",
          result: "success",
          mainPid: 47,
          activeSince: 1_755_856_000_123,
          restarts: 0,
          needsReload: true,
        }),
      )
    }),
  )
})

describe("a reload of the manager", () => {
  it.effect("is through when the manager says so, whether it answers or not", () =>
    Effect.gen(function* () {
      const answering = FakeSystemd.make()
      yield* unitsOf(answering).unit("reload", "")
      assert.deepStrictEqual(FakeSystemd.written(answering), ["Subscribe", "Reload"])
      const telling: FakeSystemd.FakeSystemd = FakeSystemd.make({
        Reload: () => {
          telling.signal("Reloading", true)
          telling.signal("Reloading", false)
          return "silence"
        },
      })
      yield* unitsOf(telling).unit("reload", "")
    }),
  )

  it.effect("that has only begun is not through", () =>
    Effect.gen(function* () {
      const fake: FakeSystemd.FakeSystemd = FakeSystemd.make({
        Reload: () => {
          fake.signal("Reloading", true)
          return "silence"
        },
      })
      const reload = yield* Effect.forkChild(Effect.result(unitsOf(fake).unit("reload", "")))
      yield* TestClock.adjust("60 seconds")
      assert(Result.isFailure(yield* Fiber.join(reload)))
    }),
  )

  it.effect("that costs the connection is verified on another one", () =>
    Effect.gen(function* () {
      const fake = FakeSystemd.make({ Reload: "hang up" })
      yield* unitsOf(fake).unit("reload", "")
      assert.deepStrictEqual(FakeSystemd.written(fake), ["Subscribe", "Reload", "Ping"])
      fake.behaviour["Ping"] = "hang up"
      assert.strictEqual(
        (yield* Effect.flip(unitsOf(fake).unit("reload", ""))).message,
        "Could not make systemd read its unit files again: the connection broke: the other side closed it",
      )
    }),
  )

  it.effect("that is refused says why", () =>
    Effect.gen(function* () {
      const limited = {
        error: "org.freedesktop.DBus.Error.LimitsExceeded",
        text: "Reload() request rejected",
      }
      const error = yield* Effect.flip(unitsOf(FakeSystemd.make({ Reload: limited })).unit("reload", ""))
      assert.match(error.message, /Reload\(\) request rejected/)
    }),
  )
})
