/**
 * Does the real nydus-snapshotter run with what we render, in both ways at once beside a real containerd? Does it decide as
 * the tables of `packages/snapshots` say, and are snapshots planned, removed and repaired with it as backend?
 */
import { HostLayout, HostPath, Snapshots } from "@kata-deploy/core"
import { SampleImage } from "@kata-deploy/core/testing"
import { NodeContainerd } from "@kata-deploy/host"
import {
  KataMount,
  KataVolumeText,
  LayerPrepare,
  type Labels,
  type Mount,
  NydusConfig,
  RemoteMount,
  TarfsExport,
} from "@kata-deploy/snapshots"
import { Effect, Result } from "effect"
import { appendFile, readFile, rm } from "node:fs/promises"
import { join } from "node:path"
import { parse } from "smol-toml"
import { afterAll, beforeAll, expect, inject, test } from "vitest"
import { leftOut, type Line, onContainerd, sharedArtifacts } from "./Conditions.ts"
import type { Built } from "./containerd/GoPrograms.ts"
import * as Nydus from "./containerd/Nydus.ts"
import { type Registry, serve } from "./containerd/Registry.ts"
import type { Release } from "./containerd/Releases.ts"
import * as Running from "./containerd/Running.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import type { Schema } from "./hostTree/Vanilla.ts"

const image = SampleImage.make(
  "example.com/app:1",
  ["one", "two", "three"],
  process.arch === "arm64" ? "arm64" : "amd64",
)
const top = image.chain.at(-1)!

const [tee, hs] = Nydus.names

const overlayfs = (name: Nydus.Name): string => `/opt/kata/${name}/nydus-overlayfs`

/** The same option with what it says in order: Go walks over its maps as it likes. */
const inOrder = (option: string): string => {
  const volume = Result.getOrThrow(KataVolumeText.parse(option))
  return Result.getOrThrow(
    KataVolumeText.option({
      ...volume,
      ...(volume.options === undefined ? {} : { options: volume.options.toSorted() }),
    }),
  )
}

const isVolume = (option: string): boolean => option.startsWith(`${KataVolumeText.optionName}=`)

/** A mount with its volumes in order; each is read and written again first, and has to be the same text. */
const comparable = ({ options, source, type }: Mount.Mount): Mount.Mount => {
  for (const option of options.filter(isVolume))
    expect(Result.getOrThrow(KataVolumeText.option(Result.getOrThrow(KataVolumeText.parse(option))))).toBe(
      option,
    )
  return { type, source, options: options.map((option) => (isVolume(option) ? inOrder(option) : option)) }
}

/** What the tables say is mounted for a container's layer: the snapshots of the image's layers have the directories 1 to 3. */
const writableMount = (config: NydusConfig.NydusConfig, volumes: RemoteMount.RemoteSnapshot["volumes"]) =>
  RemoteMount.mount(config, {
    id: "4",
    kind: "active",
    labels: {},
    parents: ["3", "2", "1"],
    image: "3",
    mountpoint: undefined,
    volumes,
    extra: { source: "", config: "", snapshotdir: "", fs_version: "" },
  })

/** What the stand-in for nydus-image makes the real one say, as a label's text. */
const verity = `8,4096,sha256:${Nydus.rootHash}`

/** Labels without empty values, which the store of snapshots does not keep. */
const kept = (labels: Labels.Labels): Labels.Labels =>
  Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ""))

/** The lines, each with what host sharing makes there; from 2.3 on a root of schema 2 tells the images plugin nothing. */
const cases: ReadonlyArray<{ line: Line; schema: Schema; exportMode: TarfsExport.ExportMode }> = [
  { line: "1.7", schema: 2, exportMode: "layer_block_with_verity" },
  { line: "2", schema: 3, exportMode: "layer_block" },
  { line: "2.2", schema: 3, exportMode: "image_block" },
  { line: "2.3+", schema: 2, exportMode: "image_block_with_verity" },
]

