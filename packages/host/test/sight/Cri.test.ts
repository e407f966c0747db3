import { assert, describe, it } from "@effect/vitest"
import { Fact, HostLayout, HostPath } from "@kata-deploy/core"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import net from "node:net"
import { codes } from "../../src/containerd/Wire.ts"
import * as CriMessages from "../../src/sight/CriMessages.ts"
import * as Sight from "../../src/sight/Sight.ts"
import { type Reply, type Served, serve } from "../containerd/SampleServer.ts"
import * as SampleRoot from "./SampleRoot.ts"

const socket = HostPath.make("/run/containerd/c.sock")

const message = (value: object): Reply => ({ messages: [value] })

const version = (of: CriMessages.Version): Served => ({
  method: CriMessages.method(of, "Version"),
  reply: () => message({ runtimeName: "containerd", runtimeVersion: "1.7.24" }),
})

const status = (of: CriMessages.Version, handlers: ReadonlyArray<string>): Served => ({
  method: CriMessages.method(of, "Status"),
  reply: ({ request }) => {
    const runtimes = Object.fromEntries(handlers.map((name) => [name, {}]))
    const config = JSON.stringify({ containerd: { runtimes } })
    return message({
      status: { conditions: [{ type: "RuntimeReady", status: true }] },
      info: request["verbose"] === true ? { config } : {},
    })
  },
})

/** The runtime's side below a made-up root, and our sight of it. */
const sightOf = (methods: ReadonlyArray<Served>) =>
  Effect.gen(function* () {
    const root = yield* SampleRoot.make({ "run/containerd/": "" })
    yield* serve(`${root}${socket}`, methods)
    return Sight.make({ layout: HostLayout.wholeRoot(root) })
  })

describe("what a CRI runtime says", () => {
  it.effect("is asked in the newest version of the interface", () =>
    Effect.gen(function* () {
      const sight = yield* sightOf([version("v1"), status("v1", ["runc", "kata-qemu"])])
      assert.deepStrictEqual(
        yield* sight.criStatus(socket),
        Fact.known({ runtime: "containerd 1.7.24", ready: true, handlers: ["kata-qemu", "runc"] }),
      )
    }),
  )

  it.effect("is asked in the older one where there is no other", () =>
    Effect.gen(function* () {
      const sight = yield* sightOf([version("v1alpha2"), status("v1alpha2", ["runc"])])
      const seen = yield* sight.criStatus(socket)
      assert.deepStrictEqual(Fact.valueOf(seen)?.handlers, ["runc"])
    }),
  )

  it.effect("is that it has no CRI, which is known and not a failure to look", () =>
    Effect.gen(function* () {
      const reply = () => message({ version: "v2.1.9" })
      const sight = yield* sightOf([{ method: CriMessages.containerdVersion, reply }])
      const seen = yield* sight.criStatus(socket)
      assert(seen._tag === "Known")
      assert.deepInclude(seen.value, { runtime: "containerd 2.1.9", ready: false, handlers: [] })
      assert.isNotEmpty(seen.value.notLoaded)
      const sandboxes = yield* sight.sandboxes(socket)
      assert(sandboxes._tag === "Unknown")
      assert.strictEqual(sandboxes.how, "out-of-sight")
      assert.include(sandboxes.why, "no CRI")
    }),
  )

  it.effect("is a failure where it refuses, with its own words", () =>
    Effect.gen(function* () {
      const reply = (): Reply => ({ code: codes.unavailable, details: "server is not initialized yet" })
      const sight = yield* sightOf([{ method: CriMessages.method("v1", "Version"), reply }])
      const seen = yield* sight.criStatus(socket)
      assert(seen._tag === "Unknown")
      assert.strictEqual(seen.how, "failed")
      assert.include(seen.why, "server is not initialized yet")
    }),
  )

  it.effect("are the sandboxes that run, with pod and handler", () =>
    Effect.gen(function* () {
      const item = { id: "s1", metadata: { namespace: "default", name: "web" }, runtimeHandler: "kata-qemu" }
      const sight = yield* sightOf([
        {
          method: CriMessages.method("v1", "ListPodSandbox"),
          reply: () => message({ items: [item, { ...item, id: "s2", state: 1 }] }),
        },
      ])
      assert.deepStrictEqual(
        yield* sight.sandboxes(socket),
        Fact.known([{ id: "s1", pod: "default/web", handler: "kata-qemu" }]),
      )
    }),
  )
})

describe("a CRI socket", () => {
  it.effect("that is not mounted here is out of sight, and so is one whose directory is not there", () =>
    Effect.gen(function* () {
      const pod = Sight.make({ layout: { mounts: [] } })
      const root = yield* SampleRoot.make({ "run/": "" })
      for (const sight of [pod, Sight.make({ layout: HostLayout.wholeRoot(root) })]) {
        assert.deepInclude(yield* sight.criStatus(socket), { _tag: "Unknown", how: "out-of-sight" })
        assert.deepInclude(yield* sight.sandboxes(socket), { _tag: "Unknown", how: "out-of-sight" })
      }
    }),
  )

  it.effect("that is missing, or at which nobody listens, is a look that failed", () =>
    Effect.gen(function* () {
      const missing = yield* SampleRoot.make({ "run/containerd/": "" })
      const left = yield* SampleRoot.make({ "run/containerd/c.sock": "not a socket" })
      for (const root of [missing, left]) {
        const seen = yield* Sight.make({ layout: HostLayout.wholeRoot(root) }).criStatus(socket)
        assert(seen._tag === "Unknown")
        assert.strictEqual(seen.how, "failed")
        assert.include(seen.why, socket)
      }
    }),
  )

  it.effect(
    "at which somebody listens and never answers costs ten seconds, and its connection is closed",
    () =>
      Effect.gen(function* () {
        const root = yield* SampleRoot.make({ "run/containerd/": "" })
        const server = net.createServer()
        const closed = new Promise<void>((resolve) =>
          server.once("connection", (peer) => peer.on("data", () => {}).once("close", () => resolve())),
        )
        const connected = new Promise<void>((resolve) => server.once("connection", () => resolve()))
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => server.listen(`${root}${socket}`, resolve))),
          () => Effect.sync(() => server.close()),
        )
        const sight = Sight.make({ layout: HostLayout.wholeRoot(root) })
        const asking = yield* Effect.forkChild(sight.criStatus(socket))
        yield* Effect.promise(() => connected)
        yield* TestClock.adjust("10 seconds")
        const seen = yield* Fiber.join(asking)
        assert(seen._tag === "Unknown")
        assert.strictEqual(seen.how, "failed")
        assert.include(seen.why, "no answer within 10 s")
        yield* Effect.promise(() => closed)
      }),
  )
})
