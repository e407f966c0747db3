/**
 * Does containerd come up with what is rendered for erofs, whatever filesystem its layers lie on, and does a container run
 * from them? And is everything refused before the first write that would take the CRI down?
 */
import { ContainerdVersion, Erofs, HostLayout, HostPath, ProbeFile } from "@kata-deploy/core"
import { SampleImage } from "@kata-deploy/core/testing"
import { Sight } from "@kata-deploy/host"
import { Effect, Result } from "effect"
import { copyFile, mkdir, readdir } from "node:fs/promises"
import { join } from "node:path"
import { parse, stringify } from "smol-toml"
import { describe, expect, inject, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { must } from "./Command.ts"
import { asRoot, notRun, onContainerd, sharedArtifacts } from "./Conditions.ts"
import { criStatus } from "./containerd/Cri.ts"
import { configDump } from "./containerd/Daemon.ts"
import * as ErofsUtils from "./containerd/ErofsUtils.ts"
import { inside } from "./containerd/HostView.ts"
import type { Release } from "./containerd/Releases.ts"
import * as Running from "./containerd/Running.ts"
import { kataDeployAsMachine } from "./hostTree/AsMachine.ts"
import * as Filesystem from "./hostTree/Filesystem.ts"
import { makeTree, type SampleHost } from "./hostTree/SampleHost.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectRefused } from "./Refusal.ts"

const [utils, tooOld] = [await ErofsUtils.obtain("sid"), await ErofsUtils.obtain("bookworm")]
const noKernel = await ErofsUtils.kernelRefuses()
const plugin = "io.containerd.snapshotter.v1.erofs"
const layers = (folder: string): string => join(folder, "root", plugin, "snapshots")

/** What the filesystem of a folder does with a probe file. */
const probed = (folder: string): Promise<ProbeFile.ProbeFile> =>
  Effect.runPromise(
    Sight.make({ layout: HostLayout.wholeRoot("/") }).probeFile(HostPath.make(join(folder, "root"))),
  )

/** What is rendered for 2.2, which is given to older daemons as well. */
const rendered = (probe: ProbeFile.ProbeFile): string => {
  const settings = { mergeMode: "merged", mode: "disk", dmverity: false } as const
  const { tables } = Result.getOrThrow(Erofs.renderedTables({ settings, schema: 3, probe }))
  return `version = 3\n${stringify(tables)}`
}

/** States of plugins by `type.id`, as `ctr plugins ls` tells them. */
const pluginsOf = async (daemon: Running.Running): Promise<Readonly<Record<string, string>>> =>
  Object.fromEntries(
    (await daemon.ctr("plugins", "ls")).split("\n").map((line) => {
      const words = line.trim().split(/\s+/)
      return [`${words[0]}.${words[1]}`, words.at(-1)!]
    }),
  )

const isLoaded = async (daemon: Running.Running): Promise<boolean> =>
  (await criStatus(daemon.socket, 10_000)).loaded

/** A daemon on a folder that has the programs of erofs, or nothing. */
const withDaemon = async (
  release: Release,
  folder: string,
  configuration: string,
  body: (daemon: Running.Running) => Promise<void>,
): Promise<void> => {
  const daemon = await Running.start(release, configuration, folder)
  try {
    await body(daemon)
  } finally {
    await daemon.stop()
  }
}

const image = SampleImage.make(
  "example.com/app:1",
  ["first\n", "second\n", "third\n"],
  process.arch === "arm64" ? "arm64" : "amd64",
)

/** Imports the image and returns its layers, as files. */
const unpacked = async (daemon: Running.Running, folder: string): Promise<ReadonlyArray<string>> => {
  const archive = await daemon.put("app.tar", SampleImage.layout(image))
  await daemon.ctr("-n", "k8s.io", "images", "import", "--local", "--snapshotter", "erofs", archive)
  const snapshots = await readdir(layers(folder))
  return snapshots.map((name) => join(layers(folder), name, "layer.erofs"))
}

/** What a container prints that reads its own files and lists them; its shell and libraries are the daemon's. */
const printed = async (daemon: Running.Running, folder: string): Promise<string> => {
  const none = await ErofsUtils.giveRunc(inject("releases"), folder)
  if (none !== undefined) throw new Error(`no container can be run: ${none}`)
  const shown = ["/lib", "/lib64", `${inside}/bin`].flatMap((path) => [
    "--mount",
    `type=bind,src=${path},dst=${path === "/lib64" || path === "/lib" ? path : "/tools"},options=rbind:ro`,
  ])
  const how = ["--rm", "--snapshotter", "erofs", "--runc-binary", `${inside}/bin/runc`, "--cpu-shares", "0"]
  const script = "while read line; do echo $line; done < /layer-0; echo /layer-*"
  return daemon.ctr("-n", "k8s.io", "run", ...how, ...shown, image.name, "one", "/tools/sh", "-c", script)
}

if (noKernel !== undefined || "notRun" in utils)
  notRun("erofs on real filesystems", noKernel ?? ("notRun" in utils ? utils.notRun : ""))
else
  onContainerd(["2", "2.2", "2.3+"], "what is rendered for erofs", (release) => {
    for (const kind of Filesystem.kinds) {
      asRoot(
        `comes up on ${kind} as a probe file decides, and makes layers that are protected so`,
        async () => {
          await using disk = await Filesystem.mounted(kind)
          await ErofsUtils.equip(utils, disk.dir)
          const probe = await probed(disk.dir)
          // Unknown would be off, too, and prove nothing.
          expect([probe.fsverity._tag, probe.immutable._tag]).not.toContain("Unknown")
          await withDaemon(release, disk.dir, rendered(probe), async (daemon) => {
            const plugins = await pluginsOf(daemon)
            for (const name of [
              "snapshotter.v1.erofs",
              "differ.v1.erofs",
              "service.v1.diff-service",
              "grpc.v1.cri",
            ])
              expect(plugins[`io.containerd.${name}`], name).toBe("ok")
            expect(await isLoaded(daemon)).toBe(true)
            const files = await unpacked(daemon, disk.dir)
            expect(files).toHaveLength(image.layers.length)
            const flags = (await must("lsattr", [...files])).stdout.trim().split("\n")
            for (const line of flags) {
              expect(line.split(" ")[0]?.includes("i"), line).toBe(probe.immutable._tag === "Accepted")
              expect(line.split(" ")[0]?.includes("V"), line).toBe(probe.fsverity._tag === "Accepted")
            }
          })
        },
      )

      asRoot(
        `leaves no service on ${kind} with fs-verity on, exactly where the probe file refuses it`,
        async () => {
          await using disk = await Filesystem.mounted(kind)
          await ErofsUtils.equip(utils, disk.dir)
          const probe = await probed(disk.dir)
          await withDaemon(
            release,
            disk.dir,
            rendered({ ...probe, fsverity: ProbeFile.accepted }),
            async (daemon) => {
              const expected = probe.fsverity._tag === "Accepted" ? "ok" : "error"
              const plugins = await pluginsOf(daemon)
              for (const name of ["snapshotter.v1.erofs", "service.v1.images-service", "grpc.v1.cri"])
                expect(plugins[`io.containerd.${name}`], name).toBe(expected)
              expect(await isLoaded(daemon)).toBe(expected === "ok")
            },
          )
        },
      )
    }

    for (const kind of ["ext4", "tmpfs"] as const)
      asRoot(`runs a container from layers on ${kind}`, async () => {
        await using disk = await Filesystem.mounted(kind)
        await ErofsUtils.equip(utils, disk.dir)
        await withDaemon(release, disk.dir, rendered(await probed(disk.dir)), async (daemon) => {
          await unpacked(daemon, disk.dir)
          expect(await printed(daemon, disk.dir)).toBe("first\n/layer-0 /layer-1 /layer-2\n")
        })
      })

    asRoot("has no CRI where there is no mkfs.erofs, which is why that is refused", async () => {
      await using disk = await Filesystem.mounted("tmpfs")
      await withDaemon(release, disk.dir, rendered(await probed(disk.dir)), async (daemon) => {
        expect((await pluginsOf(daemon))["io.containerd.differ.v1.erofs"]).toBe("skip")
        expect(await isLoaded(daemon)).toBe(false)
      })
    })
  })

onContainerd(["2.2", "2.3+"], "dm-verity of erofs", (release) => {
  test("is known to exactly those that the program accepts it for", async () => {
    const probe = ProbeFile.untried("nobody asks here")
    await using tree = await makeTree({ "/etc/containerd/config.toml": rendered(probe) })
    const { code, stderr, stdout } = await configDump({ release, tree: tree.dir })
    expect(code, stderr).toBe(0)
    const plugins = (parse(stdout) as { plugins: Readonly<Record<string, object>> }).plugins
    const isKnown = ContainerdVersion.hasErofsDmverity(release)
    expect("dmverity_mode" in plugins[plugin]!).toBe(isKnown)
    expect("enable_dmverity" in plugins["io.containerd.differ.v1.erofs"]!).toBe(isKnown)
  })
})

const erofs = {
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs",
  SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu-runtime-rs:erofs",
  SNAPSHOTTER_HANDLER_MAPPING_AARCH64: "qemu-runtime-rs:erofs",
}

const on = (host: SampleHost, change: Partial<Setting> = {}): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims: ["qemu-runtime-rs"],
  env: erofs,
  ...change,
})

