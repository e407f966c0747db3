import { assert, describe, it } from "@effect/vitest"
import { NodeApi } from "@kata-deploy/core"
import { NodeKubernetes } from "@kata-deploy/kubernetes"
import { ApiFaults, type ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:net"
import { faultOf, make } from "../src/Transport.ts"
import { furnished, node, whyUnknown } from "./SampleNode.ts"

const readNode = Effect.flatMap(NodeApi.NodeApi, (api) => api.node)

/** Gives the event loop turns until something is the case; it is a matter of sockets, not of time. */
const until = (condition: () => boolean | Promise<boolean>) =>
  Effect.promise(async () => {
    while (!(await condition())) await new Promise((resolve) => setImmediate(resolve))
  })

const layerOf = (server: ApiServerDouble.ApiServerDouble) =>
  NodeKubernetes.layerOf(server.access(), {
    ...node,
    patience: { ...node.patience, firstContactSeconds: 0, outageSeconds: 0 },
  })

describe("a request", () => {
  for (const [what, fault] of [
    ["is never answered", ApiFaults.hangs],
    ["is answered too slowly", ApiFaults.crawls(60_000)],
  ] as const)
    it.effect(`that ${what} ends after 20 s, and its socket is closed`, () =>
      Effect.gen(function* () {
        const { server } = yield* furnished()
        server.plant(fault)
        yield* Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(readNode)
          yield* until(() => server.requests.length === 1)
          assert.strictEqual(yield* Effect.promise(() => server.connections()), 1)
          yield* TestClock.adjust("20 seconds")
          assert.match(whyUnknown(yield* Fiber.join(fiber)), /gave no answer within 20 s/)
          yield* until(async () => (await server.connections()) === 0)
        }).pipe(Effect.provide(layerOf(server)))
      }),
    )

  it.effect("that nobody waits for any longer closes its socket", () =>
    Effect.gen(function* () {
      const { server } = yield* furnished()
      server.plant(ApiFaults.hangs)
      yield* Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(readNode)
        yield* until(() => server.requests.length === 1)
        yield* Fiber.interrupt(fiber)
        yield* until(async () => (await server.connections()) === 0)
      }).pipe(Effect.provide(layerOf(server)))
    }),
  )

  for (const [what, fault] of [
    ["is reset", ApiFaults.resets()],
    ["ends in the middle", ApiFaults.endsEarly],
    ["fails within the server", ApiFaults.broken],
    ["comes when the server is busy", ApiFaults.busy(0)],
  ] as const) {
    it.live(`that ${what} is made again`, () =>
      Effect.gen(function* () {
        const { at, server } = yield* furnished()
        server.plant(fault, { times: 2 })
        assert.strictEqual((yield* at(readNode))._tag, "Known")
        assert.strictEqual(server.requests.length, 3)
      }),
    )

    it.live(`that ${what} is a reason where that does not stop`, () =>
      Effect.gen(function* () {
        const { server } = yield* furnished()
        server.plant(fault, { times: 1000 })
        const why = whyUnknown(yield* Effect.provide(readNode, layerOf(server)))
        assert.match(why, /the API server|the connection to the API server/)
        assert.notInclude(why, "administrator")
      }),
    )
  }

  it.live("uses connections that are there, no more than two in turn, and none is left in the end", () =>
    Effect.gen(function* () {
      const { server } = yield* furnished()
      yield* Effect.gen(function* () {
        for (let n = 0; n < 5; n += 1) yield* readNode
        assert.isAtMost(yield* Effect.promise(() => server.connections()), 2)
      }).pipe(Effect.provide(layerOf(server)))
      yield* until(async () => (await server.connections()) === 0)
    }),
  )

  it.live("goes on where the API server was away and came back", () =>
    Effect.gen(function* () {
      const { server } = yield* furnished()
      yield* Effect.gen(function* () {
        yield* readNode
        yield* Effect.promise(() => server.stop())
        const fiber = yield* Effect.forkChild(readNode)
        let turns = 0
        yield* until(() => (turns += 1) > 50)
        yield* Effect.promise(() => server.start())
        assert.strictEqual((yield* Fiber.join(fiber))._tag, "Known")
      }).pipe(Effect.provide(NodeKubernetes.layerOf(server.access(), node)))
    }),
  )

  it.live("to something that speaks no HTTP fails and says so", () =>
    Effect.gen(function* () {
      const mute = createServer((socket) => socket.end("SSH-2.0-OpenSSH\r\n"))
      yield* Effect.promise(() => new Promise<void>((resolve) => mute.listen(0, "127.0.0.1", resolve)))
      const { port } = mute.address() as { readonly port: number }
      const transport = yield* make
      const error = yield* Effect.flip(
        transport({
          method: "GET",
          url: new URL(`http://127.0.0.1:${port}`),
          credentials: { headers: {} },
        }),
      )
      mute.close()
      assert.strictEqual(error.fault, "not-http")
    }),
  )

  it.live("with credentials that Node refuses fails, and shows nothing of them", () =>
    Effect.gen(function* () {
      const transport = yield* make
      const error = yield* Effect.flip(
        transport({
          method: "GET",
          url: new URL("http://127.0.0.1:1"),
          credentials: { headers: { authorization: "Bearer se\ncret" } },
        }),
      )
      assert.notInclude(JSON.stringify(error) + String(error), "cret")
    }),
  )
})

describe("an error code", () => {
  for (const [code, fault] of [
    ["ECONNREFUSED", "unreachable"],
    ["EHOSTUNREACH", "unreachable"],
    ["ENOTFOUND", "unknown-host"],
    ["EAI_AGAIN", "unknown-host"],
    ["ECONNRESET", "broken"],
    ["EPIPE", "broken"],
    ["HPE_INVALID_CONSTANT", "not-http"],
    ["EPROTO", "not-http"],
    ["ERR_SSL_WRONG_VERSION_NUMBER", "not-http"],
    ["SELF_SIGNED_CERT_IN_CHAIN", "not-trusted"],
    ["DEPTH_ZERO_SELF_SIGNED_CERT", "not-trusted"],
    ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "not-trusted"],
    ["UNABLE_TO_GET_ISSUER_CERT_LOCALLY", "not-trusted"],
    ["CERT_HAS_EXPIRED", "not-trusted"],
    ["CERT_SIGNATURE_FAILURE", "not-trusted"],
    ["ERR_TLS_CERT_ALTNAME_INVALID", "not-trusted"],
  ] as const)
    it(`${code} means ${fault}`, () => {
      assert.strictEqual(faultOf(code), fault)
    })
})
