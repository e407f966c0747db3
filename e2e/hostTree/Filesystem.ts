/**
 * On which filesystem does a daemon keep what it stores? One of a test's own, in a file that is mounted for as long as it
 * is needed; only root can do that.
 */
import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { must, run } from "../Command.ts"

/** Kinds of them; `overlay` is what a node has that is a container itself. */
export const kinds = ["ext4", "ext4 with the verity feature", "tmpfs", "overlay"] as const

/** One of {@link kinds}. */
export type Kind = (typeof kinds)[number]

/** A filesystem that is mounted. */
export interface Filesystem extends AsyncDisposable {
  /** Its root; a path short enough for a socket below it. */
  readonly dir: string
}

const made: Readonly<Record<Kind, (dir: string, scratch: string) => Promise<void>>> = {
  ext4: (dir, scratch) => ext4(dir, scratch, []),
  "ext4 with the verity feature": (dir, scratch) => ext4(dir, scratch, ["-O", "verity"]),
  tmpfs: async (dir) => void (await must("mount", ["-t", "tmpfs", "tmpfs", dir])),
  overlay: async (dir, scratch) => {
    const [lower, upper, work] = ["lower", "upper", "work"].map((name) => join(scratch, name))
    for (const path of [lower, upper, work]) await mkdir(path!)
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
    await must("mount", ["-t", "overlay", "overlay", "-o", options, dir])
  },
}

const ext4 = async (dir: string, scratch: string, options: ReadonlyArray<string>): Promise<void> => {
  const file = join(scratch, "disk")
  await must("truncate", ["--size=512M", file])
  await must("mkfs.ext4", ["-q", ...options, file])
  await must("mount", ["-o", "loop", file, dir])
}

/** Makes one and mounts it. */
export const mounted = async (kind: Kind): Promise<Filesystem> => {
  const scratch = await mkdtemp(join(tmpdir(), "kd-disk-"))
  const dir = await mkdtemp(join(tmpdir(), "kd-"))
  const dispose = async (): Promise<void> => {
    // Layers of erofs may be immutable, also those below an overlay.
    for (const path of [dir, scratch]) await run("chattr", ["-R", "-f", "-i", path])
    await run("umount", [dir])
    for (const path of [dir, scratch]) await rm(path, { recursive: true, force: true })
  }
  try {
    await made[kind](dir, scratch)
  } catch (error) {
    await dispose()
    throw error
  }
  return { dir, [Symbol.asyncDispose]: dispose }
}
