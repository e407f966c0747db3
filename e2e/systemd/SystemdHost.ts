/**
 * How is a throw-away host booted? Its own copy of an image, with systemd as process 1 in systemd-nspawn, on a private
 * cgroup2 tree.
 *
 * Nothing outlives the test process: everything runs in a PID namespace whose first process the kernel ends when the
 * test process ends, and all mounts are in a namespace of their own. What a killed run leaves, a folder and an empty
 * cgroup, the next one takes away.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { existsSync, readFileSync, realpathSync } from "node:fs"
import { rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { must, run, type CommandOptions, type Outcome } from "../Command.ts"
import type { Suite } from "../containerd/Releases.ts"
import * as OwnFolder from "../OwnFolder.ts"
import type { Image } from "./Images.ts"

/** A host that runs. */
export interface SystemdHost {
  readonly suite: Suite
  /** What its containerd says of itself, such as `1.7.24`. */
  readonly containerd: { readonly version: string; readonly major: number; readonly minor: number }
  /** Its root with everything mounted in it, as this machine sees it; good for `--host-root`. */
  readonly root: string
  /** Its process 1, as this machine numbers it. */
  readonly initPid: number
  /** Runs a program in all of the host's namespaces, as a login on it would. */
  readonly exec: (argv: readonly [string, ...string[]], options?: CommandOptions) => Promise<Outcome>
  /** As `exec`, but anything than exit code 0 is an error. */
  readonly mustExec: (argv: readonly [string, ...string[]]) => Promise<Outcome>
  /** Ends it and removes it. */
  readonly [Symbol.asyncDispose]: () => Promise<void>
}

/** The checkout that this file lies in. */
export const checkout = join(import.meta.dirname, "..", "..")

/** The checkout, and where its dependencies and its Node really lie: elsewhere for a work tree that borrows them. */
export const programFolders: ReadonlyArray<string> = [
  checkout,
  ...[dirname(realpathSync(join(checkout, "node_modules/effect"))), dirname(process.execPath)].filter(
    (folder) => !folder.startsWith(`${checkout}/`),
  ),
]

/** What a host is booted with. */
export interface BootOptions {
  /** Folders of this machine that are found at the same path on the host, read-only, beside {@link programFolders}. */
  readonly folders?: ReadonlyArray<string>
}

const prefix = "kd-systemd-"

/** Arguments: the root, a name, flags of nspawn. The machine's cgroup tree may be any; inside there is only the second version. */
const inside = `
set -eu
root=$1 name=$2; shift 2
umount -R /sys/fs/cgroup || umount -l /sys/fs/cgroup
mount -t cgroup2 none /sys/fs/cgroup
for old in /sys/fs/cgroup/${prefix}*; do
  [ ! -d "$old" ] || find "$old" -depth -type d -exec rmdir {} + 2>/dev/null || true
done
mkdir -p "/sys/fs/cgroup/$name"
echo $$ > "/sys/fs/cgroup/$name/cgroup.procs"
export SYSTEMD_SECCOMP=0 SYSTEMD_NSPAWN_API_VFS_WRITABLE=1
exec systemd-nspawn --directory="$root" --boot --machine="$name" --register=no --keep-unit --capability=all \\
  --private-users=no --link-journal=no --resolv-conf=off --timezone=off --console=pipe --bind=/dev/kmsg "$@"
`

/** A namespace of mounts and one of processes, which ends with this process. */
const apart = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]

const start = (root: string, name: string, folders: ReadonlyArray<string>): ChildProcess => {
  const shown = folders.map((folder) => `--bind-ro=${folder}`)
  const boot = ["sh", "-c", inside, "sh", root, name, ...shown]
  return spawn("setpriv", ["--pdeathsig=KILL", "unshare", ...apart, ...boot], {
    stdio: ["ignore", "pipe", "pipe"],
  })
}

/** Process ids of this machine in a tree of processes. */
export const descendants = (pid: number): ReadonlyArray<number> => {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim()
    return children === ""
      ? []
      : children
          .split(" ")
          .map(Number)
          .flatMap((child) => [child, ...descendants(child)])
  } catch {
    return []
  }
}

