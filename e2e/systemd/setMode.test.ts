/**
 * Does a real containerd map a handler to the other mode of nydus after `snapshotter set-mode --apply`, and do installs
 * hold to that until the settings say something else? On a host with a stand-in for nydus, from a pod.
 */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { told } from "../cli.ts"
import type { Outcome } from "../Command.ts"
import { sharedArtifacts } from "../Conditions.ts"
import { criStatus } from "../containerd/Cri.ts"
import { copyArtifacts, kataArchitecture } from "../hostTree/Artifacts.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"

const suffix = kataArchitecture.toUpperCase()

/** Settings that let guests pull, as a chart has them. */
const guestPull = {
  [`SNAPSHOTTER_HANDLER_MAPPING_${suffix}`]: "qemu:nydus",
  [`PULL_TYPE_MAPPING_${suffix}`]: "qemu:guest-pull",
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus",
}

const tee = "nydus-for-kata-tee"
const hs = "nydus-for-kata-hs"

// The host mounts the folder when it boots.
const artifacts = await copyArtifacts(sharedArtifacts())
const programs = join(artifacts.dir, "nydus-snapshotter")
await mkdir(programs)
for (const name of ["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"]) {
  await writeFile(join(programs, name), "#!/bin/sh\nexec sleep infinity\n")
  await chmod(join(programs, name), 0o755)
}

