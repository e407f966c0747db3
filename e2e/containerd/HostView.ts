/**
 * How does a real program see a host tree as the machine it runs on?
 *
 * Configurations name absolute host paths (`/opt/kata/…`), and the tree lies in a temporary folder. So the program gets
 * namespaces of its own in which `/` is a copy of the tree, made that moment, with the machine's libraries, `/proc`,
 * `/sys` and `/dev` added. A copy, not the tree: a daemon that creates `/etc/cni` or `/opt/containerd` while starting must
 * not spoil the comparison of the tree before and after.
 *
 * The process namespace is the safety net: when its first process ends, the kernel ends all others, and it ends with the
 * test process. As root nothing more is needed; as a user the same is tried in a user namespace.
 */
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"
import { containerdOf, type Release } from "./Releases.ts"

/**
 * Where the shared folder is found inside. Always the same, so that what containerd tells of itself is the same too,
 * however often it is started.
 */
export const inside = "/run/e2e"

/** Arguments: the tree, the unpacked packages, a folder shared with the machine, then the program with its arguments. */
const enter = `
set -eu
tree=$1 packages=$2 shared=$3; shift 3
base=$shared/view
mkdir -p "$base"
mount -t tmpfs -o mode=0755 tmpfs "$base"
cp -R --no-dereference --preserve=mode,timestamps,links "$tree/." "$base/"
for dir in /lib /lib32 /lib64 /usr/lib /usr/lib32 /usr/lib64; do
  if [ -L "$dir" ]; then
    ln -sfn "$(readlink "$dir")" "$base$dir"
  elif [ -d "$dir" ]; then
    mkdir -p "$base$dir"; mount --bind "$dir" "$base$dir"
  fi
done
mkdir -p "$base/proc" "$base/sys" "$base/dev" "$base/run" "$base/tmp" "$base$packages" "$base${inside}"
mount -t proc proc "$base/proc"
mount --rbind /sys "$base/sys"
mount --rbind /dev "$base/dev"
mount --bind "$packages" "$base$packages"
mount --bind "$shared" "$base${inside}"
exec chroot "$base" "$@"
`

const unshare = [
  // If this process dies without a word, so does unshare, and with it everything inside.
  "--pdeathsig=KILL",
  "unshare",
  ...(process.getuid?.() === 0 ? [] : ["--user", "--map-root-user"]),
  "--mount",
  "--propagation=private",
  "--pid",
  "--fork",
  "--kill-child=KILL",
]

/** The command that runs containerd of `release` with `args` on the host tree `tree`; to be started without a shell. */
export const insideTree = (options: {
  readonly release: Release
  readonly tree: string
  /** A short folder of the machine, which the program finds at {@link inside}. */
  readonly shared: string
  readonly args: ReadonlyArray<string>
}): {
  readonly program: string
  readonly args: ReadonlyArray<string>
  readonly env: Record<string, string>
} => {
  const { release, tree, shared, args } = options
  return {
    program: "setpriv",
    args: [...unshare, "sh", "-c", enter, "sh", tree, release.root, shared, containerdOf(release), ...args],
    env: {
      // What a test puts into `bin` of the shared folder is found last.
      PATH: `${release.root}/usr/sbin:${release.root}/usr/bin:/usr/sbin:/usr/bin:/sbin:/bin:${inside}/bin`,
      HOME: "/root",
    },
  }
}

/** Makes a folder whose path is short enough for a socket below it (the kernel allows 107 bytes). */
export const sharedFolder = (): Promise<string> => mkdtemp(join(tmpdir(), "kd-"))

/** Why containerd cannot be run on a host tree by this user on this machine; `undefined` where it can. */
export const viewRefused = async (release: Release): Promise<string | undefined> => {
  const tree = await sharedFolder()
  const shared = await sharedFolder()
  try {
    const { program, args, env } = insideTree({ release, tree, shared, args: ["--version"] })
    const tried = await run(program, args, { env })
    return tried.code === 0
      ? undefined
      : `no namespaces for this user (root is the way): ${tried.stderr.trim()}`
  } finally {
    await rm(tree, { recursive: true, force: true })
    await rm(shared, { recursive: true, force: true })
  }
}
