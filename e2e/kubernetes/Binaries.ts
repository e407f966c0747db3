/**
 * Which real API server can be asked? kube-apiserver 1.20.2, built from Debian's source package, and trixie's etcd, both
 * in the user's cache folder. `KATA_DEPLOY_E2E_KUBERNETES` decides what happens where they are not there.
 */
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"
import { unpack } from "../containerd/Apt.ts"
import { build } from "./Build.ts"

/** Version of the servers that Debian's source package holds. */
export const version = "1.20.2"

/** Programs that lie on this machine and run. Plain data, so that vitest can hand it to its workers. */
export interface Binaries {
  readonly apiserver: string
  readonly etcd: string
}

/** The binaries, or the reason why there are none. */
export type Obtained = Binaries | { readonly notRun: string }

/**
 * What to do without binaries: `cached` (the default) takes those of the cache folder, `build` makes them where they are
 * missing (about eight minutes), `double` does not even look. Without binaries only the double is asked.
 */
export type Way = "build" | "cached" | "double"

const ways: ReadonlyArray<Way> = ["build", "cached", "double"]

/** The way that the environment asks for. */
export const wayOf = (text: string | undefined): Way => {
  const way = text?.trim() || "cached"
  const found = ways.find((one) => one === way)
  if (found === undefined)
    throw new Error(`KATA_DEPLOY_E2E_KUBERNETES is ${way}; it can be ${ways.join(", ")}`)
  return found
}

const cacheFolder = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "kata-deploy")

/** Folder of the built servers; anything of that version may be put there by hand. */
export const serverFolder = (): string => join(cacheFolder(), "kubernetes", `${version}-${process.arch}`)

const etcdFolder = (): string => join(cacheFolder(), "etcd", `trixie-${process.arch}`)

/** What a program says of itself, or why it does not run here. */
const says = async (program: string, wanted: RegExp): Promise<string | undefined> => {
  if (!existsSync(program)) return `${program} is not there`
  const asked = await run(program, ["--version"], { env: {} })
  return wanted.test(asked.stdout)
    ? undefined
    : `${program} does not run here: ${asked.stderr || asked.stdout}`
}

/** Fills a folder of its own and renames it, so that a half-filled one is never taken for a whole. */
const fill = async (
  folder: string,
  work: (fresh: string, scratch: string) => Promise<void>,
): Promise<void> => {
  const parent = join(folder, "..")
  await mkdir(parent, { recursive: true })
  const scratch = await mkdtemp(join(parent, ".fill-"))
  try {
    const fresh = join(scratch, "fresh")
    await mkdir(fresh)
    await work(fresh, scratch)
    await rm(folder, { recursive: true, force: true })
    await rename(fresh, folder)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const obtainEtcd = async (): Promise<string | undefined> => {
  const program = join(etcdFolder(), "usr/bin/etcd")
  if ((await says(program, /etcd Version/)) === undefined) return undefined
  await fill(etcdFolder(), (root, scratch) =>
    unpack({ suite: "trixie", packages: ["etcd-server"], scratch, root }),
  )
  return says(program, /etcd Version/)
}

/** Looks for the binaries and gets what the way allows. */
export const obtain = async (way: Way): Promise<Obtained> => {
  if (way === "double") return { notRun: "KATA_DEPLOY_E2E_KUBERNETES is double" }
  const binaries: Binaries = {
    apiserver: join(serverFolder(), "kube-apiserver"),
    etcd: join(etcdFolder(), "usr/bin/etcd"),
  }
  const wanted = new RegExp(`Kubernetes v${version.replaceAll(".", "\\.")}`)
  try {
    const missing = await says(binaries.apiserver, wanted)
    if (missing !== undefined && way === "cached")
      return { notRun: `${missing}; KATA_DEPLOY_E2E_KUBERNETES=build makes it in about eight minutes` }
    if (missing !== undefined) await fill(serverFolder(), (fresh, scratch) => build(fresh, scratch))
    const broken = (await says(binaries.apiserver, wanted)) ?? (await obtainEtcd())
    return broken === undefined ? binaries : { notRun: broken }
  } catch (error) {
    return { notRun: (error as Error).message }
  }
}