/** Whether a process is the first of the namespace that nspawn made, which lies two below this machine's. */
const isInit = (pid: number): boolean => {
  try {
    const numbers =
      /^NSpid:\t(.*)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]?.split("\t") ?? []
    const own = /^NSpid:\t(.*)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1]?.split("\t") ?? []
    return numbers.length === own.length + 2 && numbers.at(-1) === "1"
  } catch {
    return false
  }
}

/** Milliseconds that a host has to come up. */
const bootLimit = 60_000

const until = async <A>(what: string, look: () => Promise<A | undefined> | A | undefined): Promise<A> => {
  const deadline = Date.now() + bootLimit
  while (Date.now() < deadline) {
    const found = await look()
    if (found !== undefined) return found
    await pause(50)
  }
  throw new Error(`${what} did not happen within ${bootLimit / 1000} s`)
}

/** Where a machine has its control groups of the second version, the name of each host's below it. */
const cgroupMounts = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]

/** Removes the control groups of a host that ended; what is busy still is left to the next boot. */
const removeCgroups = async (name: string): Promise<void> => {
  for (const top of cgroupMounts.map((mount) => join(mount, name)))
    if (existsSync(top)) await run("find", [top, "-depth", "-type", "d", "-exec", "rmdir", "{}", "+"])
}

/** Boots a host from an image; it has come up when this is through. */
export const boot = async (image: Image, options: BootOptions = {}): Promise<SystemdHost> => {
  const folder = await OwnFolder.make(prefix)
  const root = join(folder, "root")
  let child: ChildProcess | undefined
  let said = ""
  const end = async (): Promise<void> => {
    // A host is thrown away, so it is not shut down: the kernel ends all of it with the first process.
    if (child !== undefined && child.exitCode === null && child.signalCode === null) {
      const ended = new Promise((resolve) => child!.once("exit", resolve))
      child.kill("SIGKILL")
      await ended
    }
    await removeCgroups(basename(folder))
    for (let tries = 0; ; tries++) {
      try {
        return await rm(folder, { recursive: true, force: true })
      } catch (error) {
        if (tries === 40) throw error
        await pause(50)
      }
    }
  }
  try {
    await must("mkdir", [root])
    await must("tar", [
      "--zstd",
      "--extract",
      "--numeric-owner",
      "--file",
      image.archive,
      "--directory",
      root,
    ])
    child = start(root, basename(folder), [...programFolders, ...(options.folders ?? [])])
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)))
    const initPid = await until("process 1", () => {
      if (child!.exitCode !== null) throw new Error("systemd-nspawn ended")
      return descendants(child!.pid!).find(isInit)
    })
    const exec: SystemdHost["exec"] = ([program, ...args], options = {}) =>
      run("nsenter", [`--target=${initPid}`, "--all", "--", program, ...args], {
        env: { PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", HOME: "/root" },
        ...options,
      })
    const mustExec: SystemdHost["mustExec"] = async (argv) => {
      const outcome = await exec(argv)
      if (outcome.code !== 0)
        throw new Error(`${argv.join(" ")} ended with ${outcome.code}\n${outcome.stderr}`)
      return outcome
    }
    await until("the end of booting", async () => {
      const { stdout } = await exec(["systemctl", "is-system-running"])
      // Modules cannot be loaded in a container, which some releases count as a failed unit.
      return ["running", "degraded"].includes(stdout.trim()) ? true : undefined
    })
    const asked = (await mustExec(["containerd", "--version"])).stdout
    const found = /containerd\S* v?((\d+)\.(\d+)\.\d+)/.exec(asked)
    if (!found) throw new Error(`containerd --version says ${asked}`)
    const containerd = { version: found[1]!, major: Number(found[2]), minor: Number(found[3]) }
    return {
      suite: image.suite,
      containerd,
      root: `/proc/${initPid}/root`,
      initPid,
      exec,
      mustExec,
      [Symbol.asyncDispose]: end,
    }
  } catch (error) {
    await end()
    throw new Error(`the host of ${image.suite} did not boot: ${(error as Error).message}\n${said}`, {
      cause: error,
    })
  }
}
