/**
 * What is a host with a small disk? A filesystem of its own at one path of a host tree, made in a mount namespace that
 * takes it away with it, however a test ends. What is in it is seen through the namespace's root.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { statfs } from "node:fs/promises"
import { join } from "node:path"
import { must } from "../Command.ts"
import type { SampleHost } from "./SampleHost.ts"

/** Which filesystem it is. An ext4 takes a whole block for each file, a tmpfs a page. */
export type SmallDiskKind = "tmpfs" | "ext4"

/** A host whose tree holds the disk. */
export interface SmallDisk extends AsyncDisposable {
  readonly host: SampleHost
  /** Lets a file of somebody else grow until only so many bytes are left. */
  readonly leave: (bytes: number) => Promise<void>
  /** Takes that file away again. */
  readonly makeRoom: () => Promise<void>
}

const mountOf: Readonly<Record<SmallDiskKind, string>> = {
  tmpfs: 'mount -t tmpfs -o mode=0755,size=96m tmpfs "$1"',
  ext4: `img=$(mktemp) && truncate -s 96M "$img" && mkfs.ext4 -q -m 0 -b 4096 "$img" &&
    mount -o loop "$img" "$1"; rm -f "$img"; chmod 0755 "$1"`,
}

/** Mounts a small disk at a host path. */
export const smallDisk = async (
  host: SampleHost,
  kind: SmallDiskKind,
  hostPath: string,
): Promise<SmallDisk> => {
  // It ends, and the mount with it, when nobody holds its stdin any more.
  const script = `set -e; mkdir -p "$1"; ${mountOf[kind]}; mountpoint -q "$1"; echo mounted; cat`
  const holder = spawn(
    "unshare",
    ["--mount", "--propagation=private", "sh", "-c", script, "sh", host.at(hostPath)],
    { stdio: ["pipe", "pipe", "pipe"] },
  )
  const ended = once(holder, "exit")
  let said = ""
  holder.stderr.setEncoding("utf8").on("data", (text: string) => (said += text))
  const mounted = once(holder.stdout.setEncoding("utf8"), "data").then(() => true)
  if (!(await Promise.race([mounted, ended.then(() => false)])))
    throw new Error(`no ${kind} could be mounted at ${hostPath}: ${said}`)
  const dir = `/proc/${holder.pid}/root${host.dir}`
  const at = (path: string): string => join(dir, path)
  const ballast = at(join(hostPath, "ballast"))
  return {
    host: { ...host, dir, at },
    leave: async (bytes) => {
      const { bavail, bsize } = await statfs(at(hostPath))
      await must("fallocate", ["--length", String(bavail * bsize - bytes), ballast])
    },
    makeRoom: async () => void (await must("rm", ["-f", ballast])),
    [Symbol.asyncDispose]: async () => {
      holder.stdin.end()
      await ended
    },
  }
}
