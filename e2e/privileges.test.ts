/**
 * What happens when the system says no: no permission, no space? Such nodes can only be made by root.
 */
import { spawnSync } from "node:child_process"
import { chmod, chown, mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { describe, expect, onTestFinished } from "vitest"
import { kataDeploy, launcher, told, type Setting } from "./cli.ts"
import { must, run } from "./Command.ts"
import { asRoot, notRun, sharedArtifacts } from "./Conditions.ts"
import { makeArtifacts, type ArtifactOptions } from "./hostTree/Artifacts.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { below, differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectReadable, expectRefused, type Refusal } from "./Refusal.ts"

const install = ["install", "--once"]

const asNobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]

const on = (host: SampleHost, change: Partial<Setting> = {}): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims: ["qemu"],
  ...change,
})

/** `-h`: a link's target is a path of this machine, whose owner is nobody's business. */
const giveAway = (host: SampleHost) => must("chown", ["-hR", "65534:65534", host.dir])

/** A checkout below a private home cannot be read by another user; then there is nobody to ask. */
const checkoutIsClosed =
  process.getuid?.() === 0 &&
  spawnSync(asNobody[0]!, [...asNobody.slice(1), "test", "-r", launcher]).status !== 0

const unprivileged = (): void => {
  asRoot("is told which path of root's cannot be written, before anything is", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await chmod(host.at(host.config), 0o644)
    await expectRefused(on(host, { through: asNobody }), install, {
      code: 3,
      says: [/\/opt\b/, /may not|permission/i, "--host-root"],
    })
  })

  asRoot("is told that the main configuration cannot be read", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await giveAway(host)
    await chown(host.at(host.config), 0, 0)
    await chmod(host.at(host.config), 0o600)
    await expectRefused(on(host, { through: asNobody }), install, { code: 3, says: [host.config] })
  })

  asRoot("can install into a tree of its own and take it away again", async () => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await giveAway(host)
    const before = await snapshot(host.dir)
    for (const args of [install, ["cleanup"]]) {
      const outcome = await kataDeploy(on(host, { through: asNobody }), ...args)
      expect(outcome.code, told(outcome)).toBe(0)
      const shim = below(await snapshot(host.dir), "/opt/kata/bin/containerd-shim-kata-v2")
      expect(shim.size).toBe(args === install ? 1 : 0)
    }
    expect(differences(before, await snapshot(host.dir))).toEqual([])
  })

  asRoot("has to name a tree: the machine itself is root's", async () => {
    const program = [...asNobody.slice(1), launcher, "install", "--once", "--kube=none", "--systemd=none"]
    const outcome = await run(asNobody[0]!, program)
    expectReadable(outcome, { code: 3, says: [/root/i, "--host-root"] })
  })
}

describe("an unprivileged user", () => {
  if (checkoutIsClosed) notRun("all of it", "this checkout cannot be read by another user")
  else unprivileged()
})

describe("a disk that is full", () => {
  /**
   * Runs an install on a tree whose `/opt` is a small file system of its own, in a mount namespace that takes the mount
   * away with it, and hands out what was left in there.
   */
  const onSmallDisk = async (
    mountOptions: string,
    artifacts: ArtifactOptions,
    refusal: Refusal,
  ): Promise<void> => {
    await using host = await vanilla("2.1.9", { schema: 3 })
    await using archives = await makeArtifacts(artifacts)
    const left = await mkdtemp(join(tmpdir(), "kd-left-"))
    onTestFinished(() => rm(left, { recursive: true, force: true }))
    await chmod(left, 0o755)
    const script = `
      mount -t tmpfs -o mode=0755,${mountOptions} tmpfs "$1/opt"
      mkdir "$1/opt/vendor"; echo keep > "$1/opt/vendor/file"
      left=$2; opt=$1/opt; shift 2
      "$@"; code=$?
      cp -a "$opt/." "$left/"
      exit $code`
    const through = ["unshare", "--mount", "--propagation=private", "sh", "-c", script, "sh", host.dir, left]
    const before = await snapshot(host.dir)
    const outcome = await kataDeploy(on(host, { artifacts: archives, through }), ...install)
    expectReadable(outcome, refusal)
    expect(differences(before, await snapshot(host.dir)), "the tree around the small disk").toEqual([])
    const expected = await mkdtemp(join(tmpdir(), "kd-left-"))
    onTestFinished(() => rm(expected, { recursive: true, force: true }))
    await mkdir(join(expected, "vendor"))
    await must("sh", ["-c", 'chmod 0755 "$1"; echo keep > "$1/vendor/file"', "sh", expected])
    expect(differences(await snapshot(expected), await snapshot(left)), "the small disk").toEqual([])
  }

  asRoot("is noticed before the first write where the archives tell their size", () =>
    onSmallDisk("size=4m", { sizes: "known", bulk: 12_000_000 }, { code: 3, says: ["/opt", /space/i] }),
  )

  asRoot("is undone where it was noticed too late", () =>
    // Five times the packed size is there, the unpacked bytes are not.
    onSmallDisk("size=10m", { bulk: 12_000_000 }, { code: 1, says: [/space|ENOSPC/i] }),
  )

  asRoot("of file entries is undone too", () =>
    onSmallDisk("size=64m,nr_inodes=24", {}, { code: 1, says: [/space|ENOSPC/i] }),
  )
})
