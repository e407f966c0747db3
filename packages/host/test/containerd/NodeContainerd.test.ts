import { assert, describe, it } from "@effect/vitest"
import { Containerd, type HostError, HostLayout, HostPath } from "@kata-deploy/core"
import { NodeContainerd } from "@kata-deploy/host"
import { Context, Effect, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import * as Messages from "../../src/containerd/ContainerdMessages.ts"
import { codes, type Method } from "../../src/containerd/Wire.ts"
import * as SampleRoot from "../sight/SampleRoot.ts"
import { type Asked, type Reply, type Served, serve } from "./SampleServer.ts"

const socket = HostPath.make("/run/k3s/containerd/containerd.sock")

const answers =
  (...messages: ReadonlyArray<object>) =>
  (): Reply => ({ messages })

const one = (method: Method, reply: (asked: Asked) => Reply): Served => ({ method, reply })
const many = (method: Method, reply: (asked: Asked) => Reply): Served => ({ method, reply, stream: true })

/** The port, with these services at the socket of a made-up host. */
const portOver = (methods: ReadonlyArray<Served>) =>
  Effect.gen(function* () {
    const root = yield* SampleRoot.make({ "run/k3s/containerd/": "" })
    yield* serve(`${root}${socket}`, methods)
    return yield* portBelow(root)
  })

const portBelow = (root: string) =>
  Effect.map(
    Layer.build(NodeContainerd.layer({ layout: HostLayout.wholeRoot(root), socket })),
    Context.get(Containerd.Containerd),
  )

describe("containerd's own view", () => {
  it.effect("is asked in the namespace that is meant, and put together from all answers of a stream", () =>
    Effect.gen(function* () {
      const asked: Array<Asked> = []
      const list = (call: Asked): Reply => {
        asked.push(call)
        return {
          messages: [
            { info: [{ name: "b", parent: "a", kind: 2, labels: { x: "y" } }] },
            {
              info: [
                { name: "a", kind: 3 },
                { name: "c", parent: "a", kind: 1 },
              ],
            },
          ],
        }
      }
      const containerd = yield* portOver([many(Messages.listSnapshots, list)])
      assert.deepStrictEqual(yield* containerd.snapshots("k8s.io", "nydus-for-kata-tee"), [
        { key: "a", parent: undefined, kind: "committed", labels: new Map() },
        { key: "b", parent: "a", kind: "active", labels: new Map([["x", "y"]]) },
        { key: "c", parent: "a", kind: "view", labels: new Map() },
      ])
      assert.deepStrictEqual(asked, [{ namespace: "k8s.io", request: { snapshotter: "nydus-for-kata-tee" } }])
    }),
  )

  it.effect("has containers that were made from no image and have no runtime", () =>
    Effect.gen(function* () {
      const containerd = yield* portOver([many(Messages.listContainers, answers({ container: { id: "x" } }))])
      assert.deepStrictEqual(yield* containerd.containers("k8s.io"), [
        { id: "x", image: "", runtime: "", snapshotKey: "", snapshotter: "" },
      ])
    }),
  )

  it.effect("takes what is not there any more for success", () =>
    Effect.gen(function* () {
      const gone = (): Reply => ({ code: codes.notFound, details: "not found" })
      const containerd = yield* portOver([
        one(Messages.removeSnapshot, gone),
        one(Messages.updateContent, gone),
        one(Messages.deleteImage, gone),
        one(Messages.contentInfo, gone),
      ])
      assert.strictEqual(yield* containerd.removeSnapshot("n", "s", "k"), "gone")
      assert.strictEqual(yield* containerd.updateContentLabels("n", "sha256:0", new Map()), "gone")
      assert.strictEqual(yield* containerd.removeImage("n", "i"), "gone")
      assert.isUndefined(yield* containerd.blob("n", "sha256:0"))
    }),
  )

  it.effect("changes no labels but those that are named, and empties those that are to go", () =>
    Effect.gen(function* () {
      let request: unknown
      const update = (asked: Asked): Reply => {
        request = asked.request
        return { messages: [{}] }
      }
      const containerd = yield* portOver([one(Messages.updateContent, update)])
      const labels = new Map([
        ["containerd.io/gc.ref.snapshot.x", undefined],
        ["a", "b"],
      ])
      assert.strictEqual(yield* containerd.updateContentLabels("n", "sha256:0", labels), "updated")
      assert.deepStrictEqual(request, {
        info: { digest: "sha256:0", labels: { "containerd.io/gc.ref.snapshot.x": "", a: "b" } },
        updateMask: { paths: ["labels.containerd.io/gc.ref.snapshot.x", "labels.a"] },
      })
    }),
  )

  it.effect("reads a blob in pieces, and refuses a layer before reading it", () =>
    Effect.gen(function* () {
      let size = 6
      const containerd = yield* portOver([
        one(Messages.contentInfo, () => ({ messages: [{ info: { digest: "d", size } }] })),
        many(Messages.readContent, answers({ data: Buffer.from('{"ä') }, { data: Buffer.from('"}') })),
      ])
      assert.strictEqual(yield* containerd.blob("n", "sha256:0"), '{"ä"}')
      size = Containerd.largestBlob + 1
      const failure = yield* Effect.flip(containerd.blob("n", "sha256:0"))
      assert.include(failure.message, "8388609 bytes")
    }),
  )

  it.effect("that cannot be listed is a failure with containerd's words, never an empty list", () =>
    Effect.gen(function* () {
      const refuse = (): Reply => ({ code: codes.invalidArgument, details: "snapshotter not loaded: x" })
      const containerd = yield* portOver([many(Messages.listSnapshots, refuse)])
      const failure = yield* Effect.flip(containerd.snapshots("k8s.io", "x"))
      assert.strictEqual(
        failure.message,
        `Could not list the snapshots of x in k8s.io of containerd at ${socket}: snapshotter not loaded: x`,
      )
      assert.strictEqual(failure.reason._tag, "NotLoaded")
      const lists: ReadonlyArray<Effect.Effect<unknown, HostError.HostError>> = [
        containerd.containers("n"),
        containerd.images("n"),
        containerd.contents("n"),
      ]
      for (const list of lists) assert.strictEqual((yield* Effect.flip(list)).reason._tag, "Refused")
    }),
  )

  it.effect("that is not as containerd defines it is a failure, too", () =>
    Effect.gen(function* () {
      const containerd = yield* portOver([
        many(Messages.listSnapshots, answers({ info: [{ name: "a", kind: 0 }] })),
        many(Messages.listContainers, answers({})),
        one(Messages.listImages, answers({ images: [{ name: "a" }] })),
        many(Messages.listContent, answers({ info: [{ size: 1 }] })),
        one(Messages.listNamespaces, answers({ namespaces: [{}] })),
      ])
      const lists: ReadonlyArray<Effect.Effect<unknown, HostError.HostError>> = [
        containerd.snapshots("n", "s"),
        containerd.containers("n"),
        containerd.images("n"),
        containerd.contents("n"),
        containerd.namespaces,
      ]
      for (const list of lists) assert.include((yield* Effect.flip(list)).message, "not as expected")
    }),
  )

  it.effect("without a socket is a failure that says so, and comes with the daemon", () =>
    Effect.gen(function* () {
      const root = yield* SampleRoot.make({ "run/k3s/containerd/": "" })
      const containerd = yield* portBelow(root)
      const failure = yield* Effect.flip(containerd.namespaces)
      assert.include(failure.message, "containerd does not run")
      const namespaces = answers({ namespaces: [{ name: "k8s.io" }, { name: "default" }] })
      yield* serve(`${root}${socket}`, [one(Messages.listNamespaces, namespaces)])
      assert.deepStrictEqual(yield* containerd.namespaces, ["default", "k8s.io"])
    }),
  )

  it.effect("is waited for half a minute, and longer while garbage is collected", () =>
    Effect.gen(function* () {
      let begun = (): void => {}
      const asked = () => new Promise<void>((resolve) => (begun = resolve))
      const never = (): Reply => {
        begun()
        return "silence"
      }
      const containerd = yield* portOver([one(Messages.listImages, never), one(Messages.deleteImage, never)])
      for (const [call, seconds] of [
        [Effect.asVoid(containerd.images("n")), 30],
        [Effect.asVoid(containerd.removeImage("n", "i")), 300],
      ] as const) {
        const arrived = asked()
        const waiting = yield* Effect.forkChild(Effect.flip(call))
        yield* Effect.promise(() => arrived)
        yield* TestClock.adjust(`${seconds} seconds`)
        assert.include((yield* Fiber.join(waiting)).message, `no answer within ${seconds} s`)
      }
    }),
  )
})
