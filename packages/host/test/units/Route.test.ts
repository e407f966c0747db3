import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as NoUnits from "../../src/units/NoUnits.ts"
import * as Route from "../../src/units/Route.ts"

const way = (name: string, probe: Route.Way["probe"], ...modes: ReadonlyArray<Route.Mode>): Route.Way => ({
  name,
  probe,
  modes: ["auto", ...modes],
  acts: NoUnits.none,
})
const missing = Effect.fail<Route.Refusal>({ how: "out-of-sight", why: "it is not there" })
const refusing = Effect.fail<Route.Refusal>({ how: "failed", why: "run as root" })

describe("the way to systemd", () => {
  it.effect("is the first that answers, and says why those before it were not taken", () =>
    Effect.gen(function* () {
      const ways = [
        way("the socket", missing),
        way("the bus", Effect.void),
        way("nsenter", Effect.die("not asked")),
      ]
      const units = yield* Route.choose("auto", ways)
      assert.strictEqual(units.route, "the bus; not by the socket: it is not there")
      assert.deepStrictEqual(units.control, { _tag: "Known", value: "systemd" })
    }),
  )

  it.effect("is one of those that the mode allows", () =>
    Effect.gen(function* () {
      const ways = [way("the socket", Effect.void, "dbus"), way("systemctl", Effect.void, "nsenter")]
      assert.strictEqual((yield* Route.choose("nsenter", ways)).route, "systemctl")
      assert.strictEqual((yield* Route.choose("dbus", ways)).route, "the socket")
    }),
  )

  it.effect("is not looked for when nobody asked", () =>
    Effect.gen(function* () {
      const units = yield* Route.choose("none", [way("the socket", Effect.die("asked"))])
      assert(units.control._tag === "Unknown")
      assert.strictEqual(units.control.how, "not-asked")
    }),
  )

  it.effect("that is nowhere leaves units out of sight; one that refuses has failed", () =>
    Effect.gen(function* () {
      const nowhere = yield* Route.choose("auto", [way("the socket", missing)])
      assert.deepStrictEqual(nowhere.control, {
        _tag: "Unknown",
        how: "out-of-sight",
        why: "systemd cannot be reached: not by the socket: it is not there",
      })
      const refused = yield* Route.choose("auto", [way("the socket", missing), way("the bus", refusing)])
      assert(refused.control._tag === "Unknown")
      assert.strictEqual(refused.control.how, "failed")
      const error = yield* Effect.flip(refused.unit("restart", "k3s"))
      assert.match(
        error.message,
        /^Could not restart k3s: systemd cannot be reached: .*; not by the bus: run as root$/,
      )
    }),
  )

  it.effect("that does not answer is left after 10 s", () =>
    Effect.gen(function* () {
      const choosing = yield* Effect.forkChild(
        Route.choose("auto", [way("the socket", Effect.never), way("systemctl", Effect.void)]),
      )
      yield* TestClock.adjust("10 seconds")
      assert.match(
        (yield* Fiber.join(choosing)).route,
        /^systemctl; not by the socket: no answer within 10 s/,
      )
    }),
  )
})
