import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import http from "node:http"
import http2 from "node:http2"
import net from "node:net"
import { codes, connect, type Method } from "../../src/containerd/Wire.ts"
import * as SampleRoot from "../sight/SampleRoot.ts"
import { type Served, serve } from "./SampleServer.ts"

const method = (name: string): Method => ({
  path: `sample.Numbers/${name}`,
  definition: `syntax = "proto3"; package sample; message Number { int64 value = 1; string text = 2; }`,
  request: "sample.Number",
  answer: "sample.Number",
})

const socketIn = (methods: ReadonlyArray<Served>) =>
  Effect.gen(function* () {
    const path = `${yield* SampleRoot.make({})}/s`
    yield* serve(path, methods)
    return path
  })

/** A peer of another kind at a socket. */
const peer = (server: net.Server | http.Server | http2.Http2Server) =>
  Effect.gen(function* () {
    const path = `${yield* SampleRoot.make({})}/s`
    yield* Effect.acquireRelease(
      Effect.promise(() => new Promise<void>((resolve) => void server.listen(path, resolve))),
      () => Effect.sync(() => server.close()),
    )
    return path
  })

describe("a call on a unix socket", () => {
  it.effect("gives one answer, and all of a stream, with the headers that went along", () =>
    Effect.gen(function* () {
      const path = yield* socketIn([
        {
          method: method("Double"),
          reply: ({ namespace, request }) => ({
            messages: [{ value: Number(request["value"]) * 2, text: namespace ?? "" }],
          }),
        },
        {
          method: method("Count"),
          stream: true,
          reply: ({ request }) => ({
            messages: Array.from({ length: Number(request["value"]) }, (_, value) => ({ value })),
          }),
        },
      ])
      const connection = yield* connect(path)
      const answer = yield* connection.ask(method("Double"), { value: 4e9 }, { "containerd-namespace": "x" })
      assert.deepStrictEqual(answer, { value: 8e9, text: "x" })
      const all = yield* connection.askAll(method("Count"), { value: 5_000 })
      assert.deepStrictEqual(
        all.map(({ value }) => value),
        Array.from({ length: 5_000 }, (_, value) => value),
      )
      assert.deepStrictEqual(yield* connection.askAll(method("Count"), { value: 0 }), [])
    }),
  )

  it.effect("reads an answer of many megabytes", () =>
    Effect.gen(function* () {
      const text = "0123456789".repeat(1_000_000)
      const path = yield* socketIn([{ method: method("Long"), reply: () => ({ messages: [{ text }] }) }])
      const answer = yield* (yield* connect(path)).ask(method("Long"), {})
      assert.strictEqual(answer["text"], text)
    }),
  )

  it.effect("fails with the status and the words of the other side", () =>
    Effect.gen(function* () {
      const details = "größer als erlaubt: 100 %"
      const reply = () => ({ code: codes.failedPrecondition, details })
      const path = yield* socketIn([{ method: method("No"), reply }])
      const connection = yield* connect(path)
      const failure = yield* Effect.flip(connection.ask(method("No"), {}))
      assert.deepInclude(failure, { code: codes.failedPrecondition, detail: details })
      const unknown = yield* Effect.flip(connection.ask(method("Nothing"), {}))
      assert.strictEqual(unknown.code, codes.unimplemented)
    }),
  )

  it.effect("fails where nobody is, where somebody hangs up, and where no gRPC is spoken", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({})
      const places = [
        `${root}/nothing`,
        yield* peer(net.createServer((socket) => socket.destroy())),
        yield* peer(net.createServer((socket) => socket.end("220 mail.example.com ready\r\n"))),
        yield* peer(http.createServer((_, response) => response.end("hello"))),
        yield* peer(http2.createServer((_, response) => response.end("hello"))),
      ]
      for (const path of places) {
        const failure = yield* Effect.flip((yield* connect(path)).ask(method("Double"), {}))
        assert.include([codes.unavailable, codes.internal], failure.code, path)
        assert.isNotEmpty(failure.detail)
      }
    }),
  )

  it.effect("finds a runtime that was restarted", () =>
    Effect.gen(function* () {
      const path = `${yield* SampleRoot.make({})}/s`
      const reply = () => ({ messages: [{ value: 1 }] })
      const served = [{ method: method("One"), reply }]
      const connection = yield* connect(path)
      const ask = connection.ask(method("One"), {})
      assert.strictEqual((yield* Effect.flip(ask)).code, codes.unavailable)
      yield* Effect.scoped(Effect.andThen(serve(path, served), ask))
      yield* serve(path, served)
      // The old connection may end only while the first call is on it.
      assert.strictEqual((yield* Effect.retry(ask, { times: 1 }))["value"], 1)
    }),
  )

  it.effect("that nobody waits for any more is cancelled at the other side", () =>
    Effect.gen(function* () {
      let cancelled = (): void => {}
      let begun = (): void => {}
      const seen = new Promise<void>((resolve) => (cancelled = resolve))
      const asked = new Promise<void>((resolve) => (begun = resolve))
      const server = http2.createServer()
      server.on("stream", (stream) => {
        begun()
        stream.on("error", () => {})
        stream.once("close", cancelled)
      })
      const connection = yield* connect(yield* peer(server))
      yield* Effect.raceFirst(
        connection.ask(method("Wait"), {}),
        Effect.promise(() => asked),
      )
      yield* Effect.promise(() => seen)
    }),
  )
})
