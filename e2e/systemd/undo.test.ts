/**
 * Is a configuration taken back with which containerd does not come up, or comes up without its CRI? On real hosts, with
 * a container that runs all the time.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import type { Outcome } from "../Command.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"

/** Drop-ins of an operator that do harm which no look at the files foretells. */
const dropIns = {
  "does not start": 'version = 2\nrequired_plugins = ["io.containerd.nothing.v1.here"]\n',
  "has no CRI":
    'version = 2\n[plugins."io.containerd.snapshotter.v1.overlayfs"]\nroot_path = "/dev/null/x"\n',
  "has no CRI, foreseen":
    'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd]\ndefault_runtime_name = "nope"\n',
  "does not start, foreseen":
    'version = 2\n[plugins."io.containerd.grpc.v1.cri"]\nenable_selinux = "maybe"\n',
}

const config = "/etc/containerd/config.toml"

await onHosts(
  "a configuration that containerd cannot live with",
  (host) => {
    /**
     * Only 2.x takes drop-ins. To an older one we come with them when it was declared to be one that does, which is a
     * mistake that operators make, and by itself keeps its CRI from loading. One that runs is asked, so it is stopped.
     */
    const declared = { CONTAINER_RUNTIME_VERSION: "containerd://2.1.9" }
    let folder: string
    let untouched: TreeSnapshot
    let container: number | undefined

    const kataDeploy = (...args: ReadonlyArray<string>): Promise<Outcome> =>
      Program.kataDeploy(host(), Program.beside, { args, env: declared })
    const withDropIn = async (
      kind: keyof typeof dropIns,
      ...args: ReadonlyArray<string>
    ): Promise<Outcome> => {
      const file = join(folder, "drop-in.toml")
      await writeFile(file, dropIns[kind])
      return kataDeploy(`--containerd-user-drop-in-source-file=${file}`, "install", "--once", ...args)
    }
    /** Whether the declared version is that of another generation. */
    const isDeclaredWrongly = (): boolean => host().containerd.major < 2
    /** An install of which the declared version is believed. */
    const unasked = async (install: () => Promise<Outcome>): Promise<Outcome> => {
      if (isDeclaredWrongly()) await host().exec(["systemctl", "stop", "containerd"])
      return install()
    }
    const configuration = (): Promise<string> => readFile(join(host().root, config), "utf8")
    /** What every failed install has to leave. */
    const isAsBefore = async (): Promise<void> => {
      expect(await Program.isActive(host())).toBe(true)
      expect(await Program.loaded(host())).toEqual(expect.not.arrayContaining(Program.handlers))
      expect(await Program.containerPid(host(), "survivor")).toBe(container)
      const etc = (tree: TreeSnapshot): TreeSnapshot =>
        new Map([...tree].filter(([path]) => path.startsWith("/etc")))
      expect(differences(etc(untouched), etc(await Program.trees(host())))).toEqual([])
    }

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), "kd-drop-in-"))
      await Program.startContainer(host(), "survivor")
      container = await Program.containerPid(host(), "survivor")
      untouched = await Program.trees(host())
    })
    afterAll(() => rm(folder, { recursive: true, force: true }))
    afterEach(async () => {
      await kataDeploy("cleanup")
      await host().exec(["systemctl", "reset-failed", "containerd"])
    })

    test("one with which it does not start is taken back within a minute, and the log is quoted", async () => {
      const outcome = await unasked(() => withDropIn("does not start"))
      expect(outcome.code, told(outcome)).toBe(1)
      expect(outcome.milliseconds).toBeLessThan(60_000)
      expect(outcome.stderr.replace(/\s+/g, " ")).toMatch(
        /Could not restart containerd\.service: .* Its log says: .*required plugin \[io\.containerd\.nothing\.v1\.here\] not included/,
      )
      await isAsBefore()
    })

    test("one with which its CRI is not loaded is taken back within a minute, and the log is quoted", async () => {
      const outcome = await unasked(() =>
        isDeclaredWrongly() ? kataDeploy("install", "--once") : withDropIn("has no CRI"),
      )
      expect(outcome.code, told(outcome)).toBe(1)
      expect(outcome.milliseconds).toBeLessThan(60_000)
      expect(outcome.stderr.replace(/\s+/g, " ")).toMatch(
        isDeclaredWrongly()
          ? /answers, but its CRI is not loaded: .* Its log says: .*default_runtime_name = "runc"/
          : /answers, but its CRI is not loaded: .* Its log says: .*mkdir \/dev\/null: not a directory/,
      )
      await isAsBefore()
    })

    test("with --rollback never it stays, and rollback by hand brings the former bytes", async () => {
      const before = await configuration()
      const outcome = await unasked(() => withDropIn("does not start", "--rollback=never"))
      expect(outcome.code, told(outcome)).toBe(6)
      expect(outcome.stdout.replace(/\s+/g, " ")).toContain("kept as --rollback never asks")
      expect(await configuration()).not.toBe(before)
      expect(await Program.isActive(host())).toBe(false)
      const back = await kataDeploy("rollback")
      expect(back.code, told(back)).toBe(0)
      expect(await configuration()).toBe(before)
      await isAsBefore()
    })

    test("a restart that fails at the end of a cleanup is left to the next one, which then leaves nothing", async () => {
      const act = (...args: ReadonlyArray<string>) => Program.kataDeploy(host(), Program.beside, { args })
      const whole = await Program.trees(host())
      expect((await act("install", "--once")).code).toBe(0)
      const pid = await Program.mainPid(host())
      await host().exec(["systemctl", "mask", "--runtime", "containerd"])
      const failed = await act("cleanup").finally(() =>
        host().exec(["systemctl", "unmask", "--runtime", "containerd"]),
      )
      expect(failed.code, told(failed)).toBe(1)
      expect(await Program.mainPid(host())).toBe(pid)
      const status = JSON.parse((await act("--output=json", "status")).stdout) as object
      expect(status).toMatchObject({ instances: [{ handlers: { written: [] }, restartDue: true }] })
      const again = await act("cleanup")
      expect(again.code, told(again)).toBe(0)
      expect(await Program.mainPid(host())).not.toBe(pid)
      expect(await Program.loaded(host())).toEqual(expect.not.arrayContaining(Program.handlers))
      expect(differences(whole, await Program.trees(host()))).toEqual([])
    })

    describe("where it can be foreseen", () => {
      test("one of another generation than the daemon's own word is refused, and containerd is left alone", async () => {
        const pid = await Program.mainPid(host())
        const outcome = await kataDeploy("install", "--once")
        expect(outcome.code, told(outcome)).toBe(isDeclaredWrongly() ? 3 : 0)
        if (!isDeclaredWrongly()) return
        expect(outcome.stderr).toContain(`containerd ${host().containerd.version}`)
        expect(await Program.mainPid(host())).toBe(pid)
        await isAsBefore()
      })

      for (const kind of ["does not start, foreseen", "has no CRI, foreseen"] as const)
        test(`one with which it ${kind.split(",")[0]} is refused, and containerd is left alone`, async () => {
          const pid = await Program.mainPid(host())
          const outcome = await withDropIn(kind)
          expect(outcome.code, told(outcome)).toBe(3)
          expect(outcome.stderr).toContain("it is as it was")
          expect(outcome.stderr).toContain("zz-kata-deploy-user.toml")
          expect(await Program.mainPid(host())).toBe(pid)
          await isAsBefore()
        })
    })
  },
  { folders: [inject("artifactsFolder")] },
)