/** Gives a host the program, as its package does. */
const giveMkfs = async (host: SampleHost, { mkfs }: ErofsUtils.ErofsUtils): Promise<void> => {
  await mkdir(host.at("/usr/bin"), { recursive: true })
  await copyFile(mkfs, host.at("/usr/bin/mkfs.erofs"))
}

describe("a node on which erofs cannot work is left as it is", () => {
  for (const action of [["plan"], ["install", "--once"]]) {
    test(`by ${action[0]}, without mkfs.erofs`, async () => {
      await using host = await vanilla("2.2.9", { schema: 3 })
      const [problem] = await expectRefused(on(host), action, {
        code: 3,
        says: ["mkfs.erofs", "erofs-utils"],
      })
      expect(problem).toMatchObject({ code: "E_MKFS_EROFS_MISSING" })
    })
  }

  if ("notRun" in tooOld) notRun("a real mkfs.erofs that is too old", tooOld.notRun)
  else
    test("with a real mkfs.erofs that does not know the options", async () => {
      await using host = await vanilla("2.2.9", { schema: 3 })
      await giveMkfs(host, tooOld)
      const [problem] = await expectRefused(on(host), ["install", "--once"], {
        code: 3,
        says: ["/usr/bin/mkfs.erofs", "--sort", "1.8.2"],
      })
      expect(problem).toMatchObject({ code: "E_MKFS_EROFS_TOO_OLD", path: "/usr/bin/mkfs.erofs" })
    })

  if ("notRun" in utils) notRun("the guards beside a real mkfs.erofs", utils.notRun)
  else {
    test("with a Go shim that would get merged layers", async () => {
      await using host = await vanilla("2.2.9", { schema: 3 })
      await giveMkfs(host, utils)
      const env = {
        ...erofs,
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs",
        SNAPSHOTTER_HANDLER_MAPPING_AARCH64: "qemu:erofs",
      }
      const setting = on(host, { env, shims: ["qemu"] })
      const [problem] = await expectRefused(setting, ["install", "--once"], {
        code: 3,
        says: ["EROFS_MERGE_MODE", "qemu", "unmerged"],
      })
      expect(problem).toMatchObject({ code: "E_EROFS_MERGED_GO_SHIM" })
      const apart = await kataDeploy({ ...setting, env: { ...env, EROFS_MERGE_MODE: "unmerged" } }, "plan")
      expect(apart.code, told(apart)).toBe(0)
    })

    test("with a containerd that would ignore dm-verity", async () => {
      await using host = await vanilla("2.2.9", { schema: 3 })
      await giveMkfs(host, utils)
      const setting = on(host, { env: { ...erofs, EROFS_DMVERITY: "on" } })
      await expectRefused(setting, ["install", "--once"], { code: 3, says: ["EROFS_DMVERITY", "2.3"] })
    })

    test("with a containerd that has no such snapshotter", async () => {
      await using host = await vanilla("2.1.9", { schema: 3 })
      await giveMkfs(host, utils)
      await expectRefused(on(host), ["install", "--once"], { code: 3, says: ["2.1", "2.2"] })
    })
  }
})

