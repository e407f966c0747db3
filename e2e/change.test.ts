/**
 * What happens when something changes between two installs: the settings, the release, or containerd itself? The node has to
 * end as if it had been installed that way from the beginning, and a cleanup still has to find everything.
 */
import { expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { onContainerd, sharedArtifacts } from "./Conditions.ts"
import { evidence, expectServed, handlersOf } from "./containerd/Evidence.ts"
import { copyArtifacts, packComponent } from "./hostTree/Artifacts.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, residues, snapshot, type TreeSnapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

/** What is recorded about an install may tell how it came to be; the rest of the node may not. */
const history = [
  ...residues,
  "/opt/kata/.kata-deploy/ledger.json",
  "/opt/kata/.kata-deploy/base/",
  "/opt/kata/.kata-deploy/journal/",
]

const succeeds = async (setting: Setting, ...args: ReadonlyArray<string>): Promise<void> => {
  const outcome = await kataDeploy(setting, ...args)
  expect(outcome.code, `${args.join(" ")}: ${told(outcome)}`).toBe(0)
}

const on = (host: SampleHost, shims: ReadonlyArray<string>, change: Partial<Setting> = {}): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims,
  ...change,
})

/** What a fresh host of the same kind looks like after one install with `setting`. */
const fresh = async (
  make: () => Promise<SampleHost>,
  setting: (host: SampleHost) => Setting,
): Promise<TreeSnapshot> => {
  await using twin = await make()
  await succeeds(setting(twin), "install", "--once")
  // Awaited here: the twin is gone when this function returns.
  return await snapshot(twin.dir)
}

onContainerd(["1.7", "2"], "shims that are left out of the settings", (release) => {
  const hosts = {
    "an operator's file": () => vanilla(release.version, { schema: 2 }),
    k3s: () => rancher("k3s", release.version),
  }
  for (const [name, make] of Object.entries(hosts)) {
    test(`go away with everything that only they needed, on ${name}`, async () => {
      await using host = await make()
      const untouched = await snapshot(host.dir)
      const before = await evidence(release, host)
      await succeeds(on(host, ["qemu", "clh", "fc", "dragonball"]), "install", "--once")
      await succeeds(on(host, ["qemu"]), "install", "--once")
      expectServed(await evidence(release, host), handlersOf(["qemu"]), before)
      const expected = await fresh(make, (twin) => on(twin, ["qemu"]))
      expect(differences(expected, await snapshot(host.dir), { ignore: history })).toEqual([])
      await succeeds(on(host, ["qemu"]), "cleanup")
      expect(differences(untouched, await snapshot(host.dir))).toEqual([])
    })
  }

  test("are removed by a cleanup that was never told of them", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const untouched = await snapshot(host.dir)
    await succeeds(on(host, ["qemu", "clh"]), "install", "--once")
    await succeeds(on(host, ["fc"]), "cleanup")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["2"], "a new release of the artifacts", (release) => {
  test("replaces what changed and removes what it no longer has", async () => {
    const make = () => vanilla(release.version, { schema: 3 })
    await using host = await make()
    const untouched = await snapshot(host.dir)
    await using next = await copyArtifacts(sharedArtifacts())
    await packComponent(next, "virtiofsd", { "libexec/virtiofsd-2": { text: "newer\n", mode: 0o755 } })
    await succeeds(on(host, ["qemu"]), "install", "--once")
    await succeeds(on(host, ["qemu"], { artifacts: next }), "install", "--once")
    const now = await snapshot(host.dir)
    expect(now.has("/opt/kata/libexec/virtiofsd-2")).toBe(true)
    const expected = await fresh(make, (twin) => on(twin, ["qemu"], { artifacts: next }))
    expect(differences(expected, now, { ignore: history })).toEqual([])
    await succeeds(on(host, ["qemu"], { artifacts: next }), "cleanup")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["2"], "an upgrade of containerd from 1.7", (release) => {
  test("moves our handlers from the block in the main file into a drop-in", async () => {
    const make = () => vanilla(release.version, { schema: 2 })
    const shims = ["qemu", "clh"]
    await using host = await make()
    const untouched = await snapshot(host.dir)
    const before = await evidence(release, host)
    const old = { env: { CONTAINER_RUNTIME_VERSION: "containerd://1.7.24" } }
    await succeeds(on(host, shims, old), "install", "--once")
    await succeeds(on(host, shims), "install", "--once")
    expect(await host.read(host.config)).not.toContain("kata-qemu")
    expectServed(await evidence(release, host), handlersOf(shims), before)
    const expected = await fresh(make, (twin) => on(twin, shims))
    expect(differences(expected, await snapshot(host.dir), { ignore: history })).toEqual([])
    await succeeds(on(host, shims), "cleanup")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["1.7", "2"], "the stages, run one by one", (release) => {
  test("end where a whole install ends, and the cleanup's stages where it began", async () => {
    const make = () => vanilla(release.version, { schema: 2 })
    const shims = ["qemu", "qemu-runtime-rs"]
    await using host = await make()
    const untouched = await snapshot(host.dir)
    const before = await evidence(release, host)
    await succeeds(on(host, shims), "install-stage-host-check")
    expect(differences(untouched, await snapshot(host.dir), { identity: "files" })).toEqual([])
    await succeeds(on(host, shims), "install-stage-artifacts")
    expectServed(await evidence(release, host), [], before)
    await succeeds(on(host, shims), "install-stage-cri")
    expectServed(await evidence(release, host), handlersOf(shims), before)
    const expected = await fresh(make, (twin) => on(twin, shims))
    expect(differences(expected, await snapshot(host.dir), { ignore: history })).toEqual([])

    await succeeds(on(host, shims), "cleanup-stage-revert-cri")
    expectServed(await evidence(release, host), [], before)
    await succeeds(on(host, shims), "cleanup-stage-remove-artifacts")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["1.7", "2"], "another installation prefix", (release) => {
  test("holds everything of ours, and the handlers name it", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const untouched = await snapshot(host.dir)
    const before = await evidence(release, host)
    const setting = on(host, ["qemu"], { env: { INSTALLATION_PREFIX: "/srv/node" } })
    await succeeds(setting, "install", "--once")
    const now = await evidence(release, host)
    expectServed(now, handlersOf(["qemu"]), before)
    expect(now.served["kata-qemu"]?.runtimePath).toBe("/srv/node/opt/kata/bin/containerd-shim-kata-v2")
    expect((await snapshot(host.dir)).has("/opt/kata")).toBe(false)
    await succeeds(setting, "cleanup")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["1.7", "2"], "debug mode", (release) => {
  test("adds a variant of each shim, and leaving it takes them away again", async () => {
    const make = () => vanilla(release.version, { schema: 2 })
    await using host = await make()
    const untouched = await snapshot(host.dir)
    await succeeds(on(host, ["qemu"], { env: { DEBUG: "true" } }), "install", "--once")
    const { written, served } = await evidence(release, host)
    expect(written).toEqual(["crun", "kata-qemu", "kata-qemu-debug", "runc"])
    expect(Object.keys(served).sort()).toEqual(written)
    await succeeds(on(host, ["qemu"]), "install", "--once")
    const expected = await fresh(make, (twin) => on(twin, ["qemu"]))
    expect(differences(expected, await snapshot(host.dir), { ignore: history })).toEqual([])
    await succeeds(on(host, ["qemu"]), "cleanup")
    expect(differences(untouched, await snapshot(host.dir))).toEqual([])
  })
})
