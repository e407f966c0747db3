/**
 * Where does a test get `mkfs.erofs` from? Debian's erofs-utils with its libraries, unpacked once into the user's cache
 * folder: sid's is newer than containerd needs, bookworm's is too old for it.
 */
import { existsSync } from "node:fs"
import { cp, copyFile, mkdir, mkdtemp, realpath, readdir, rename, rm, writeFile } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"
import { unpackWhole } from "./Apt.ts"
import { inside } from "./HostView.ts"
import type { Obtained as Containerds } from "./Releases.ts"

/** Suites whose erofs-utils differ in what matters. */
export type Suite = "bookworm" | "sid"

/** Programs that lie on this machine. */
export interface ErofsUtils {
  /** Root of the unpacked packages. */
  readonly root: string
  /** The program itself, as a host would have it. */
  readonly mkfs: string
}

/** The programs, or the reason why there are none. */
export type Obtained = ErofsUtils | { readonly notRun: string }

const at = (root: string): ErofsUtils => ({ root, mkfs: join(root, "usr/bin/mkfs.erofs") })

/** The programs of a suite, downloaded if they are not in the cache. */
export const obtain = async (suite: Suite): Promise<Obtained> => {
  const cache = process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache")
  const folder = join(cache, "kata-deploy", "erofs-utils")
  const found = at(join(folder, `${suite}-${process.arch}`))
  if (existsSync(found.mkfs)) return found
  await mkdir(folder, { recursive: true })
  const scratch = await mkdtemp(join(folder, `.${suite}-`))
  try {
    const fresh = join(scratch, "root")
    await unpackWhole({ suite, packages: ["erofs-utils"], scratch, root: fresh })
    // Somebody else may have been faster; then theirs is as good.
    await rename(fresh, found.root).catch(() => undefined)
    return existsSync(found.mkfs) ? found : { notRun: `${found.mkfs} is not in the package of ${suite}` }
  } catch (error) {
    return { notRun: `erofs-utils of ${suite} could not be fetched: ${(error as Error).message}` }
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** Why nothing can be said about the erofs snapshotter on this machine; `undefined` where it can. */
export const kernelRefuses = async (): Promise<string | undefined> => {
  await run("modprobe", ["erofs"])
  const known = await run("cat", ["/proc/filesystems"])
  return /\terofs$/m.test(known.stdout) ? undefined : "this kernel has no erofs"
}

const library = "erofs-lib"

/**
 * Gives a daemon `mkfs.erofs` with the libraries that it was made for, what makes writable layers, and a shell, in the
 * part of its path that is found last. A daemon that is started on the folder later finds them.
 */
export const equip = async (utils: ErofsUtils, folder: string): Promise<void> => {
  const bin = join(folder, "bin")
  await mkdir(bin, { recursive: true })
  const libraries = (await readdir(join(utils.root, "usr/lib"))).find((name) => name.endsWith("-linux-gnu"))!
  await cp(join(utils.root, "usr/lib", libraries), join(folder, library), {
    recursive: true,
    verbatimSymlinks: true,
  })
  await copyFile(utils.mkfs, join(folder, library, "mkfs.erofs"))
  const loader = (await readdir(join(folder, library))).find((name) => name.startsWith("ld-linux"))!
  const from = `${inside}/${library}`
  await copyFile(await realpath("/bin/sh"), join(bin, "sh"))
  await copyFile(await realpath("/usr/sbin/mkfs.ext4"), join(bin, "mkfs.ext4"))
  await writeFile(
    join(bin, "mkfs.erofs"),
    `#!${inside}/bin/sh\nexec ${from}/${loader} --library-path ${from} ${from}/mkfs.erofs "$@"\n`,
    { mode: 0o755 },
  )
}

/** Gives it bookworm's `runc`, which needs no newer libraries than the machine's; why there is none, where there is none. */
export const giveRunc = async (
  releases: ReadonlyArray<Containerds>,
  folder: string,
): Promise<string | undefined> => {
  const bookworm = releases.find(({ suite }) => suite === "bookworm")
  if (bookworm === undefined || "notRun" in bookworm) return bookworm?.notRun ?? "bookworm was not asked for"
  await copyFile(join(bookworm.release.root, "usr/sbin/runc"), join(folder, "bin/runc"))
  return undefined
}
