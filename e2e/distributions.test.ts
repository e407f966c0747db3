/**
 * Does the round trip hold on every distribution? Each keeps containerd's files in a place of its own and reads them in a
 * way of its own; install followed by cleanup has to give the same tree on all of them.
 */
import { parse } from "smol-toml"
import { describe, expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { onContainerd, sharedArtifacts } from "./Conditions.ts"
import { evidence, expectServed, handlersOf, type Evidence } from "./containerd/Evidence.ts"
import type { Release } from "./containerd/Releases.ts"
import { fillIn, k0s, microk8s } from "./hostTree/Bundled.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { below, differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

const shims = ["qemu", "clh", "qemu-runtime-rs"]

/** Installs, lets `look` see the node, cleans up, and expects the tree to be what it was. */
const roundTrip = async (host: SampleHost, look: () => Promise<void>): Promise<void> => {
  const setting: Setting = { host, artifacts: sharedArtifacts(), shims }
  const before = await snapshot(host.dir)
  const installed = await kataDeploy(setting, "install", "--once")
  expect(installed.code, told(installed)).toBe(0)
  await look()
  const cleaned = await kataDeploy(setting, "cleanup")
  expect(cleaned.code, told(cleaned)).toBe(0)
  expect(differences(before, await snapshot(host.dir))).toEqual([])
}

/** Our one drop-in in the folder of the distribution, parsed. */
const dropInOf = async (host: SampleHost): Promise<Record<string, unknown>> => {
  const files = [...below(await snapshot(host.dir), host.dropIns!).keys()].slice(1)
  expect(files).toEqual([`${host.dropIns}/kata-deploy.toml`])
  return parse(await host.read(files[0]!))
}

onContainerd(["1.6", "1.7", "2", "2.3+"], "k3s and RKE2", (release) => {
  for (const product of ["k3s", "rke2"] as const) {
    test(`${product} serves our handlers beside its own, and gets its tree back`, async () => {
      await using host = await rancher(product, release.version)
      const before = await evidence(release, host)
      await roundTrip(host, async () => {
        expect(await dropInOf(host)).not.toHaveProperty("version")
        expectServed(await evidence(release, host), handlersOf(shims), before)
      })
    })
  }

  test("k3s renders its file anew before a second install, which then repeats the new one", async () => {
    await using host = await rancher("k3s", release.version)
    await roundTrip(host, async () => {
      const text = await host.read(host.config)
      await host.write(host.config, text.replace("mirrored-pause:3.6", "mirrored-pause:3.10"))
      const again = await kataDeploy({ host, artifacts: sharedArtifacts(), shims }, "install", "--once")
      expect(again.code, told(again)).toBe(0)
      const { ownCri, ownSettings, written } = await evidence(release, host)
      expect(written).toEqual(expect.arrayContaining([...handlersOf(shims), "runc"]))
      expect(JSON.stringify([ownCri, ownSettings])).toContain("mirrored-pause:3.10")
      expect(JSON.stringify([ownCri, ownSettings])).not.toContain("mirrored-pause:3.6")
      await host.write(host.config, text)
    })
  })
})

onContainerd(["2", "2.3+"], "k0s", (release) => {
  test("gets a drop-in of its own schema in containerd.d, and its tree back", async () => {
    await using host = await k0s(release.version)
    const before = await evidence(release, host)
    await roundTrip(host, async () => expectServed(await evidence(release, host), handlersOf(shims), before))
  })
})

describe("k0s with containerd 1.7", () => {
  test("gets a drop-in of schema 2 in containerd.d, and its tree back", async () => {
    await using host = await k0s("1.7.24")
    await roundTrip(host, async () => {
      const dropIn = await dropInOf(host)
      expect(dropIn).not.toHaveProperty("version")
      expect(dropIn).toHaveProperty([
        "plugins",
        "io.containerd.grpc.v1.cri",
        "containerd",
        "runtimes",
        "kata-qemu",
      ])
    })
  })
})

onContainerd(["1.7", "2"], "microk8s", (release: Release) => {
  /** Evidence on what the snap renders from the template as it is now. */
  const afterRendering = async (host: SampleHost): Promise<Evidence> => {
    const config = "/var/snap/microk8s/7229/args/containerd.toml"
    await using view = await microk8s(release.version)
    const template = await host.read(host.config)
    await view.write(config, fillIn(template))
    for (const [path] of below(await snapshot(host.dir), "/opt/kata/containerd")) {
      if (path.endsWith(".toml")) await view.write(path, await host.read(path))
    }
    // Awaited here: the view is gone when this function returns.
    return await evidence(release, view, config)
  }

  test("serves our handlers from its template, and gets the template back", async () => {
    await using host = await microk8s(release.version)
    const before = await afterRendering(host)
    await roundTrip(host, async () => expectServed(await afterRendering(host), handlersOf(shims), before))
  })
})

onContainerd(
  ["1.6", "1.7", "2", "2.2", "2.3+"],
  "a main file that names no handler, not even runc",
  (release) => {
    test("gets our handlers beside the built-in runc, and its tree back", async () => {
      await using host = await vanilla(release.version, { schema: 2 })
      await host.write("/etc/containerd/config.toml", "version = 2\n")
      const before = await evidence(release, host)
      await roundTrip(host, async () => {
        const now = await evidence(release, host)
        expect(Object.keys(now.served).sort()).toEqual([...handlersOf(shims), "runc"].sort())
        // On 1.x runc has to be written out, which need not repeat its defaults.
        const [is, was] = [now.served["runc"], before.served["runc"]]
        expect(is?.runtimeType).toBe(was?.runtimeType)
        expect(is?.options["SystemdCgroup"] ?? false).toBe(was?.options["SystemdCgroup"] ?? false)
      })
    })
  },
)