const both = (built: Built, release: Release, { exportMode, schema }: (typeof cases)[number]): void => {
  let host: SampleHost
  let registry: Registry
  let daemon: Running.Running
  let name: string
  const running = new Map<Nydus.Name, Nydus.Snapshotter>()

  const ctr = (...args: ReadonlyArray<string>): Promise<string> => daemon.ctr("-n", "k8s.io", ...args)
  const of = (snapshotter: Nydus.Name, ...args: ReadonlyArray<string>): Promise<string> =>
    ctr("snapshots", "--snapshotter", snapshotter, ...args)
  const labelsOf = async (snapshotter: Nydus.Name, key: string): Promise<Labels.Labels> =>
    (JSON.parse(await of(snapshotter, "info", key)) as { Labels: Labels.Labels }).Labels
  const prepared = async (snapshotter: Nydus.Name, key: string, ...parent: ReadonlyArray<string>) => {
    const text = await of(snapshotter, "prepare", "--mounts", key, ...parent)
    const [mount] = JSON.parse(text) as ReadonlyArray<{
      Type: string
      Source: string
      Options: ReadonlyArray<string>
    }>
    return comparable({ type: mount!.Type, source: mount!.Source, options: mount!.Options })
  }
  const mounted = async (snapshotter: Nydus.Name, key: string): Promise<Mount.Mount> => {
    const text = await of(snapshotter, "mounts", "/t", key)
    const [, type, source, options] = /^mount -t (\S+) (\S+) \/t -o (\S+)/.exec(text)!
    return comparable({ type: type!, source: source!, options: options!.split(",") })
  }
  const ask = (action: "plan" | "remove" | "repair") =>
    Effect.runPromise(
      Snapshots.within(
        { action, apply: "apply", snapshotter: tee, namespace: "k8s.io" },
        () => Effect.void,
      ).pipe(
        Effect.provide(
          NodeContainerd.layer({ layout: HostLayout.wholeRoot("/"), socket: HostPath.make(daemon.socket) }),
        ),
        Effect.scoped,
      ),
    )
  /** Lets containerd collect garbage, as it does by itself within a second: only then a placeholder leaves the backend. */
  const collected = async (): Promise<void> => {
    await ctr("leases", "create", "--id", "collect")
    await ctr("leases", "delete", "--sync", "collect")
  }
  const lose = (): Promise<void> =>
    running.get(tee)!.without(() => rm(daemon.at(`/var/lib/${tee}`), { recursive: true }))

  beforeAll(async () => {
    host = await Nydus.installed(release, built, sharedArtifacts(), { exportMode, schema })
    registry = await serve([image])
    name = image.name.replace("example.com", registry.address)
    daemon = await Running.startOn(release, host.dir)
    await Nydus.withShell(daemon)
    // It fetches layers by itself, from nothing but TLS otherwise; the registry of the test has none.
    const plain = "\n[remote]\nskip_ssl_verify = true\n"
    await appendFile(daemon.at(`/opt/kata/${hs}/config-host-sharing.toml`), plain)
    for (const each of Nydus.names) running.set(each, await Nydus.start(host, daemon, each))
  })
  afterAll(async () => {
    await daemon?.end()
    await registry?.close()
    await host?.[Symbol.asyncDispose]()
  })

  test("both run with the rendered configuration by their units' commands, and know each key of it", async () => {
    const program = await readFile(join(built.root, "usr/bin/containerd-nydus-grpc"), "latin1")
    const drivers = { [tee]: "proxy", [hs]: "blockdev" }
    for (const [each, config] of [
      [tee, "config-guest-pulling.toml"],
      [hs, "config-host-sharing.toml"],
    ] as const) {
      const log = running.get(each)!.log()
      expect(log).toContain(`Start nydus-snapshotter. Version: v${built.version},`)
      expect(log).toContain(`FsDriver: ${drivers[each]},`)
      expect(log).not.toMatch(/level=(?:error|fatal)/)
      // It passes over keys that it does not know; the names that it does know are in the program.
      const keys = (table: object): ReadonlyArray<string> =>
        Object.entries(table).flatMap(([key, value]) => [
          key,
          ...(typeof value === "object" ? keys(value as object) : []),
        ])
      const rendered = parse(await host.read(`/opt/kata/${each}/${config}`))
      for (const key of keys(rendered)) expect(program, `the key ${key}`).toContain(`toml:"${key}"`)
    }
    expect(await ctr("plugins", "ls")).toMatch(new RegExp(`snapshotter\\.v1\\s+${tee}\\s.*\\sok`))
  })

  test("guest pull: layers are committed unseen, and a container gets the volume of the tables", async () => {
    await Nydus.pullFor(daemon.socket, "kata-qemu", name)
    const config = NydusConfig.guestPull(`/var/lib/${tee}`, overlayfs(tee))
    for (const key of image.chain) {
      const labels = await labelsOf(tee, key)
      const { outcome, row } = LayerPrepare.decide(config, {
        labels,
        indexAlternative: "not-found",
        referrer: "not-found",
        stargz: "no-stargz",
        tarfs: { _tag: "Refused", because: "no-image-ref" },
      })
      expect(row).toBe("A1.1")
      expect(labels).toMatchObject(outcome._tag === "Skip" ? outcome.labels : {})
    }
    const content = await ctr("content", "ls", "-q")
    expect(content).toContain(image.config)
    for (const layer of image.layers) expect(content).not.toMatch(new RegExp(`^${layer}`, "m"))
    const { volumes } = Result.getOrThrow(KataMount.volumes(await labelsOf(tee, top), [], "/none"))
    const expected = writableMount(config, volumes)
    expect(await prepared(tee, "app", top)).toEqual(comparable(Result.getOrThrow(expected).mount))
    // What is asked for later has labels of its own only, and those of a container name no image (table C, B10).
    const rescue = KataMount.rescue(config, { id: "4", kind: "active", parents: ["3", "2", "1"] })
    expect(await mounted(tee, "app")).toEqual(comparable(Result.getOrThrow(rescue)))
    const alone = KataMount.rescue(config, { id: "5", kind: "active", parents: [] })
    expect(await prepared(tee, "alone")).toEqual(comparable(Result.getOrThrow(alone)))
  })

  test(`host sharing as ${exportMode}: the same image gets the disks of the tables`, async () => {
    await Nydus.pullFor(daemon.socket, "kata-clh", name)
    const preset = NydusConfig.hostShare(`/var/lib/${hs}`, exportMode)
    const config = { ...preset, overlayfsProgram: overlayfs(hs) }
    const decided = image.layers.map((digest, at) => {
      const facts = {
        labels: {},
        indexAlternative: "not-found",
        referrer: "not-found",
        stargz: "no-stargz",
        tarfs: {
          _tag: "Converted",
          blob: digest.replace("sha256:", ""),
          exported: TarfsExport.ofLayer(exportMode, { _tag: "Absent" }),
          info: verity,
        },
      } as const
      const { outcome } = LayerPrepare.decide(config, facts)
      return { key: image.chain[at]!, labels: outcome._tag === "Skip" ? outcome.labels : {} }
    })
    for (const { key, labels } of decided) expect(await labelsOf(hs, key)).toMatchObject(kept(labels))
    const whole = TarfsExport.ofImage(exportMode, { _tag: "Absent" }, 3)
    const marks: Labels.Labels =
      whole._tag === "Export"
        ? { [`containerd.io/snapshot/nydus-image-block`]: whole.verity ? verity : "" }
        : whole._tag === "Mark"
          ? whole.labels
          : {}
    const { volumes } = Result.getOrThrow(
      KataMount.volumes(
        { ...decided.at(-1)!.labels, ...marks },
        decided.toReversed().map(({ labels }) => ({ kind: "committed", labels })),
        `/var/lib/${hs}/cache`,
      ),
    )
    expect(volumes).toHaveLength(exportMode.startsWith("layer") ? 3 : 1)
    const expected = writableMount(config, volumes)
    const mount = comparable(Result.getOrThrow(expected).mount)
    expect(await prepared(hs, "app", top)).toEqual(mount)
    expect(await mounted(hs, "app")).toEqual(mount)
    expect(await labelsOf(hs, top)).toMatchObject(kept(marks))
  })

  test("what guest pull lost fails every pull, and after the repair it works", async () => {
    await of(tee, "rm", "app", "alone")
    await lose()
    await expect(Nydus.pullFor(daemon.socket, "kata-qemu", name)).rejects.toThrow(/already exists/)
    expect((await ask("repair")).left).toBe(0)
    await Nydus.pullFor(daemon.socket, "kata-qemu", name)
    expect((await ask("plan")).namespaces[0]!.order).toEqual(image.chain.toReversed())
  })

  test("a container that is made after the loss gets a placeholder, which the repair takes away with the rest", async () => {
    await lose()
    await of(tee, "prepare", "after", top)
    expect(await labelsOf(tee, top)).toHaveProperty(["nydus.recovered"])
    const blocked = (await ask("repair")).namespaces[0]!
    expect(blocked.blocked.find(({ key }) => key === top)?.because).toContain("after lies on it")
    await expect(Nydus.pullFor(daemon.socket, "kata-qemu", name)).rejects.toThrow(/already exists/)
    await of(tee, "rm", "after")
    expect((await ask("repair")).left).toBe(0)
    await collected()
    await Nydus.pullFor(daemon.socket, "kata-qemu", name)
    expect((await ask("plan")).namespaces[0]!.order).toEqual(image.chain.toReversed())
  })

  test("a removal takes what a loss left above and below a placeholder, and the other way keeps its own", async () => {
    await lose()
    await of(tee, "prepare", "after", top)
    expect((await ask("plan")).namespaces[0]!.order).toEqual(["after", ...image.chain.toReversed()])
    const done = await ask("remove")
    expect(done.namespaces[0]!.figures).toMatchObject({ failed: [], leftOut: [] })
    expect(done.left).toBe(0)
    await collected()
    await Nydus.pullFor(daemon.socket, "kata-qemu", name)
    expect((await of(hs, "ls")).trim().split("\n")).toHaveLength(1 + image.chain.length + 1)
  })
}

const obtained = inject("nydus")

for (const each of cases) {
  const title = `nydus-snapshotter, host sharing as ${each.exportMode}`
  if ("notRun" in obtained) leftOut(`${title}, on containerd ${each.line}`, obtained.notRun)
  else onContainerd([each.line], title, (release) => both(obtained, release, each))
}
