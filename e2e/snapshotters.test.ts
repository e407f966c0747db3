/**
 * Does containerd start with what is rendered for nydus in both ways at once, and does it go on when neither of them
 * listens? The files are those of `fixtures/hosts`, as an install leaves them.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { expect, test } from "vitest"
import { onContainerd } from "./Conditions.ts"
import { criStatus } from "./containerd/Cri.ts"
import * as Running from "./containerd/Running.ts"

const hosts = join(import.meta.dirname, "../fixtures/hosts")

/** The main config of 1.x, and the drop-in of 2.x, which can stand alone. */
const rendered = (major: number): Promise<string> =>
  readFile(
    major >= 2
      ? join(
          hosts,
          "vanilla-containerd-2.1-nydus/expected/root/opt/kata/containerd/config.d/kata-deploy.toml",
        )
      : join(hosts, "vanilla-containerd-1.7-nydus/expected/root/etc/containerd/config.toml"),
    "utf8",
  )

onContainerd(["1", "2"], "nydus in both ways", (release) => {
  test("is known to a containerd whose CRI serves, although nobody listens at its sockets", async () => {
    const daemon = await Running.start(release, await rendered(release.major))
    try {
      const plugins = await daemon.ctr("plugins", "ls")
      for (const name of ["nydus-for-kata-tee", "nydus-for-kata-hs"])
        expect(plugins).toMatch(new RegExp(`snapshotter\\.v1\\s+${name}\\s.*\\sok`))
      const cri = await criStatus(daemon.socket, 10_000)
      expect(cri.loaded).toBe(true)
      // containerd 1.6 has no snapshotter of a handler's own; a mapping is refused there.
      const none = release.version.startsWith("1.6.")
      const of = (handler: string) => (cri.loaded ? cri.handlers[handler]?.snapshotter : undefined)
      expect(of("kata-qemu")).toBe(none ? "" : "nydus-for-kata-tee")
      expect(of("kata-clh")).toBe(none ? "" : "nydus-for-kata-hs")
    } finally {
      await daemon.end()
    }
  })
})
