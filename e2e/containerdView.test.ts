/**
 * Does the port that shows containerd's own view say of a real containerd what its double says, and does a lost backend
 * look as the double has it?
 */
import { Containerd, HostLayout, HostPath } from "@kata-deploy/core"
import { ContainerdConformance, type MemoryMetadata, SampleImage } from "@kata-deploy/core/testing"
import { NodeContainerd } from "@kata-deploy/host"
import { Context, Effect, Layer } from "effect"
import { rm } from "node:fs/promises"
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import * as Running from "./containerd/Running.ts"
import type { Release } from "./containerd/Releases.ts"

/** Go's word for this machine. */
const architecture = process.arch === "arm64" ? "arm64" : "amd64"

const snapshotter = "native"

/** Imports images and makes containers, as the sample says. */
const fill = async (
  release: Release,
  daemon: Running.Running,
  namespaces: Readonly<Record<string, MemoryMetadata.SampleNamespace>>,
): Promise<void> => {
  // From 2.1 on `ctr` asks the transfer service, which unpacks for its own snapshotter only.
  const how = release.major >= 2 ? ["--local"] : []
  for (const [namespace, { containers, images }] of Object.entries(namespaces)) {
    for (const [at, image] of images.entries()) {
      const archive = await daemon.put(`${namespace}-${at}.tar`, SampleImage.layout(image))
      await daemon.ctr("-n", namespace, "images", "import", "--snapshotter", snapshotter, ...how, archive)
    }
    for (const [id, name] of Object.entries(containers ?? {}))
      await daemon.ctr("-n", namespace, "containers", "create", "--snapshotter", snapshotter, name, id)
  }
}

const started = (release: Release, namespaces: Readonly<Record<string, MemoryMetadata.SampleNamespace>>) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const daemon = await Running.start(release)
      try {
        await fill(release, daemon, namespaces)
        return daemon
      } catch (error) {
        await daemon.end()
        throw error
      }
    }),
    (daemon) => Effect.promise(daemon.end),
  )

const portOf = ({ socket }: Running.Running): Layer.Layer<Containerd.Containerd> =>
  NodeContainerd.layer({ layout: HostLayout.wholeRoot("/"), socket: HostPath.make(socket) })

onContainerd(["1", "2"], "containerd's own view", (release) => {
  for (const { effect, name } of ContainerdConformance.cases(
    (namespaces) => Layer.unwrap(Effect.map(started(release, namespaces), portOf)),
    architecture,
  ))
    test(name, () => Effect.runPromise(effect))

  test("a wiped backend hides its snapshots from the listing, and their records can still be removed", async () => {
    const image = SampleImage.make("example.com/app:1", ["a", "b"], architecture)
    const program = Effect.gen(function* () {
      const first = yield* started(release, { one: { images: [image] } })
      const daemon = yield* Effect.promise(async () => {
        await first.stop()
        await rm(first.ofRoot(`io.containerd.snapshotter.v1.${snapshotter}`), { recursive: true })
        return Running.start(release, undefined, first.folder)
      })
      yield* Effect.addFinalizer(() => Effect.promise(daemon.end))
      const containerd = yield* Effect.map(Layer.build(portOf(daemon)), Context.get(Containerd.Containerd))
      const remove = (key: string) => containerd.removeSnapshot("one", snapshotter, key)
      return {
        listed: yield* containerd.snapshots("one", snapshotter),
        config: (yield* containerd.contents("one")).find(({ digest }) => digest === image.config),
        // Not there for the listing, and still in the way of its parent.
        refused: yield* Effect.flip(remove(image.chain[0]!)),
        removed: [yield* remove(image.chain[1]!), yield* remove(image.chain[0]!)],
      }
    })
    const { config, listed, refused, removed } = await Effect.runPromise(Effect.scoped(program))
    expect(listed).toEqual([])
    const top = config?.labels.get(`containerd.io/gc.ref.snapshot.${snapshotter}`)
    expect(top, "the chain can be found without the backend").toBe(image.chain[1])
    expect(refused.message).toContain("child")
    expect(removed[0]).toBe("removed")
    // Nothing but the garbage collector may have been faster.
    expect(["removed", "gone"]).toContain(removed[1])
  })

  test("a daemon that has gone is a failure that names the socket", async () => {
    const program = Effect.gen(function* () {
      const daemon = yield* Effect.promise(() => Running.start(release))
      const port = yield* Layer.build(portOf(daemon))
      const list = Effect.flatMap(Containerd.Containerd, (containerd) => containerd.namespaces)
      yield* Effect.provide(list, port)
      yield* Effect.promise(daemon.end)
      return { socket: daemon.socket, error: yield* Effect.flip(Effect.provide(list, port)) }
    })
    const { error, socket } = await Effect.runPromise(Effect.scoped(program))
    expect(error.message).toContain(`Could not list the namespaces of containerd at ${socket}: `)
  })
})
