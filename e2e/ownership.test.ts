/**
 * Does the program know its own files on a host, and only those? What somebody did to the tree between an install and the next
 * command is seen without reading every byte, repaired by an install, and no obstacle to a cleanup that says what it leaves.
 */
import { execFileSync } from "node:child_process"
import {
  lstat,
  mkdir,
  open,
  readFile,
  readdir,
  rename,
  rm,
  symlink,
  utimes,
  writeFile,
} from "node:fs/promises"
import { join } from "node:path"
import { expect, test } from "vitest"
import { kataDeploy, told, type Setting } from "./cli.ts"
import type { Outcome } from "./Command.ts"
import { asRoot, sharedArtifacts } from "./Conditions.ts"
import { copyArtifacts, packComponent, type Artifacts } from "./hostTree/Artifacts.ts"
import type { SampleHost } from "./hostTree/SampleHost.ts"
import { differences, residues, snapshot } from "./hostTree/TreeSnapshot.ts"
import { vanilla } from "./hostTree/Vanilla.ts"

const makeHost = (): Promise<SampleHost> => vanilla("2.1.9", { schema: 3 })

const on = (host: SampleHost, artifacts: Artifacts = sharedArtifacts()): Setting => ({
  host,
  artifacts,
  shims: ["qemu"],
})

const succeeds = async (setting: Setting, ...args: ReadonlyArray<string>): Promise<Outcome> => {
  const outcome = await kataDeploy(setting, ...args)
  expect(outcome.code, `${args.join(" ")}: ${told(outcome)}`).toBe(0)
  return outcome
}

interface Drift {
  readonly path: string
  readonly was: string
  readonly is: string
}

/** What `status` says has drifted. */
const drift = async (setting: Setting, ...flags: ReadonlyArray<string>): Promise<ReadonlyArray<Drift>> => {
  const outcome = await kataDeploy(setting, "--output=json", "status", ...flags)
  const document = JSON.parse(outcome.stdout) as { instances: ReadonlyArray<{ drift: ReadonlyArray<Drift> }> }
  const found = document.instances[0]!.drift
  expect(outcome.code, told(outcome)).toBe(found.length === 0 ? 0 : 4)
  return found
}

/** Changes one byte in the middle of a file, and leaves its size, mode and time of modification as they were. */
const patch = async (path: string): Promise<void> => {
  const { atime, mtime } = await lstat(path)
  const file = await open(path, "r+")
  await file.write("X", 100)
  await file.close()
  await utimes(path, atime, mtime)
}

interface Report {
  readonly left: ReadonlyArray<{ readonly path: string; readonly why: string }>
  readonly notices: ReadonlyArray<{ readonly code: string; readonly message: string }>
}

const changedFiles = (outcome: Outcome): ReadonlyArray<string> =>
  (JSON.parse(outcome.stdout) as Report).notices.flatMap(({ code, message }) =>
    code === "unpacked-files-changed" ? [message] : [],
  )

const qemu = "/opt/kata/bin/qemu-system-x86_64"

test("a program that was patched in place is seen, and put back by an install, which says so", async () => {
  await using host = await makeHost()
  const setting = on(host)
  await succeeds(setting, "install", "--once")
  const bytes = await readFile(host.at(qemu))
  expect(await drift(setting)).toEqual([])

  await patch(host.at(qemu))
  const seen = await drift(setting)
  expect(seen.map(({ path }) => path)).toEqual([qemu])
  expect(seen[0]!.is).toMatch(/^sha256:/)
  const again = await succeeds(setting, "--output=json", "install", "--once")
  expect(changedFiles(again)).toEqual([expect.stringContaining(qemu)])
  expect((await readFile(host.at(qemu))).equals(bytes)).toBe(true)
  expect(await drift(setting, "--verify")).toEqual([])
})

test("permissions that were changed are told as permissions, also where every byte is read", async () => {
  await using host = await makeHost()
  const setting = on(host)
  await succeeds(setting, "install", "--once")
  execFileSync("chmod", ["0700", host.at(qemu)])
  for (const flags of [[], ["--verify"]])
    expect(await drift(setting, ...flags)).toEqual([
      { path: qemu, was: "300000 bytes, mode 0755", is: "300000 bytes, mode 0700" },
    ])
})

