/**
 * What does a pod know of the filesystem that layers of erofs go to? What a probe file says where containerd's root is
 * mounted, and that it does not know where it is out of sight; on a running host, which a plan leaves alone.
 */
import { copyFile, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, inject, test } from "vitest"
import { told } from "../cli.ts"
import { notRun } from "../Conditions.ts"
import * as ErofsUtils from "../containerd/ErofsUtils.ts"
import { onHosts } from "./Hosts.ts"
import { kataDeploy, mainPid, pod } from "./Program.ts"
import type { SystemdHost } from "./SystemdHost.ts"

const utils = await ErofsUtils.obtain("sid")

/** Plans for a containerd that has the snapshotter; the one that runs here has not, and is out of sight and never told. */
const planned = async (host: SystemdHost): Promise<string> => {
  const outcome = await kataDeploy(host, pod, {
    args: ["plan", "--output=json", "--systemd=none"],
    env: { EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs", CONTAINER_RUNTIME_VERSION: "containerd://2.2.9" },
    mounts: [["/srv", "/run/containerd"]],
  })
  expect(outcome.code, told(outcome)).toBe(0)
  return outcome.stdout
}

if ("notRun" in utils) notRun("a pod that plans for erofs", utils.notRun)
else
  await onHosts(
    "a pod that plans for erofs",
    (host) => {
      test("tries a probe file below containerd's root, and says so where that is out of sight", async () => {
        const { root } = host()
        await copyFile(utils.mkfs, join(root, "usr/bin/mkfs.erofs"))
        const running = await mainPid(host())
        const seen = await planned(host())
        expect(seen).toContain("set_immutable = true")
        expect(seen).not.toContain("set_immutable stays off")
        const config = join(root, "etc/containerd/config.toml")
        const text = await readFile(config, "utf8")
        await writeFile(config, `root = "/srv/layers"\n${text}`)
        const hidden = await planned(host())
        await writeFile(config, text)
        expect(hidden).toContain("set_immutable = false")
        expect(hidden).toMatch(/set_immutable stays off[^"]*\/srv\/layers[^"]*not mounted/)
        expect(await mainPid(host())).toBe(running)
      })
    },
    { suites: ["sid"], folders: [inject("artifactsFolder")] },
  )
