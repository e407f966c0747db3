/** What is said on bad days of a real systemd, and is a host that was repaired brought up again? */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { HostShell } from "@kata-deploy/core"
import { afterEach, describe, expect, test } from "vitest"
import { onHosts, type HostOf } from "./Hosts.ts"
import { act, places } from "./Places.ts"

const [pod, beside] = places as [(typeof places)[number], (typeof places)[number]]

const config = "/etc/containerd/config.toml"

const breakContainerd = (host: HostOf): void =>
  writeFileSync(join(host().root, config), 'version = 2\n[plugins\n"not TOML"\n')

const repairContainerd = (host: HostOf): void => writeFileSync(join(host().root, config), "version = 2\n")

await onHosts("a bad day", (host) => {
  afterEach(async () => {
    repairContainerd(host)
    await host().exec(["systemctl", "reset-failed", "containerd"])
    await host().mustExec(["systemctl", "restart", "containerd"])
  })

  test("a configuration that containerd refuses fails the restart, and the log says why", async () => {
    breakContainerd(host)
    const restart = await act(host(), pod, "restart", "containerd")
    expect(restart).toMatchObject({ ok: false })
    expect(restart.said).toMatch(
      /^Could not restart containerd\.service: .*see journalctl -u containerd\.service$/,
    )
    const run = (await act(host(), pod, "run", "containerd")).said as { readonly value: HostShell.UnitRun }
    expect(run.value.mainPid).toBeUndefined()
    expect(["activating", "failed"]).toContain(run.value.state)
    const log = await act(host(), beside, "log", "containerd")
    expect(JSON.stringify(log.said)).toMatch(/failed to (load|unmarshal) TOML/)
    const unseen = await act(host(), pod, "log", "containerd")
    expect(unseen.said).toMatchObject({ _tag: "Unknown", how: "out-of-sight" })
  })

  test("a start limit that was hit does not keep a repaired containerd down", async () => {
    breakContainerd(host)
    for (let times = 0; times < 8; times++) await host().exec(["systemctl", "restart", "containerd"])
    repairContainerd(host)
    const byHand = await host().exec(["systemctl", "restart", "containerd"])
    expect(byHand.code, "systemd still refuses; else this test proves nothing").toBe(1)
    expect(await act(host(), pod, "restart", "containerd")).toMatchObject({ ok: true })
    expect(await act(host(), pod, "await", "containerd")).toMatchObject({ ok: true })
  })

  test("a unit that somebody masked says so, and who can help", async () => {
    await host().mustExec(["systemctl", "stop", "containerd"])
    await host().mustExec(["systemctl", "mask", "containerd"])
    const restart = await act(host(), pod, "restart", "containerd")
    await host().mustExec(["systemctl", "unmask", "containerd"])
    expect(restart.ok).toBe(false)
    expect(restart.said).toMatch(/containerd\.service is masked; .*systemctl unmask/)
  })

  describe("the node lock, while another program of the host holds it", () => {
    const held = async (body: () => Promise<void>): Promise<void> => {
      const args = [`--target=${host().initPid}`, "--all", "--", "flock", "/run/lock/kata-deploy.lock", "cat"]
      const other = spawn("nsenter", args, { stdio: ["pipe", "pipe", "inherit"] })
      other.stdin.write("held")
      await once(other.stdout, "data")
      try {
        await body()
      } finally {
        const ended = once(other, "exit")
        other.stdin.end()
        await ended
      }
    }

    test("is not had, and its holder is named where it can be seen", async () => {
      await held(async () => {
        const fromPod = await act(host(), pod, "lock")
        expect(fromPod.said).toMatch(
          /^Could not take the node lock, which somebody who cannot be seen from here holds,/,
        )
        const fromBeside = await act(host(), beside, "lock")
        expect(fromBeside.said).toMatch(/^Could not take the node lock, which \S+ \(process \d+\) holds,/)
      })
      expect(await act(host(), pod, "lock")).toMatchObject({ ok: true })
    })
  })
})

await onHosts(
  "a systemd that hangs",
  (host) => {
    test("is not waited for without end, and is named with what to look at", async () => {
      process.kill(host().initPid, "SIGSTOP")
      const run = await act(host(), pod, "run", "containerd").finally(() =>
        process.kill(host().initPid, "SIGCONT"),
      )
      expect(run.route).toMatch(/private socket .*no answer within 10 s; .*systemctl is-system-running/)
      expect(run.said).toMatchObject({ _tag: "Unknown", how: "failed" })
      rmSync(join(host().root, "run/systemd/private"))
      const gone = await act(host(), beside, "run", "containerd")
      expect(gone.route).toMatch(/^the system bus .*private is not there$/)
      expect(gone.said).toMatchObject({ value: { state: "active" } })
    })
  },
  { suites: ["bookworm"] },
)