test("a tree that was copied is the same: the next install writes its times down, and nothing else", async () => {
  await using host = await makeHost()
  const setting = on(host)
  await succeeds(setting, "install", "--once")
  const copy = `${host.at("/opt/kata")}.copy`
  execFileSync("cp", ["-a", host.at("/opt/kata"), copy])
  await rm(host.at("/opt/kata"), { recursive: true })
  await rename(copy, host.at("/opt/kata"))

  expect(await drift(setting)).toEqual([])
  const copied = await snapshot(host.dir)
  const ledger = "/opt/kata/.kata-deploy/ledger.json"
  await succeeds(setting, "install", "--once")
  const after = await snapshot(host.dir)
  expect(differences(copied, after, { identity: "files", ignore: [...residues, ledger] })).toEqual([])
  const plan = await kataDeploy(setting, "plan", "install", "--detailed-exitcode")
  expect(plan.code, told(plan)).toBe(0)
})

test("an install, an upgrade, a downgrade and a cleanup end where it all began", async () => {
  await using host = await makeHost()
  await using newer = await copyArtifacts(sharedArtifacts())
  await packComponent(newer, "virtiofsd", { "libexec/virtiofsd-2": { text: "newer\n", mode: 0o755 } })
  const initrd = "share/kata-containers/kata-alpine-3.23.initrd"
  await packComponent(newer, "rootfs-initrd", { [initrd]: { text: "newer\n", mode: 0o640 } })
  const untouched = await snapshot(host.dir)
  await succeeds(on(host), "install", "--once")
  const first = await snapshot(host.dir)

  await succeeds(on(host, newer), "install", "--once")
  const upgraded = await snapshot(host.dir)
  expect(upgraded.has("/opt/kata/libexec/virtiofsd-2")).toBe(true)
  expect(upgraded.has("/opt/kata/libexec/virtiofsd")).toBe(false)
  expect(await drift(on(host, newer), "--verify")).toEqual([])

  await succeeds(on(host), "install", "--once")
  const history = [...residues, "/opt/kata/.kata-deploy/ledger.json", "/opt/kata/.kata-deploy/journal/"]
  expect(differences(first, await snapshot(host.dir), { ignore: history })).toEqual([])
  expect(await drift(on(host), "--verify")).toEqual([])

  const cleaned = await succeeds(on(host), "--output=json", "cleanup")
  expect((JSON.parse(cleaned.stdout) as Report).left).toEqual([])
  expect(changedFiles(cleaned)).toEqual([])
  expect(differences(untouched, await snapshot(host.dir))).toEqual([])
})

/** Does to the tree what operators do, and tells what a cleanup has to leave, with the reason. */
const disturb = async (host: SampleHost): Promise<Readonly<Record<string, string>>> => {
  const at = (path: string): string => host.at(join("/opt/kata", path))
  await patch(at("bin/qemu-system-x86_64"))
  execFileSync("chmod", ["0400", at("bin/kata-runtime")])
  await writeFile(at("bin/operator.sh"), "theirs\n")
  await mkdir(at("share/operator/deep"), { recursive: true })
  await writeFile(at("share/operator/deep/notes"), "theirs\n")
  await rm(at("libexec/virtiofsd"))
  await mkdir(at("libexec/virtiofsd"))
  await host.write("/srv/precious", "theirs\n")
  await rm(at("share/kata-containers/vmlinux-6.18.2-180"))
  await symlink("/srv/precious", at("share/kata-containers/vmlinux-6.18.2-180"))
  await mkdir(host.at("/srv/moved/qemu/firmware"), { recursive: true })
  await rm(at("share/kata-qemu"), { recursive: true })
  await symlink("/srv/moved", at("share/kata-qemu"))
  return {
    "/opt/kata/bin/operator.sh": "not ours",
    "/opt/kata/libexec/virtiofsd": "it is a directory now",
    "/opt/kata/share/kata-qemu": "it is no directory now",
    "/opt/kata/share/operator": "not ours",
  }
}

