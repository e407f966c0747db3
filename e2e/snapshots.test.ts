/**
 * Do snapshots go as planned on a real containerd, do running workloads keep theirs, and does a pull work again after a
 * backend was lost?
 */
import { type Containerd, HostLayout, HostPath, Snapshots } from "@kata-deploy/core"
import { SampleImage } from "@kata-deploy/core/testing"
import { NodeContainerd } from "@kata-deploy/host"
import { Effect } from "effect"
import { rm } from "node:fs/promises"
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import { inside } from "./containerd/HostView.ts"
import * as PodSandbox from "./containerd/PodSandbox.ts"
import { serve } from "./containerd/Registry.ts"
import type { Release } from "./containerd/Releases.ts"
import * as Running from "./containerd/Running.ts"

const architecture = process.arch === "arm64" ? "arm64" : "amd64"
const snapshotter = "native"

const texts = (count: number, last = "") =>
  Array.from({ length: count }, (_, at) => `layer ${at}${at === count - 1 ? last : ""}`)

const image = (name: string, layers: ReadonlyArray<string>) =>
  SampleImage.make(`example.com/${name}:1`, layers, architecture)

/** Chains of one, four and forty layers; two of them share 39. */
const single = image("single", ["alone"])
const four = image("four", texts(4))
const forty = image("forty", texts(40))
const other = image("other", texts(40, " of another"))
const all = [single, four, forty, other]

const imported = async (
  release: Release,
  daemon: Running.Running,
  namespace: string,
  sample: SampleImage.SampleImage,
): Promise<void> => {
  const how = release.major >= 2 ? ["--local"] : []
  const name = `${namespace}-${sample.name.replace(/\W/g, "-")}.tar`
  const archive = await daemon.put(name, SampleImage.layout(sample))
  await daemon.ctr("-n", namespace, "images", "import", "--snapshotter", snapshotter, ...how, archive)
}

const ask = (
  daemon: Running.Running,
  action: "plan" | "remove" | "repair",
  show: Snapshots.Show = () => Effect.void,
) =>
  Effect.runPromise(
    Effect.scoped(
      Snapshots.within({ action, apply: "apply", snapshotter, namespace: undefined }, show).pipe(
        Effect.provide(
          NodeContainerd.layer({
            layout: HostLayout.wholeRoot("/"),
            socket: HostPath.make(daemon.socket),
          }),
        ),
      ) satisfies Effect.Effect<unknown, unknown, Containerd.Containerd | never>,
    ),
  )

const table = '[plugins."io.containerd.grpc.v1.cri".containerd]\n'

/** A kubelet's containerd, without and with the switch that nydus needs as well. */
const kubelets = {
  plain: PodSandbox.configuration(["runc"]),
  switched: PodSandbox.configuration(["runc"]).replace(
    table,
    `${table}disable_snapshot_annotations = false\n`,
  ),
}

/** Runs `body` with a daemon that is gone afterwards. */
const withDaemon = async (
  release: Release,
  body: (daemon: Running.Running) => Promise<void>,
): Promise<void> => {
  const daemon = await Running.start(release)
  try {
    await body(daemon)
  } finally {
    await daemon.end()
  }
}

/** Whether every key stands in front of the one that it lies on. */
const isLeavesFirst = (order: ReadonlyArray<string>): boolean =>
  all.every(({ chain }) =>
    chain.every((key, at) => at === 0 || order.indexOf(key) < order.indexOf(chain[at - 1]!)),
  )

