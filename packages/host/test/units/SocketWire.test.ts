import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as SocketWire from "../../src/units/SocketWire.ts"
import type { Message } from "../../src/units/Wire.ts"
import * as FakePeer from "./FakePeer.ts"

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(/\s/g, ""), "hex")

/** A reply with the object path `/a`, by hand, in both byte orders. */
const reply = {
  little: hex(`6c020001 07000000 01000000 0f000000 05017500 07000000 08016700 016f0000 02000000 2f6100`),
  big: hex(`42020001 00000007 00000001 0000000f 05017500 00000007 08016700 016f0000 00000002 2f6100`),
}

describe("a connection to systemd", () => {
  it.effect("says who we are and begins", () =>
    Effect.gen(function* () {
      const peer = yield* FakePeer.make()
      const wire = yield* SocketWire.open(peer.path)
      yield* wire.send({ type: 1, serial: 1, path: "/", member: "Ping" })
      yield* Effect.promise(() => peer.until(16))
      const uid = Buffer.from(String(process.getuid!())).toString("hex")
      assert.strictEqual(peer.greeting(), `\0AUTH EXTERNAL ${uid}\r\nBEGIN\r\n`)
    }),
  )

  for (const order of ["little", "big"] as const)
    it.effect(`takes messages with the ${order} end first, cut anywhere`, () =>
      Effect.gen(function* () {
        const bytes = reply[order]
        for (let cut = 1; cut < bytes.length; cut += 7) {
          const message = yield* Effect.scoped(
            Effect.gen(function* () {
              const peer = yield* FakePeer.make()
              const wire = yield* SocketWire.open(peer.path)
              peer.send(bytes.subarray(0, cut))
              yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
              peer.send(bytes.subarray(cut))
              return yield* wire.receive
            }),
          )
          assert.deepStrictEqual([message.replySerial, message.body], [7, ["/a"]])
        }
      }),
    )

  it.effect("keeps half a message while nobody waits for it", () =>
    Effect.gen(function* () {
      const peer = yield* FakePeer.make()
      const wire = yield* SocketWire.open(peer.path)
      peer.send(reply.little.subarray(0, 20))
      const impatient = yield* Effect.forkChild(Effect.timeoutOption(wire.receive, "60 seconds"))
      yield* TestClock.adjust("60 seconds")
      assert.strictEqual((yield* Fiber.join(impatient))._tag, "None")
      peer.send(reply.little.subarray(20))
      const { body }: Message = yield* wire.receive
      assert.deepStrictEqual(body, ["/a"])
    }),
  )

  const refused = [
    ["is refused", { answer: "REJECTED EXTERNAL\r\n" }, /not accepted.*REJECTED/],
    ["is closed at once", "hang up", /root, in its own PID namespace/],
    ["gets an endless line", { answer: "x".repeat(1025) }, /more than 1024 bytes/],
  ] as const
  for (const [what, greeting, why] of refused)
    it.effect(`that ${what} says so`, () =>
      Effect.gen(function* () {
        const peer = yield* FakePeer.make(greeting)
        const failure = yield* Effect.flip(SocketWire.open(peer.path))
        assert.strictEqual(failure.reason._tag, "NotAccepted")
        assert.match(failure.message, why)
      }),
    )

  it.effect("that nobody accepts is given up after 60 s", () =>
    Effect.gen(function* () {
      const peer = yield* FakePeer.make("silence")
      const opening = yield* Effect.forkChild(Effect.flip(SocketWire.open(peer.path)))
      yield* Effect.promise(() => peer.until(0))
      while (peer.greeting() === "")
        yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      yield* TestClock.adjust("60 seconds")
      assert.deepStrictEqual((yield* Fiber.join(opening)).reason, { _tag: "Silent", seconds: 60 })
    }),
  )

  it.effect("to nobody names the errno", () =>
    Effect.gen(function* () {
      const missing = yield* Effect.flip(SocketWire.open("/nonexistent/socket"))
      assert.deepStrictEqual(missing.reason, { _tag: "NotReached", code: "ENOENT" })
      const long = yield* Effect.flip(SocketWire.open(`/${"long/".repeat(40)}socket`))
      assert.strictEqual(long.reason._tag, "NotReached")
    }),
  )

  it.effect("that ends, or speaks another language, fails whoever waits", () =>
    Effect.gen(function* () {
      const peer = yield* FakePeer.make()
      const wire = yield* SocketWire.open(peer.path)
      peer.send(hex(`ff020001 07000000 01000000 0f000000`))
      assert.strictEqual((yield* Effect.flip(wire.receive)).reason._tag, "Lost")
      const other = yield* FakePeer.make()
      const second = yield* SocketWire.open(other.path)
      other.hangUp()
      assert.match((yield* Effect.flip(second.receive)).message, /the other side closed it/)
    }),
  )

  it.effect("refuses a message that claims more than 128 MiB, before it has come", () =>
    Effect.gen(function* () {
      const peer = yield* FakePeer.make()
      const wire = yield* SocketWire.open(peer.path)
      peer.send(hex(`6c020001 01000008 01000000 0f000000`))
      assert.match((yield* Effect.flip(wire.receive)).message, /maximum size/)
    }),
  )
})