const leftOf = (outcome: Outcome): Readonly<Record<string, string>> =>
  Object.fromEntries((JSON.parse(outcome.stdout) as Report).left.map(({ path, why }) => [path, why]))

test("a cleanup names what it leaves and which files of ours were changed, as its plan does", async () => {
  await using host = await makeHost()
  const setting = on(host)
  await succeeds(setting, "install", "--once")
  const expected = await disturb(host)
  const changed = ["bin/kata-runtime", "bin/qemu-system-x86_64", "share/kata-containers/vmlinux-6.18.2-180"]
  const plan = await succeeds(setting, "--output=json", "plan", "cleanup")
  const [message] = changedFiles(plan)
  expect(message).toContain(changed.map((path) => `/opt/kata/${path}`).join(", "))

  const cleaned = await succeeds(setting, "--output=json", "cleanup")
  expect(leftOf(cleaned)).toEqual(expected)
  expect(changedFiles(cleaned)).toEqual([message])
  const now = await snapshot(host.dir)
  expect([...now.keys()].filter((path) => path.startsWith("/opt/kata/")).sort()).toEqual([
    "/opt/kata/bin",
    "/opt/kata/bin/operator.sh",
    "/opt/kata/libexec",
    "/opt/kata/libexec/virtiofsd",
    "/opt/kata/share",
    "/opt/kata/share/kata-qemu",
    "/opt/kata/share/operator",
    "/opt/kata/share/operator/deep",
    "/opt/kata/share/operator/deep/notes",
  ])
  expect(await host.read("/srv/precious")).toBe("theirs\n")
  // Behind the link nothing is ours, not even an empty directory.
  expect(now.has("/srv/moved/qemu/firmware")).toBe(true)
})

/** Mounts `from` on `to` until the scope ends. */
const bound = (from: string, to: string): Disposable => {
  execFileSync("mount", ["--bind", from, to])
  return { [Symbol.dispose]: () => void execFileSync("umount", [to]) }
}

asRoot("a cleanup keeps mount points, whatever is mounted there", async () => {
  await using host = await makeHost()
  const setting = on(host)
  await succeeds(setting, "install", "--once")
  const kernel = "/opt/kata/share/kata-containers/vmlinuz-6.18.2-180"
  await host.write("/srv/theirs/data", "theirs\n")
  await mkdir(host.at("/opt/kata/share/mnt"))
  using _directory = bound(host.at("/srv/theirs"), host.at("/opt/kata/share/mnt"))
  using _file = bound(host.at("/srv/theirs/data"), host.at(kernel))
  const cleaned = await succeeds(setting, "--output=json", "cleanup")
  expect(leftOf(cleaned)).toEqual({ [kernel]: "mount point", "/opt/kata/share/mnt": "mount point" })
  expect(await host.read("/srv/theirs/data")).toBe("theirs\n")
  expect(await readdir(host.at("/opt/kata/share"))).toEqual(["kata-containers", "mnt"])
})

asRoot("a cleanup that cannot remove something names it, and the next one finds it", async () => {
  await using host = await makeHost()
  const setting = on(host)
  const untouched = await snapshot(host.dir)
  await succeeds(setting, "install", "--once")
  await host.write("/opt/kata/share/notes", "theirs\n")
  const bin = host.at("/opt/kata/bin")
  {
    using _readOnly = bound(bin, bin)
    execFileSync("mount", ["-o", "remount,ro,bind", bin])
    const failed = await kataDeploy(setting, "cleanup")
    expect(failed.code, told(failed)).toBe(1)
    expect(failed.stderr).toMatch(
      /Could not remove 4 paths, the first of which is\s+\/opt\/kata\/bin\/containerd-shim-kata-v2: the filesystem is read-only/,
    )
    for (const name of ["kata-runtime", "qemu-system-x86_64"])
      expect(failed.stdout).toContain(`Left behind: /opt/kata/bin/${name} (could not be removed`)
    expect(failed.stdout).toContain("Left behind: /opt/kata/share/notes (not ours)")
  }
  await rm(host.at("/opt/kata/share/notes"))
  await succeeds(setting, "cleanup")
  expect(differences(untouched, await snapshot(host.dir))).toEqual([])
})