if (!("notRun" in utils)) {
  const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"

  describe("the program as root on a node", () => {
    asRoot(
      "tries a probe file while planning and leaves no trace, and an install writes what was planned",
      async () => {
        await using disk = await Filesystem.mounted("ext4")
        const store = join(disk.dir, "root")
        await using host = await vanilla("2.2.9", { schema: 3 })
        await giveMkfs(host, utils)
        await mkdir(store)
        const probe = await probed(disk.dir)
        const before = {
          tree: await snapshot(store),
          times: (await must("stat", ["-c", "%y %z", store])).stdout,
        }
        const planned = await kataDeployAsMachine(on(host), store, "plan", "--output=json")
        expect(planned.code, told(planned)).toBe(0)
        expect(planned.stdout).toContain(`enable_fsverity = ${probe.fsverity._tag === "Accepted"}`)
        expect(planned.stdout).toContain("set_immutable = true")
        expect(differences(before.tree, await snapshot(store), { identity: "files" })).toEqual([])
        expect((await must("stat", ["-c", "%y %z", store])).stdout).toBe(before.times)
        const installed = await kataDeployAsMachine(on(host), store, "install", "--once")
        expect(installed.code, told(installed)).toBe(0)
        expect(await host.read(dropIn)).toContain("set_immutable = true")
        const again = await kataDeployAsMachine(on(host), store, "plan", "--detailed-exitcode")
        expect(again.code, told(again)).toBe(0)
      },
    )
  })

  if (noKernel === undefined)
    onContainerd(["2.2", "2.3+"], "an install with erofs", (release) => {
      asRoot("is what this containerd comes up with, and its handler uses the snapshotter", async () => {
        await using disk = await Filesystem.mounted("ext4")
        await using host = await vanilla(release.version, { schema: 3 })
        await giveMkfs(host, utils)
        const installed = await kataDeployAsMachine(on(host), join(disk.dir, "root"), "install", "--once")
        expect(installed.code, told(installed)).toBe(0)
        await ErofsUtils.equip(utils, disk.dir)
        await withDaemon(release, disk.dir, `version = 3\n${await host.read(dropIn)}`, async (daemon) => {
          const cri = await criStatus(daemon.socket, 10_000)
          expect(cri).toMatchObject({
            loaded: true,
            handlers: { "kata-qemu-runtime-rs": { snapshotter: "erofs" } },
          })
          await unpacked(daemon, disk.dir)
        })
      })
    })
}
