/**
 * How does the program run on a host tree as if that were the machine? In namespaces of its own whose root is the tree,
 * with the machine's libraries and Node added: by `--host-root=/`, as root on a node.
 */
import { mkdir } from "node:fs/promises"
import { join } from "node:path"
import type { Setting } from "../cli.ts"
import { run, type Outcome } from "../Command.ts"
import { kataArchitecture } from "./Artifacts.ts"

const checkout = join(import.meta.dirname, "../..")
const bundle = join(checkout, "packages/cli/dist/kata-deploy.mjs")

/** Arguments: the tree, the directory that its containerd's root is, folders to be found at their own place, `--`, the program. */
const enter = `
set -eu
tree=$1 store=$2; shift 2
for dir in /lib /lib32 /lib64 /usr/lib; do
  if [ -d "$dir" ]; then mkdir -p "$tree$dir"; mount --bind "$dir" "$tree$dir"; fi
done
while [ "$1" != -- ]; do mkdir -p "$tree$1"; mount --bind "$1" "$tree$1"; shift; done
shift
mkdir -p "$tree/proc" "$tree/dev" "$tree/var/lib/containerd" "$tree/usr/bin"
mount --rbind /dev "$tree/dev"
cp "$(command -v flock)" "$(command -v cat)" "$tree/usr/bin/"
mount -t proc proc "$tree/proc"
mount --bind "$store" "$tree/var/lib/containerd"
exec chroot "$tree" "$@"
`

/** Runs `kata-deploy` with `args`; containerd's root is `store`, a folder of this machine. Only root can. */
export const kataDeployAsMachine = async (
  { artifacts, env, host, shims }: Setting,
  store: string,
  ...args: ReadonlyArray<string>
): Promise<Outcome> => {
  await mkdir(store, { recursive: true })
  const folders = [checkout, artifacts.dir]
  const flags = ["--host-root=/", `--artifacts=${artifacts.dir}`, "--kube=none", "--systemd=none"]
  const program = [process.execPath, bundle, ...flags]
  const namespaces = ["--mount", "--propagation=private", "--pid", "--fork", "--kill-child=KILL"]
  return run(
    "unshare",
    [...namespaces, "sh", "-c", enter, "sh", host.dir, store, ...folders, "--", ...program, ...args],
    {
      env: {
        PATH: "/usr/sbin:/usr/bin:/sbin:/bin",
        ...host.settings,
        ...(shims ? { [`SHIMS_${kataArchitecture.toUpperCase()}`]: shims.join(" ") } : {}),
        ...(env as Record<string, string>),
      },
      timeout: 120_000,
    },
  )
}
