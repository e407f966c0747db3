/**
 * What if the installer is killed by the restart that it asked for, or somebody else is at work at the same time? On real
 * hosts: one restart is enough, and whoever comes second finds one of the two clean states.
 */
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises"
import { afterEach, beforeAll, expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import type { Outcome } from "../Command.ts"
import { differences, type TreeSnapshot } from "../hostTree/TreeSnapshot.ts"
import { onHosts } from "./Hosts.ts"
import * as Program from "./Program.ts"
import type { SystemdHost } from "./SystemdHost.ts"

const { beside, outside, pod } = Program

/** Resolves as soon as a process of the host is gone. */
const isGone = async (host: SystemdHost, pid: number): Promise<void> => {
  while (existsSync(join(host.root, "proc", String(pid)))) await turn()
}

/** Resolves when containerd is up with its CRI. */
const isUp = async (host: SystemdHost): Promise<void> => {
  for (let tries = 0; ; tries++) {
    try {
      if (await Program.isActive(host)) {
        await Program.loaded(host)
        return
      }
    } catch (error) {
      if (tries > 100) throw error
    }
    await pause(100)
  }
}

await onHosts(
  "an install that is disturbed",
  (host) => {
    let untouched: TreeSnapshot
    let ownHandlers: ReadonlyArray<string>
    const kataDeploy = (...args: ReadonlyArray<string>): Promise<Outcome> =>
      Program.kataDeploy(host(), outside, { args })

    const clean = { drift: [], restartDue: false, journal: null }
    const status = async (): Promise<unknown> => {
      const outcome = await kataDeploy("--output=json", "status")
      return (JSON.parse(outcome.stdout) as { readonly instances: unknown }).instances
    }

    beforeAll(async () => {
      // A pod has it mounted, which makes it.
      await host().mustExec(["mkdir", "-p", "/opt/kata"])
      untouched = await Program.trees(host())
      ownHandlers = await Program.loaded(host())
    })
    afterEach(async () => {
      const cleaned = await kataDeploy("cleanup")
      await host().exec(["systemctl", "reset-failed", "containerd"])
      expect(cleaned.code, told(cleaned)).toBe(0)
      expect(differences(untouched, await Program.trees(host()))).toEqual([])
      expect(await Program.loaded(host())).toEqual(ownHandlers)
    })

    test("the installer that is killed as containerd goes down is followed by one that needs no restart", async () => {
      const before = await Program.mainPid(host())
      const installer = await Program.start(host(), outside, { args: ["install", "--once"] })
      await isGone(host(), before)
      installer.child.kill("SIGKILL")
      expect(await installer.ended, installer.stderr()).toEqual({ status: null, signal: "SIGKILL" })
      await isUp(host())
      const restarted = await Program.mainPid(host())
      expect(restarted).not.toBe(before)

      const next = await kataDeploy("install", "--once")
      expect(next.code, told(next)).toBe(0)
      expect(await Program.mainPid(host()), told(next)).toBe(restarted)
      expect(await Program.loaded(host())).toEqual([...ownHandlers, ...Program.handlers].sort())
      expect(await status()).toEqual([expect.objectContaining(clean)])
    })

    test("an install and a cleanup at the same time end in one of the two clean states", async () => {
      const alone = await kataDeploy("install", "--once")
      expect(alone.code, told(alone)).toBe(0)
      const installed = await Program.trees(host())
      const [install, cleanup] = await Promise.all([
        kataDeploy("install", "--once"),
        Program.kataDeploy(host(), pod, { args: ["cleanup"] }),
      ])
      expect(install.code, told(install)).toBe(0)
      expect(cleanup.code, told(cleanup)).toBe(0)
      const after = await Program.trees(host())
      const served = await Program.loaded(host())
      const isInstalled = served.length > ownHandlers.length
      expect(served).toEqual(isInstalled ? [...ownHandlers, ...Program.handlers].sort() : ownHandlers)
      // Both say since when containerd runs.
      const records = ["ledger.json", "journal/cri.json"].map((name) => `/opt/kata/.kata-deploy/${name}`)
      expect(await status()).toEqual(isInstalled ? [expect.objectContaining(clean)] : [])
      expect(
        isInstalled ? differences(installed, after, { ignore: records }) : differences(untouched, after),
      ).toEqual([])
    })

    test("the one that has to wait too long names who holds the lock, and changes nothing", async () => {
      const first = await Program.start(host(), beside, { args: ["install", "--once"] })
      await first.said(/Stage host-check is done/)
      const second = await Program.kataDeploy(host(), beside, { args: ["cleanup", "--lock-timeout=0"] })
      expect(second.code, told(second)).toBe(1)
      expect(second.stderr.replace(/\s+/g, " ")).toMatch(/node lock, which \S.* \(process \d+\) holds/)
      expect((await first.ended).status, first.stderr()).toBe(0)
    })
  },
  { folders: [inject("artifactsFolder")], suites: ["trixie", "sid"] },
)
