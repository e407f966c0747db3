/**
 * Can two installs live on one node? Each has a suffix, its own folder, its own handlers; removing one must not be noticed
 * by the other.
 */
import { expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { onContainerd, sharedArtifacts } from "./Conditions.ts"
import { evidence, expectServed, handlersOf } from "./containerd/Evidence.ts"
import { rancher } from "./hostTree/Rancher.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { below, differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

const shims = ["qemu", "clh", "qemu-runtime-rs"]

const instance = (host: SampleHost, suffix: string): Setting => ({
  host,
  artifacts: sharedArtifacts(),
  shims,
  env: { MULTI_INSTALL_SUFFIX: suffix },
})

const succeeds = async (setting: Setting, ...args: ReadonlyArray<string>): Promise<void> => {
  const outcome = await kataDeploy(setting, ...args)
  expect(outcome.code, told(outcome)).toBe(0)
}

onContainerd(["2"], "two instances on one node", (release) => {
  const hosts: Readonly<Record<string, () => Promise<SampleHost>>> = {
    "an operator's file of schema 2": () => vanilla(release.version, { schema: 2 }),
    "an operator's file of schema 3": () => vanilla(release.version, { schema: 3 }),
    k3s: () => rancher("k3s", release.version),
  }

  for (const [name, make] of Object.entries(hosts)) {
    test(`are served together and removed one by one, on ${name}`, async () => {
      await using host = await make()
      const untouched = await snapshot(host.dir)
      const before = await evidence(release, host)

      await succeeds(instance(host, "b"), "install", "--once")
      const onlyB = await snapshot(host.dir)
      await succeeds(instance(host, "a"), "install", "--once")
      const both = [...handlersOf(shims, "a"), ...handlersOf(shims, "b")]
      expectServed(await evidence(release, host), both, before)

      await succeeds(instance(host, "a"), "cleanup")
      const now = await snapshot(host.dir)
      expectServed(await evidence(release, host), handlersOf(shims, "b"), before)
      expect(differences(onlyB, now)).toEqual([])
      const ofB = "/opt/kata-b"
      expect(below(now, ofB).size).toBeGreaterThan(20)
      expect(differences(below(onlyB, ofB), below(now, ofB), { identity: "everything" })).toEqual([])

      await succeeds(instance(host, "b"), "cleanup")
      expect(differences(untouched, await snapshot(host.dir))).toEqual([])
    })
  }

  test("may also be an instance with a suffix beside the one without", async () => {
    await using host = await vanilla(release.version, { schema: 3 })
    const before = await evidence(release, host)
    await succeeds(instance(host, ""), "install", "--once")
    const plain = await snapshot(host.dir)
    await succeeds(instance(host, "dev"), "install", "--once")
    expectServed(await evidence(release, host), [...handlersOf(shims), ...handlersOf(shims, "dev")], before)
    await succeeds(instance(host, "dev"), "cleanup")
    expect(differences(plain, await snapshot(host.dir))).toEqual([])
  })
})

onContainerd(["1.7"], "a suffix where no drop-in is possible", (release) => {
  test("is refused before the first write", async () => {
    await using host = await vanilla(release.version, { schema: 2 })
    const before = await snapshot(host.dir)
    const refused = await kataDeploy(instance(host, "a"), "install", "--once")
    expect(refused.code, told(refused)).toBe(3)
    expect(refused.stderr).toContain("MULTI_INSTALL_SUFFIX")
    expect(differences(before, await snapshot(host.dir), { identity: "files" })).toEqual([])
  })
})