onContainerd(["1", "2"], "snapshots", (release) => {
  test("are removed leaves first in every namespace, and a running container keeps its own", () =>
    withDaemon(release, async (daemon) => {
      for (const sample of all) await imported(release, daemon, "one", sample)
      await imported(release, daemon, "two", forty)
      await PodSandbox.prepare(release, daemon)
      const runc = ["--runc-binary", `${inside}/bin/runc`]
      await daemon.ctr("-n", "one", "run", "-d", "--snapshotter", snapshotter, ...runc, four.name, "app")
      const planned = await ask(daemon, "plan")
      const of = (name: string) => planned.namespaces.find(({ namespace }) => namespace === name)!
      // Forty layers lie on the four that the container uses.
      const used = new Set(four.chain)
      const free = new Set(all.flatMap(({ chain }) => chain).filter((key) => !used.has(key)))
      expect(new Set(of("one").order)).toEqual(free)
      expect(new Set(of("one").blocked.map(({ key }) => key))).toEqual(new Set(["app", ...used]))
      expect(of("two").order).toEqual(forty.chain.toReversed())
      const done = await ask(daemon, "remove")
      const figures = done.namespaces.map((namespace) => namespace.figures!)
      expect(figures.flatMap(({ failed }) => failed)).toEqual([])
      // The image of the sandbox lies in a namespace of its own.
      const total = planned.namespaces.reduce((sum, { order }) => sum + order.length, 0)
      expect(figures.reduce((sum, { gone, removed }) => sum + gone + removed, 0)).toBe(total)
      expect(done.left).toBe(1 + used.size)
      expect(await daemon.ctr("-n", "one", "tasks", "ls")).toMatch(/^app\s+\d+\s+RUNNING/m)
      const left = await daemon.ctr("-n", "one", "snapshots", "--snapshotter", snapshotter, "ls")
      expect(left.trim().split("\n")).toHaveLength(1 + 1 + used.size)
      await daemon.ctr("-n", "one", "tasks", "kill", "-s", "KILL", "app")
    }))

  test("that are free go in chains of forty, without a futile attempt", () =>
    withDaemon(release, async (daemon) => {
      for (const sample of all) await imported(release, daemon, "one", sample)
      const done = await ask(daemon, "remove")
      const [one] = done.namespaces
      expect(isLeavesFirst(one!.order)).toBe(true)
      expect(one!.figures).toMatchObject({ failed: [], leftOut: [] })
      expect(one!.figures!.removed + one!.figures!.gone).toBe(one!.order.length)
      expect(done.left).toBe(0)
      expect((await ask(daemon, "repair")).namespaces[0]!.outcome).toBe("clean")
      // What was removed is unpacked anew.
      await daemon.ctr("-n", "one", "images", "rm", "--sync", forty.name)
      await imported(release, daemon, "one", forty)
      expect((await ask(daemon, "plan")).namespaces[0]!.order).toHaveLength(forty.chain.length)
    }))

  test("that the garbage collector takes meanwhile are as good as removed", () =>
    withDaemon(release, async (daemon) => {
      await imported(release, daemon, "one", forty)
      const done = await ask(daemon, "remove", () =>
        Effect.asVoid(Effect.promise(() => daemon.ctr("-n", "one", "images", "rm", "--sync", forty.name))),
      )
      expect(done.namespaces[0]!.figures).toMatchObject({ failed: [], leftOut: [] })
      expect(done.namespaces[0]!.figures!.gone).toBeGreaterThan(0)
      expect(done.left).toBe(0)
    }))

  test("that the backend lost keep an image from being unpacked, until they are repaired", async () => {
    const first = await Running.start(release)
    await imported(release, first, "one", four)
    await imported(release, first, "one", single)
    await first.stop()
    await rm(first.ofRoot(`io.containerd.snapshotter.v1.${snapshotter}`), { recursive: true })
    const daemon = await Running.start(release, undefined, first.folder)
    try {
      // Without a parent in the backend no layer can be put on it, whatever the records say.
      await expect(imported(release, daemon, "one", four)).rejects.toThrow(/not found|already exists/)
      const done = await ask(daemon, "repair")
      const [one] = done.namespaces
      expect(one!.images).toEqual([four.name, single.name])
      expect(one!.figures).toMatchObject({ failed: [], leftOut: [] })
      expect(one!.figures!.removed).toBeGreaterThan(0)
      expect(done.left).toBe(0)
      await imported(release, daemon, "one", single)
      await imported(release, daemon, "one", four)
      const there = (await ask(daemon, "plan")).namespaces[0]!.order
      expect(new Set(there)).toEqual(new Set([...four.chain, ...single.chain]))
    } finally {
      await daemon.end()
    }
  })

  test("that the backend lost fail every pull of a kubelet, and after the repair it works", async () => {
    const registry = await serve([four])
    const name = four.name.replace("example.com", registry.address)
    const first = await Running.start(release, kubelets.switched)
    await PodSandbox.clientOf(first.socket).pull(name)
    await first.stop()
    await rm(first.ofRoot(`io.containerd.snapshotter.v1.${snapshotter}`), { recursive: true })
    const daemon = await Running.start(release, kubelets.switched, first.folder)
    try {
      const { pull } = PodSandbox.clientOf(daemon.socket)
      await expect(pull(name)).rejects.toThrow(/already exists/)
      expect((await ask(daemon, "repair")).left).toBe(0)
      await pull(name)
      expect((await ask(daemon, "plan")).namespaces[0]!.order).toEqual(four.chain.toReversed())
    } finally {
      await daemon.end()
      await registry.close()
    }
  })
})

onContainerd(["2"], "pulls for another snapshotter than the default one", (release) => {
  test("fail without the switch for annotations, and succeed with it", async () => {
    const registry = await serve([four])
    const name = four.name.replace("example.com", registry.address)
    const pull = async (configuration: string): Promise<void> => {
      const daemon = await Running.start(release, configuration)
      try {
        await PodSandbox.clientOf(daemon.socket).pull(name)
      } finally {
        await daemon.end()
      }
    }
    try {
      await expect(pull(kubelets.plain)).rejects.toThrow(/no unpack platforms defined/)
      await pull(kubelets.switched)
    } finally {
      await registry.close()
    }
  })
})
