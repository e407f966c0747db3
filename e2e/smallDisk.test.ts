/**
 * What happens on a node whose install directory has a disk of its own? When it is full in the middle of an upgrade, the
 * release that was there still works, nothing is left in the staging directory, and the same upgrade ends right as soon
 * as there is room.
 */
import { describe, expect } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import { asRoot, sharedArtifacts } from "./Conditions.ts"
import { copyArtifacts, makeArtifacts, packComponent, type Artifacts } from "./hostTree/Artifacts.ts"
import type { Files, SampleHost } from "./hostTree/SampleHost.ts"
import { smallDisk, type SmallDiskKind } from "./hostTree/SmallDisk.ts"
import { differences, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"
import { expectRefused, type Refusal } from "./Refusal.ts"

const install = ["install", "--once"]

const on = (host: SampleHost, artifacts: Artifacts): Setting => ({ host, artifacts, shims: ["qemu"] })

const succeeds = async (setting: Setting, ...args: ReadonlyArray<string>): Promise<void> => {
  const outcome = await kataDeploy(setting, ...args)
  expect(outcome.code, told(outcome)).toBe(0)
}

/** Small files take a block each, so they need far more room than their bytes, which is all that an archive tells. */
const manySmallFiles: Files = Object.fromEntries(
  Array.from({ length: 1_500 }, (_, at) => [`share/small/${at % 20}/file-${at}`, `${at}\n`]),
)

const withManySmallFiles = async (): Promise<Artifacts> => {
  const artifacts = await copyArtifacts(sharedArtifacts())
  await packComponent(artifacts, "virtiofsd", manySmallFiles)
  return artifacts
}

const withLargeImage = (sizes: "known" | "unknown") => (): Promise<Artifacts> =>
  makeArtifacts({ bulk: 20_000_000, sizes })

interface Case {
  readonly kind: SmallDiskKind
  /** Host path of the disk. */
  readonly path: string
  readonly newer: () => Promise<Artifacts>
  /** Bytes that are left for the upgrade. */
  readonly leave: number
  readonly refusal: Refusal
}

/** Installs, fills the disk, upgrades in vain, makes room, upgrades, and cleans up. */
const upgradeOn = async ({ kind, leave, newer, path, refusal }: Case): Promise<void> => {
  await using plain = await vanilla("2.1.9", { schema: 3 })
  await using disk = await smallDisk(plain, kind, path)
  await using later = await newer()
  const { host } = disk
  const before = await snapshot(host.dir)
  await succeeds(on(host, sharedArtifacts()), ...install)
  await disk.leave(leave)
  // The tree is compared with the one before, every byte of the older release included.
  await expectRefused(on(host, later), install, refusal)
  await disk.makeRoom()
  await succeeds(on(host, later), ...install)
  const upgraded = await snapshot(host.dir)
  await succeeds(on(host, later), ...install)
  expect(differences(upgraded, await snapshot(host.dir)), "after another install").toEqual([])
  await succeeds(on(host, later), "cleanup")
  expect(differences(before, await snapshot(host.dir)), "after the cleanup").toEqual([])
}

const midway: Refusal = { code: 1, says: ["/opt/kata", /no space left/] }

describe("a disk that is full in the middle of an upgrade", () => {
  asRoot("leaves the older release in place, on ext4 that has no block left for another file", () =>
    upgradeOn({ kind: "ext4", path: "/opt", newer: withManySmallFiles, leave: 4_000_000, refusal: midway }),
  )

  asRoot("leaves the older release in place, on a tmpfs that is the install directory itself", () =>
    upgradeOn({
      kind: "tmpfs",
      path: "/opt/kata",
      newer: withManySmallFiles,
      leave: 4_000_000,
      refusal: midway,
    }),
  )

  asRoot("leaves the older release in place, where more comes out of an archive than was free", () =>
    upgradeOn({
      kind: "tmpfs",
      path: "/opt",
      newer: withLargeImage("unknown"),
      leave: 14_000_000,
      refusal: midway,
    }),
  )

  asRoot("is seen before the first write where the archives tell their size", () =>
    upgradeOn({
      kind: "ext4",
      path: "/opt/kata",
      newer: withLargeImage("known"),
      leave: 14_000_000,
      refusal: { code: 3, says: ["/opt/kata", /space/i] },
    }),
  )
})

describe("a state directory on another disk than the install directory", () => {
  asRoot(
    "is refused before anything is unpacked, since nothing can be moved from there in one step",
    async () => {
      await using plain = await vanilla("2.1.9", { schema: 3 })
      await using disk = await smallDisk(plain, "tmpfs", "/var/lib/kata")
      const args = [...install, "--state-dir=/var/lib/kata/state"]
      await expectRefused(on(disk.host, sharedArtifacts()), args, {
        code: 1,
        says: ["/var/lib/kata/state", "/opt/kata", /state directory/],
      })
    },
  )
})
