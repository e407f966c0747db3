/**
 * Which real containerd can be asked? One per line of releases that matters, from Debian's packages, unpacked once into
 * the user's cache folder and found there again by every later run; lines that Debian does not have are built.
 */
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"
import { unpack } from "./Apt.ts"
import * as GoPrograms from "./GoPrograms.ts"

/** Debian's suites, each of which holds another line of containerd. */
export const suites = ["bookworm", "trixie", "sid"] as const

/** One of {@link suites}. */
export type Suite = (typeof suites)[number]

/** Lines that Debian has no package of, built from their modules. */
export const builtLines = ["2.2", "2.3", "2.4"] as const

/** One of {@link builtLines}. */
export type BuiltLine = (typeof builtLines)[number]

/** 2.2 is the last line of the older way to load files, 2.4 the newest; 2.3 does as 2.4, so it is built on demand only. */
export const linesOf = (way: GoPrograms.Way): ReadonlyArray<BuiltLine> =>
  builtLines.filter((line) => line !== "2.3" || way === "all")

/** Where a containerd comes from. */
export type Origin = Suite | BuiltLine

/** A containerd whose binaries lie on this machine and run. Plain data, so that vitest can hand it to its workers. */
export interface Release {
  readonly suite: Origin
  /** What the binary says of itself, such as `1.7.24`. */
  readonly version: string
  readonly major: number
  readonly minor: number
  /** Root of the unpacked packages: `usr/bin/containerd`, `usr/sbin/runc`. Built lines have no runc. */
  readonly root: string
}

/** What became of getting one release: it is here, or the reason why nothing can be said about it. */
export type Obtained =
  | { readonly suite: Origin; readonly release: Release }
  | { readonly suite: Origin; readonly notRun: string }

/** The daemon's own binary. */
export const containerdOf = (release: Release): string => join(release.root, "usr/bin/containerd")

const cacheFolder = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "kata-deploy", "containerd")

/** Reads the release from the binary itself: unstable moves, so the suite's name promises nothing. */
const inspect = async (suite: Origin, root: string): Promise<Release | string> => {
  const asked = await run(join(root, "usr/bin/containerd"), ["--version"])
  const found = /containerd\S* v?((\d+)\.(\d+)\.\d+)/.exec(asked.stdout)
  if (asked.code !== 0 || !found)
    return (asked.stderr || asked.stdout).trim() || "containerd --version said nothing"
  return { suite, version: found[1]!, major: Number(found[2]), minor: Number(found[3]), root }
}

/**
 * The release of one suite, downloaded if it is not in the cache.
 *
 * Safe when several runs want it at once: each fills a folder of its own and the first rename wins.
 */
export const obtain = async (suite: Suite): Promise<Obtained> => {
  const folder = cacheFolder()
  const root = join(folder, `${suite}-${process.arch}`)
  const cached = await inspect(suite, root)
  if (typeof cached !== "string") return { suite, release: cached }
  let scratch: string | undefined
  try {
    await mkdir(folder, { recursive: true })
    scratch = await mkdtemp(join(folder, `.${suite}-`))
    const fresh = join(scratch, "root")
    await unpack({ suite, packages: ["containerd", "runc"], scratch, root: fresh })
    const checked = await inspect(suite, fresh)
    // Not kept when it does not run here: it would be "not run" for ever without a new attempt.
    if (typeof checked === "string")
      return { suite, notRun: `containerd of ${suite} does not run here: ${checked}` }
    await rename(fresh, root).catch(async (error: NodeJS.ErrnoException) => {
      if (error.code !== "ENOTEMPTY" && error.code !== "EEXIST") throw error
      // Somebody else was faster, or what lies there is broken; a broken one is replaced.
      if (typeof (await inspect(suite, root)) !== "string") return
      await rm(root, { recursive: true, force: true })
      await rename(fresh, root)
    })
    return { suite, release: { ...checked, root } }
  } catch (error) {
    return { suite, notRun: `containerd of ${suite} could not be fetched: ${(error as Error).message}` }
  } finally {
    if (scratch) await rm(scratch, { recursive: true, force: true })
  }
}

/** The release of a built line, built if it is not in the cache and the way allows it. */
export const obtainBuilt = async (line: BuiltLine, way: GoPrograms.Way): Promise<Obtained> => {
  const built = await GoPrograms.obtain(`containerd ${line}`, way)
  if ("notRun" in built) return { suite: line, notRun: built.notRun }
  const release = await inspect(line, built.root)
  return typeof release === "string" ? { suite: line, notRun: release } : { suite: line, release }
}