await onHosts(
  "a mode of nydus that is chosen on one node",
  (host) => {
    let untouched: TreeSnapshot
    let ownHandlers: ReadonlyArray<string>
    let drafts: string

    const call = (...args: ReadonlyArray<string>): Program.Call => ({
      args,
      env: guestPull,
      artifacts: artifacts.dir,
    })
    const kataDeploy = (...args: ReadonlyArray<string>): Promise<Outcome> =>
      Program.kataDeploy(host(), Program.pod, call(...args))
    const succeeds = async (...args: ReadonlyArray<string>): Promise<Outcome> => {
      const outcome = await kataDeploy(...args)
      expect(outcome.code, told(outcome)).toBe(0)
      return outcome
    }
    /** What the real CRI says that a handler's snapshotter is. */
    const snapshotterOf = async (handler: string): Promise<string | undefined> => {
      const cri = await criStatus(`${host().root}/run/containerd/containerd.sock`, 10_000)
      return cri.loaded ? cri.handlers[handler]?.snapshotter : undefined
    }
    const isActive = async (name: string): Promise<boolean> =>
      (await host().exec(["systemctl", "is-active", `${name}.service`])).stdout.trim() === "active"
    const recorded = async (): Promise<unknown> => {
      const text = await readFile(join(host().root, "opt/kata/.kata-deploy/ledger.json"), "utf8")
      return (JSON.parse(text) as { readonly modes?: unknown }).modes
    }

    beforeAll(async () => {
      drafts = await mkdtemp(join(tmpdir(), "kd-drop-in-"))
      await host().mustExec(["mkdir", "-p", "/opt/kata"])
      untouched = await Program.trees(host())
      ownHandlers = await Program.loaded(host())
      await succeeds("install", "--once")
      expect(await snapshotterOf("kata-qemu")).toBe(tee)
    })
    afterAll(() => rm(drafts, { recursive: true, force: true }))

    test("is shown without a change", async () => {
      const before = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
      const { stdout } = await succeeds("snapshotter", "set-mode", "host-share", "qemu", "--output=json")
      expect(JSON.parse(stdout)).toMatchObject({
        kind: "mode-change",
        applied: false,
        handlers: ["kata-qemu"],
        restarts: [{ unit: "containerd.service", due: "ours" }],
      })
      expect(await Program.mainPid(host())).toBe(before.pid)
      expect(differences(before.tree, await Program.trees(host()), { identity: "files" })).toEqual([])
    })

    test("is taken back and not recorded where containerd does not come up with it", async () => {
      const trap = join(host().root, "run/systemd/system/containerd.service.d")
      await mkdir(trap, { recursive: true })
      await writeFile(
        join(trap, "trap.conf"),
        `[Service]\nExecStartPre=/bin/sh -c '! grep -q ${hs} /opt/kata/containerd/config.d/kata-deploy.toml'\n`,
      )
      const outcome = await kataDeploy("snapshotter", "set-mode", "host-share", "qemu", "--apply").finally(
        () => rm(trap, { recursive: true }),
      )
      expect(outcome.code, told(outcome)).toBe(1)
      expect(outcome.stderr.replace(/\s+/g, " ")).toContain("Could not restart containerd.service")
      expect(await snapshotterOf("kata-qemu")).toBe(tee)
      expect(await recorded()).toBeUndefined()
      await host().mustExec(["systemctl", "daemon-reload"])
    })

    test("is refused with settings that are not those of the install, and touches nothing", async () => {
      const before = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
      const dropIn = join(drafts, "drop-in.toml")
      await writeFile(dropIn, 'version = 2\n[debug]\nlevel = "debug"\n')
      const outcome = await Program.kataDeploy(host(), Program.beside, {
        ...call("snapshotter", "set-mode", "host-share", "qemu", "--apply"),
        env: { ...guestPull, CONTAINERD_USER_DROP_IN_SOURCE_FILE: dropIn },
      })
      expect(outcome.code, told(outcome)).toBe(3)
      expect(outcome.stderr.replace(/\s+/g, " ")).toContain("would also change what has nothing to do with")
      expect(await Program.mainPid(host())).toBe(before.pid)
      expect(differences(before.tree, await Program.trees(host()), { identity: "files" })).toEqual([])
    })

    test("is what the real containerd does after one restart, beside the other mode", async () => {
      const before = await Program.mainPid(host())
      await succeeds("snapshotter", "set-mode", "host-share", "qemu", "--apply")
      expect(await Program.mainPid(host())).not.toBe(before)
      expect(await snapshotterOf("kata-qemu")).toBe(hs)
      expect(await snapshotterOf("kata-clh")).not.toBe(hs)
      expect(await Program.loaded(host())).toEqual([...ownHandlers, ...Program.handlers].sort())
      expect([await isActive(tee), await isActive(hs)]).toEqual([true, true])
      const { stdout } = await succeeds("status", "--output=json")
      expect(JSON.parse(stdout)).toMatchObject({
        instances: [{ drift: [], modes: [{ shim: "qemu", mode: "host-share" }] }],
      })
    })

    test("is kept by an install with the settings as they were, which changes nothing", async () => {
      const before = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
      const { stdout } = await succeeds("install", "--once")
      expect(stdout).toContain("as set-mode recorded on this node")
      expect(await Program.mainPid(host())).toBe(before.pid)
      expect(differences(before.tree, await Program.trees(host()), { identity: "files" })).toEqual([])
    })

    test("gives way to settings that change, and says so", async () => {
      const env = { ...guestPull, [`SNAPSHOTTER_HANDLER_MAPPING_${suffix}`]: "qemu:overlayfs" }
      const outcome = await Program.kataDeploy(host(), Program.pod, { ...call("install", "--once"), env })
      expect(outcome.code, told(outcome)).toBe(0)
      expect(outcome.stdout.replace(/\s+/g, " ")).toMatch(/now say the snapshotter overlayfs .* and they win/)
      expect(await snapshotterOf("kata-qemu")).toBe("overlayfs")
      expect(await recorded()).toBeUndefined()
      expect([await isActive(tee), await isActive(hs)]).toEqual([true, false])
    })

    test("leaves nothing when it is all cleaned up", async () => {
      await succeeds("install", "--once")
      await succeeds("snapshotter", "set-mode", "host-share", "qemu", "--apply")
      await succeeds("cleanup")
      expect(await Program.loaded(host())).toEqual(ownHandlers)
      expect(differences(untouched, await Program.trees(host()))).toEqual([])
    })
  },
  { folders: [artifacts.dir], suites: ["sid"] },
)

afterAll(() => artifacts[Symbol.asyncDispose]())
