import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Conversation from "../../src/units/Conversation.ts"
import * as SystemdCalls from "../../src/units/SystemdCalls.ts"
import * as FakeSystemd from "./FakeSystemd.ts"

describe("a conversation with systemd", () => {
  it.effect("numbers its calls from 1 and sends no signature without arguments", () =>
    Effect.gen(function* () {
      const fake = FakeSystemd.make()
      const talk = yield* Conversation.open(fake.wire, "systemd")
      yield* talk.call(SystemdCalls.subscribe)
      yield* talk.call(SystemdCalls.unitPath("k3s.service"))
      assert.deepStrictEqual(
        fake.calls.map(({ serial, signature }) => [serial, signature]),
        [
          [1, undefined],
          [2, "s"],
        ],
      )
    }),
  )

  it.effect("introduces itself to a bus and asks for systemd's signals, but not to systemd itself", () =>
    Effect.gen(function* () {
      const fake = FakeSystemd.make()
      yield* Conversation.open(fake.wire, "bus")
      assert.deepStrictEqual(
        fake.calls.map(({ destination, member }) => [destination, member]),
        [
          ["org.freedesktop.DBus", "Hello"],
          ["org.freedesktop.DBus", "AddMatch"],
        ],
      )
      const direct = FakeSystemd.make()
      yield* Conversation.open(direct.wire, "systemd")
      assert.deepStrictEqual(direct.calls, [])
    }),
  )

  it.effect("keeps signals that come before the answer, the last 64 of them", () =>
    Effect.gen(function* () {
      const fake: FakeSystemd.FakeSystemd = FakeSystemd.make({
        Subscribe: () => {
          for (let number = 1; number <= 70; number++) fake.signal("JobNew", number)
          return { body: [] }
        },
      })
      const talk = yield* Conversation.open(fake.wire, "systemd")
      yield* talk.call(SystemdCalls.subscribe)
      const seen: Array<unknown> = []
      const last = yield* talk.awaitSignal(
        ({ body }) => (seen.push(body?.[0]), body?.[0] === 70 ? 70 : undefined),
        1,
      )
      assert.strictEqual(last, 70)
      assert.deepStrictEqual([seen[0], seen.length], [7, 64])
    }),
  )

  it.effect("wakes a peer that leaves the first call lying, and takes the answer that comes then", () =>
    Effect.gen(function* () {
      let pings = 0
      const fake: FakeSystemd.FakeSystemd = FakeSystemd.make({
        GetUnit: "silence",
        Ping: () => {
          // The first one is left lying as well.
          if (++pings === 2) fake.reply(1, "/unit/a")
          return { body: [] }
        },
      })
      const talk = yield* Conversation.open(fake.wire, "systemd")
      const call = yield* Effect.forkChild(talk.call(SystemdCalls.unitPath("a.service")))
      yield* TestClock.adjust("99 millis")
      assert.deepStrictEqual(FakeSystemd.written(fake), ['GetUnit "a.service"'])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(FakeSystemd.written(fake), ['GetUnit "a.service"', "Ping"])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.join(call), ["/unit/a"])
      assert.deepStrictEqual(FakeSystemd.written(fake), ['GetUnit "a.service"', "Ping", "Ping"])
    }),
  )

  it.effect("ignores answers to other calls, and names an error without text", () =>
    Effect.gen(function* () {
      const fake = FakeSystemd.make({ Subscribe: { error: "org.example.Broken", text: "" } })
      const talk = yield* Conversation.open(fake.wire, "systemd")
      const failure = yield* Effect.flip(talk.call(SystemdCalls.subscribe))
      assert.deepStrictEqual(failure.reason, { _tag: "Said", name: "org.example.Broken", text: "" })
    }),
  )
})
