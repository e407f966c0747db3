/**
 * Does a pod sandbox start on a real host before an install, after it and after a cleanup, as a kubelet asks for it? With
 * the host's own runtime, and under our handler, whose shim a stand-in is for.
 */
import { symlink, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { told } from "../cli.ts"
import type { Outcome } from "../Command.ts"
import * as StandIn from "../containerd/StandIn.ts"
import { makeArtifacts } from "../hostTree/Artifacts.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"
import * as Sandboxes from "./Sandboxes.ts"

const artifacts = await makeArtifacts({ shim: StandIn.script })
afterAll(() => artifacts[Symbol.asyncDispose]())

const shim = "/opt/kata/bin/containerd-shim-kata-v2"

await onHosts(
  "a pod sandbox",
  (host) => {
    /** Those on the host's own runtime. */
    const running: Array<string> = []
    let untouched: TreeSnapshot
    let ours: string

    const kataDeploy = (...args: ReadonlyArray<string>): Promise<Outcome> =>
      Program.kataDeploy(host(), Program.pod, { args, artifacts: artifacts.dir })
    const start = (name: string, handler: string): Promise<string> =>
      Sandboxes.criOf(host()).run("default", name, handler)
    /** Starts one on the host's own runtime; it has a process. */
    const runs = async (name: string, handler: "" | "runc"): Promise<void> => {
      const id = await start(name, handler)
      running.push(id)
      expect(await Sandboxes.processOf(host(), id)).toBeDefined()
    }
    const noSuchHandler = async (): Promise<void> => {
      await expect(start("nobody", "kata-qemu")).rejects.toThrow(/no runtime for "kata-qemu" is configured/)
    }

    beforeAll(async () => {
      await Sandboxes.prepare(host())
      await host().mustExec(["mkdir", "-p", "/opt/kata"])
      untouched = await Program.trees(host())
    })

    test("runs on the host's own runtime before an install, and ours is nobody's", async () => {
      await runs("a", "")
      await runs("b", "runc")
      await noSuchHandler()
    })

    describe("after an install", () => {
      beforeAll(async () => {
        const installed = await kataDeploy("install", "--once")
        expect(installed.code, told(installed)).toBe(0)
      })

      test("those that ran still run, and new ones start", async () => {
        for (const id of running) expect(await Sandboxes.processOf(host(), id)).toBeDefined()
        await runs("c", "")
        await runs("d", "runc")
      })

      test("one under our handler is made by our shim, which is told our configuration", async () => {
        // What the program advises for 1.6, which looks for shims by name only.
        const byName = "/usr/local/bin/containerd-shim-kata-qemu-v2"
        const isOld = host().containerd.minor === 6
        if (isOld) {
          await expect(start("unseen", "kata-qemu")).rejects.toThrow(/containerd-shim-kata-qemu-v2/)
          await symlink(shim, join(host().root, byName))
        }
        ours = await start("ours", "kata-qemu")
        expect(await Sandboxes.processOf(host(), ours)).toBeDefined()
        const [asked, ...more] = StandIn.asked(host().root)
        expect(more).toEqual([])
        expect(asked?.program).toBe(isOld ? byName : shim)
        expect(asked?.options).toContain("/opt/kata/share/defaults/kata-containers/")
        expect(asked?.options).toContain("configuration-qemu.toml")
      })
    })

    test("one under our handler goes on through an install that replaces files, which names it", async () => {
      await writeFile(join(host().root, "/opt/kata/libexec/virtiofsd"), "patched")
      const again = await kataDeploy("install", "--once")
      expect(again.code, told(again)).toBe(0)
      expect(again.stdout.replace(/\s+/g, " ")).toContain(
        `/opt/kata is in use by sandbox ${ours} of pod default/ours (kata-qemu). What runs goes on`,
      )
      expect(await Sandboxes.processOf(host(), ours)).toBeDefined()
    })

    test("one under our handler keeps a cleanup from taking its files away", async () => {
      const before = { pid: await Program.mainPid(host()), tree: await Program.trees(host()) }
      const refused = await kataDeploy("cleanup")
      expect(refused.code, told(refused)).toBe(5)
      expect(refused.stderr.replace(/\s+/g, " ")).toContain(
        `/opt/kata is in use by sandbox ${ours} of pod default/ours (kata-qemu)`,
      )
      expect(await Program.mainPid(host())).toBe(before.pid)
      expect(differences(before.tree, await Program.trees(host()))).toEqual([])
      expect(await Sandboxes.processOf(host(), ours)).toBeDefined()
    })

    test("after a cleanup those on the host's own runtime still run, new ones start, and ours is nobody's", async () => {
      await Sandboxes.criOf(host()).remove(ours)
      const cleaned = await kataDeploy("cleanup")
      expect(cleaned.code, told(cleaned)).toBe(0)
      expect(differences(untouched, await Program.trees(host()))).toEqual([])
      await noSuchHandler()
      await runs("e", "")
      await runs("f", "runc")
      const seen = await Sandboxes.running(host())
      expect(seen.map(({ id }) => id).sort()).toEqual([...running].sort())
      await Promise.all(running.map((id) => Sandboxes.criOf(host()).remove(id)))
      expect(await Sandboxes.running(host())).toEqual([])
    })
  },
  { folders: [artifacts.dir] },
)
