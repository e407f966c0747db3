/**
 * How does a program run on a host as it would in our pod? In a mount namespace whose root holds the programs of the
 * host in place of an image, the checkout, and of the host otherwise only what the pod mounts; in a PID namespace of its
 * own below the host's, or in the host's (`hostPID`).
 */
import { HostLayout, HostPath } from "@kata-deploy/core"
import { run, type Outcome } from "../Command.ts"
import { programFolders, type SystemdHost } from "./SystemdHost.ts"

/** The Node that runs the tests. */
export const node = process.execPath

/** What a pod has. */
export interface Pod {
  /** Whether it sees the host's processes. */
  readonly pids: "own" | "of the host"
  /** A folder that the host was booted with, which is found at `/opt/kata-artifacts`. */
  readonly artifacts?: string
  /** More that it mounts: pairs of a path on the host and a path inside. */
  readonly mounts?: ReadonlyArray<readonly [string, string]>
  /** The whole environment; a path to programs is added. */
  readonly env?: Readonly<Record<string, string>>
  readonly containerdConfigDir?: string
  readonly installDir?: string
  readonly timeout?: number
}

/** The layout that a pod sees. */
export const layoutOf = (pod: Pod): HostLayout.HostLayout =>
  HostLayout.pod({
    containerdConfigDir: HostPath.make(pod.containerdConfigDir ?? "/etc/containerd"),
    installDir: HostPath.make(pod.installDir ?? "/opt/kata"),
  })

/**
 * Arguments: pairs of a path on the host and a path inside up to `--`, then the program. Run in the host's namespaces, so
 * that what is mounted on the host can be mounted here.
 */
const enter = `
set -eu
base=/mnt
mount -t tmpfs -o mode=0755 tmpfs "$base"
bind() {
  [ -e "$1" ] || return 0
  if [ -d "$1" ]; then mkdir -p "$2"; else mkdir -p "$(dirname "$2")"; : > "$2"; fi
  mount --bind "$1" "$2"
}
for dir in /bin /sbin /lib /lib32 /lib64; do
  if [ -L "$dir" ]; then ln -s "$(readlink "$dir")" "$base$dir"; else bind "$dir" "$base$dir"; fi
done
bind /usr "$base/usr"
${programFolders.map((folder) => `bind ${folder} "$base${folder}"`).join("\n")}
mkdir -p "$base/proc" "$base/sys" "$base/dev" "$base/tmp" "$base/run" "$base/etc"
mount -t proc proc "$base/proc"
mount --rbind /sys "$base/sys"
mount --rbind /dev "$base/dev"
while [ "$1" != -- ]; do
  bind "$1" "$base$2"
  shift 2
done
shift
exec chroot "$base" "$@"
`

/** Host directories that a pod makes where they are missing, as `DirectoryOrCreate` does. */
const created = ["/run/lock", "/etc/containerd", "/opt/kata"]

/** A program with its arguments and its whole environment. */
export interface Command {
  readonly argv: readonly [string, ...string[]]
  readonly env?: Readonly<Record<string, string>>
}

/** What starts a program on the host as in a pod; the directories that a pod makes are there then. */
export const inPod = async (
  host: SystemdHost,
  pod: Pod,
  argv: readonly [string, ...string[]],
): Promise<Command> => {
  const dirs = [...created, pod.containerdConfigDir, pod.installDir].filter((dir) => dir !== undefined)
  await host.mustExec(["mkdir", "-p", ...dirs])
  const mounts = layoutOf(pod)
    .mounts.filter(({ host: path }) => !/^\/(proc|sys)\//.test(path))
    .flatMap(({ host: path, seen }) => [path, seen])
  const artifacts = pod.artifacts === undefined ? [] : [pod.artifacts, "/opt/kata-artifacts"]
  const more = (pod.mounts ?? []).flat()
  const namespaces = ["--mount", "--pid", "--net", "--ipc", "--uts"]
  const own = [
    "--mount",
    "--propagation=private",
    "--fork",
    "--kill-child=KILL",
    ...(pod.pids === "own" ? ["--pid"] : []),
  ]
  const inside = ["sh", "-c", enter, "sh", ...mounts, ...artifacts, ...more, "--", ...argv]
  const entering = ["nsenter", `--target=${host.initPid}`, ...namespaces, "--"]
  return {
    argv: ["setpriv", "--pdeathsig=KILL", ...entering, "unshare", ...own, ...inside],
    env: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      ...pod.env,
    },
  }
}

/** Runs a program on the host as in a pod. */
export const runInPod = async (
  host: SystemdHost,
  pod: Pod,
  argv: readonly [string, ...string[]],
): Promise<Outcome> => {
  const { argv: whole, env } = await inPod(host, pod, argv)
  return run(whole[0], whole.slice(1), {
    ...(env === undefined ? {} : { env }),
    timeout: pod.timeout ?? 120_000,
  })
}

/**
 * Runs a program of this machine in the host's PID namespace, with everything else of this machine: systemd's private
 * socket takes nobody from outside of it. Paths of the host lie below `host.root`.
 */
export const runBeside = (
  host: SystemdHost,
  argv: readonly [string, ...string[]],
  options: { readonly env?: Readonly<Record<string, string>>; readonly timeout?: number } = {},
): Promise<Outcome> =>
  run("nsenter", [`--target=${host.initPid}`, "--pid", "--", ...argv], {
    timeout: options.timeout ?? 120_000,
    ...(options.env === undefined ? {} : { env: options.env }),
  })
