import { assert, describe, it } from "@effect/vitest"
import { Patience } from "@kata-deploy/kubernetes"
import { Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { type ApiClient, make } from "../src/ApiClient.ts"
import { ApiFailure } from "../src/ApiFailure.ts"
import { rights } from "../src/Rights.ts"
import { type HttpResponse, type Transport, TransportError, type TransportFault } from "../src/Transport.ts"

type Outcome = HttpResponse | TransportError | "silence"

const answer = (status: number, retryAfterSeconds?: number): HttpResponse => ({
  status,
  retryAfterSeconds,
  text: "{}",
})
const fault = (kind: TransportFault): TransportError => new TransportError({ fault: kind, code: "CODE" })

const access = {
  source: "in-cluster",
  server: new URL("https://10.96.0.1"),
  namespace: "kube-system",
  described: "the service account of this pod",
  credentials: Effect.succeed({ headers: {} }),
} as const

/** A client whose requests come out like this, one after the other, the last one for ever. */
const client = (...outcomes: ReadonlyArray<Outcome>) => {
  const tries = { made: 0, interrupted: 0 }
  const transport: Transport = () =>
    Effect.suspend((): Effect.Effect<HttpResponse, TransportError> => {
      const outcome = outcomes[Math.min(tries.made, outcomes.length - 1)]!
      tries.made += 1
      if (outcome === "silence")
        return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (tries.interrupted += 1)))
      return outcome instanceof TransportError ? Effect.fail(outcome) : Effect.succeed(outcome)
    })
  return { tries, api: make(access, transport, Patience.usual) }
}

const read = (api: ApiClient) => api.ask(Schema.Unknown, { right: "readNode", name: "n" })

/** Lets that many seconds pass and tells whether the effect had ended by then. */
const endsWithin = (effect: Effect.Effect<unknown, unknown>, seconds: number) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(effect))
    yield* TestClock.adjust(`${seconds} seconds`)
    return fiber.pollUnsafe() !== undefined
      ? { ended: true, exit: yield* Fiber.join(fiber) }
      : { ended: false, exit: undefined }
  })

describe("patience", () => {
  for (const [what, outcome] of [
    ["429", answer(429)],
    ["500", answer(500)],
    ["503", answer(503)],
    ["a refused connection", fault("unreachable")],
    ["a connection that broke", fault("broken")],
    ["an unknown host", fault("unknown-host")],
  ] as const)
    it.effect(`${what} is tried again, with growing pauses`, () =>
      Effect.gen(function* () {
        const { api, tries } = client(outcome, outcome, outcome, answer(200))
        const { exit } = yield* endsWithin(read(api), 15)
        assert.strictEqual(exit?._tag, "Success")
        assert.strictEqual(tries.made, 4)
      }),
    )

  for (const [what, outcome] of [
    ["a certificate that we do not trust", fault("not-trusted")],
    ["something that is no HTTP", fault("not-http")],
    ["400", answer(400)],
    ["401", answer(401)],
    ["403", answer(403)],
    ["404", answer(404)],
    ["409", answer(409)],
    ["422", answer(422)],
  ] as const)
    it.effect(`${what} is not tried again`, () =>
      Effect.gen(function* () {
        const { api, tries } = client(outcome)
        const { exit } = yield* endsWithin(read(api), 1)
        assert.strictEqual(exit?._tag, "Failure")
        assert.strictEqual(tries.made, 1)
      }),
    )

  it.effect("is short with a server that never answered", () =>
    Effect.gen(function* () {
      const { api } = client(fault("unreachable"))
      assert.isTrue((yield* endsWithin(read(api), 15)).ended)
    }),
  )

  it.effect("outlasts the minute that a k3s server is away, where it has answered before", () =>
    Effect.gen(function* () {
      const { api, tries } = client(answer(200), fault("unreachable"))
      yield* read(api)
      assert.isFalse((yield* endsWithin(read(api), 100)).ended)
      const before = tries.made
      assert.isAbove(before, 8)
      assert.isBelow(before, 25)
      const { exit } = yield* endsWithin(read(api), 121)
      assert.strictEqual(exit?._tag, "Failure")
    }),
  )

  it.effect("waits as long as Retry-After asks", () =>
    Effect.gen(function* () {
      const { api, tries } = client(answer(429, 7), answer(200))
      const fiber = yield* Effect.forkChild(read(api))
      yield* TestClock.adjust("6900 millis")
      assert.strictEqual(tries.made, 1)
      yield* TestClock.adjust("200 millis")
      assert.strictEqual(tries.made, 2)
      yield* Fiber.join(fiber)
    }),
  )

  it.effect("does not wait for a Retry-After that is longer than itself", () =>
    Effect.gen(function* () {
      const { api, tries } = client(answer(429, 3600))
      assert.isTrue((yield* endsWithin(read(api), 1)).ended)
      assert.strictEqual(tries.made, 1)
    }),
  )

  for (const status of [401, 403])
    it.effect(`gives a server that has just started a moment, where ${status} follows a grant`, () =>
      Effect.gen(function* () {
        const { api, tries } = client(answer(200), answer(status), answer(status), answer(200))
        yield* read(api)
        const { exit } = yield* endsWithin(read(api), 15)
        assert.strictEqual(exit?._tag, "Success")
        assert.strictEqual(tries.made, 4)
      }),
    )

  it.effect("ends for each request after 20 s, and lets go of it", () =>
    Effect.gen(function* () {
      const { api, tries } = client("silence", answer(200))
      const fiber = yield* Effect.forkChild(Effect.exit(api.askOnce(Schema.Unknown, { right: "readNode" })))
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual(tries.interrupted, 0)
      yield* TestClock.adjust("1 seconds")
      assert.strictEqual(tries.interrupted, 1)
      const exit = yield* Fiber.join(fiber)
      assert.match(JSON.stringify(exit), /timed-out/)
    }),
  )

  it("is worth nothing where credentials or the answer itself are the trouble", () => {
    const failure = (reason: ApiFailure["reason"]) =>
      new ApiFailure({ reason, right: rights.readNode, access })
    const known = { hasAnswered: true, hasGranted: true }
    assert.strictEqual(
      Patience.secondsWorth(failure({ _tag: "NotUnderstood", why: "" }), known, Patience.usual),
      0,
    )
  })
})
