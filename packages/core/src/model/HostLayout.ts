/**
 * Answers: where does this process see a host path? Either the whole root lies below one directory, or single host
 * paths are mounted as in the pod. What is not mounted is out of sight.
 */
import * as Distribution from "./Distribution.ts"
import * as HostPath from "./HostPath.ts"

/** One host path, a directory or a single file, and the path at which this process sees it. */
export interface Mount {
  /** The path on the host. */
  readonly host: HostPath.HostPath
  /** The absolute path that this process uses. */
  readonly seen: string
}

/** Everything of the host that this process sees; the longest host path comes first. */
export interface HostLayout {
  /** What is mounted, longest host path first. */
  readonly mounts: ReadonlyArray<Mount>
}

const make = (mounts: ReadonlyArray<Mount>): HostLayout => ({
  mounts: [...mounts].sort((a, b) => b.host.length - a.host.length || (a.host < b.host ? -1 : 1)),
})

/** The whole root of the host lies below `directory`: `/` for this machine itself, else `--host-root`. */
export const wholeRoot = (directory: string): HostLayout => make([{ host: HostPath.root, seen: directory }])

/** What the mounts of the pod depend on. */
export interface PodPaths {
  /** The host directory that `/etc/containerd` in the container shows. */
  readonly containerdConfigDir: HostPath.HostPath
  /** The install directory `D`. */
  readonly installDir: HostPath.HostPath
  /** What this pod shows besides; a mount that is not there would hide what is mounted below it. */
  readonly besides?: ReadonlyArray<Mount>
}

/**
 * What a pod may show so that it can purge what nydus stored: a directory is removed from the one above it. No pod of
 * upstream has it, and ours only where the operator wants that.
 */
export const varLib: Mount = { host: HostPath.make("/var/lib"), seen: "/host-var-lib" }

/** Host paths that the pod shows at another place. Source: spec 01 §9. */
const moved: ReadonlyArray<readonly [host: string, seen: string]> = [
  ["/etc/machine-id", "/host-machine-id"],
  ["/run/lock", "/host-run-lock"],
  ["/usr/bin", "/host-usr/bin"],
  ["/usr/sbin", "/host-usr/sbin"],
  ["/usr/local/bin", "/host-usr-local/bin"],
  ["/usr/local/sbin", "/host-usr-local/sbin"],
  ["/bin", "/host-bin"],
  ["/sbin", "/host-sbin"],
]

/** Host paths that the pod shows where they are; the kernel's own are shared by every container. */
const unmoved: ReadonlyArray<string> = [
  "/etc/crio",
  "/etc/systemd/system",
  "/run/systemd/private",
  "/run/dbus",
  "/boot",
  "/proc/modules",
  "/proc/config.gz",
  "/proc/sys/kernel/osrelease",
  "/sys/module",
  "/sys/class/misc",
  "/sys/fs",
]

/**
 * The mounts that the pod may have. Source: spec 01 §9; decisions §11. Three kinds of them upstream's pod has not, and
 * where one is missing, what it shows is out of sight: the directory of the CRI runtime's socket, because a socket file
 * goes with every restart, the one in which the runtime keeps its layers, and that of the system bus.
 */
export const pod = (paths: PodPaths): HostLayout => {
  const mounts = new Map<HostPath.HostPath, string>()
  for (const [host, seen] of moved) mounts.set(HostPath.make(host), seen)
  for (const path of unmoved) mounts.set(HostPath.make(path), path)
  for (const { socket, storeDir } of Distribution.rows)
    for (const path of [HostPath.parent(socket), storeDir]) mounts.set(path, path)
  mounts.set(paths.containerdConfigDir, "/etc/containerd")
  mounts.set(paths.installDir, paths.installDir)
  for (const { host, seen } of paths.besides ?? []) mounts.set(host, seen)
  return make(Array.from(mounts, ([host, seen]) => ({ host, seen })))
}

/** The mount through which `path` is seen; `undefined` when it is out of sight. */
export const mountOf = (layout: HostLayout, path: HostPath.HostPath): Mount | undefined =>
  layout.mounts.find((mount) => HostPath.isWithin(path, mount.host))

/** The path at which this process sees `path`, links not considered; `undefined` when it is out of sight. */
export const toSeen = (layout: HostLayout, path: HostPath.HostPath): string | undefined => {
  const mount = mountOf(layout, path)
  if (mount === undefined) return undefined
  const below = path === mount.host ? "" : HostPath.relativeTo(path, mount.host)
  if (below === "") return mount.seen
  return mount.seen.endsWith("/") ? `${mount.seen}${below}` : `${mount.seen}/${below}`
}

/** Where mounts of the layout are seen that lie below `path`; what is mounted proves the directories above it. */
export const seenBelow = (layout: HostLayout, path: HostPath.HostPath): ReadonlyArray<string> =>
  layout.mounts.filter((mount) => HostPath.isBelow(mount.host, path)).map((mount) => mount.seen)
