/**
 * Which real API servers can be asked? kube-apiserver 1.20.2 of Debian's source package and 1.34.4 of its Go module, with
 * trixie's etcd, all in the user's cache folder. `KATA_DEPLOY_E2E_KUBERNETES` decides what happens where they are not there.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"
import { unpack } from "../containerd/Apt.ts"
import * as FromDebian from "./Build.ts"
import * as FromModules from "./BuildFromModules.ts"

/** A release of Kubernetes' servers, and how it gets here. */
export interface Release {
  readonly version: string
  /** Builds servers, such as `kube-apiserver`, into `folder`. */
  readonly build: (servers: ReadonlyArray<string>, folder: string, scratch: string) => Promise<void>
}

/** What Debian's source package holds: a kubelet that speaks the CRI of containerd 1.x, a Node without runtime handlers. */
export const older: Release = { version: "1.20.2", build: FromDebian.build }

/** A Node that tells its runtime handlers, and a kubelet that speaks the CRI of containerd 2.x. */
export const newer: Release = {
  version: "1.34.4",
  build: (servers, folder, scratch) => FromModules.build("1.34.4", servers, folder, scratch),
}

/** Every release that is asked. */
export const releases: ReadonlyArray<Release> = [older, newer]

/** Programs that lie on this machine and run. */
export interface Binaries {
  readonly release: Release
  readonly apiserver: string
  readonly etcd: string
}

/** What brings pods to a node and runs them there. */
export interface NodeBinaries {
  readonly kubelet: string
  readonly scheduler: string
}

const everyServer = ["kube-apiserver", "kube-scheduler", "kubelet"] as const

type Server = (typeof everyServer)[number]

/** The binaries, or the reason why there are none. */
export type Obtained = Binaries | { readonly notRun: string }

/**
 * What to do without binaries: `cached` (the default) takes those of the cache folder, `build` makes them where they are
 * missing (about ten minutes), `double` does not even look. Without binaries only the double is asked.
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
const serverFolder = ({ version }: Release): string =>
  join(cacheFolder(), "kubernetes", `${version}-${process.arch}`)

const etcdFolder = (): string => join(cacheFolder(), "etcd", `trixie-${process.arch}`)

/** What a program says of itself, or why it does not run here. */
const says = async (program: string, wanted: RegExp): Promise<string | undefined> => {
  if (!existsSync(program)) return `${program} is not there`
  const asked = await run(program, ["--version"], { env: {} })
  return wanted.test(asked.stdout)
    ? undefined
    : `${program} does not run here: ${asked.stderr || asked.stdout}`
}

/** Runs work that fills a fresh folder, with room for its scratch beside it, and hands on what it filled. */
const fill = async (
  folder: string,
  work: (fresh: string, scratch: string) => Promise<void>,
  take: (fresh: string) => Promise<void>,
): Promise<void> => {
  const parent = join(folder, "..")
  await mkdir(parent, { recursive: true })
  const scratch = await mkdtemp(join(parent, ".fill-"))
  try {
    const fresh = join(scratch, "fresh")
    await mkdir(fresh)
    await work(fresh, scratch)
    await take(fresh)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

const obtainEtcd = async (): Promise<string | undefined> => {
  const program = join(etcdFolder(), "usr/bin/etcd")
  if ((await says(program, /etcd Version/)) === undefined) return undefined
  await fill(
    etcdFolder(),
    (root, scratch) => unpack({ suite: "trixie", packages: ["etcd-server"], scratch, root }),
    // Renamed as one, so that a half-filled folder is never taken for a whole.
    async (fresh) => {
      await rm(etcdFolder(), { recursive: true, force: true })
      await rename(fresh, etcdFolder())
    },
  )
  return says(program, /etcd Version/)
}

const saysVersion = (release: Release, server: Server): Promise<string | undefined> =>
  says(
    join(serverFolder(release), server),
    new RegExp(`Kubernetes v${release.version.replaceAll(".", "\\.")}`),
  )

const missingOf = async (
  release: Release,
  servers: ReadonlyArray<Server>,
): Promise<ReadonlyArray<readonly [Server, string]>> => {
  const looked = await Promise.all(
    servers.map(async (server) => [server, await saysVersion(release, server)] as const),
  )
  return looked.flatMap(([server, why]) => (why === undefined ? [] : [[server, why] as const]))
}

/** Builds whatever is missing of all servers, while no other worker of the run does. */
const buildMissing = async (release: Release): Promise<void> => {
  const folder = serverFolder(release)
  await mkdir(folder, { recursive: true })
  const lock = spawn("flock", [`${folder}.lock`, "sh", "-c", "echo ours; cat"], {
    stdio: ["pipe", "pipe", "inherit"],
  })
  try {
    await once(lock.stdout, "data")
    const wanted = (await missingOf(release, everyServer)).map(([server]) => server)
    if (wanted.length === 0) return
    await fill(
      folder,
      (fresh, scratch) => release.build(wanted, fresh, scratch),
      async (fresh) => {
        for (const server of wanted) await rename(join(fresh, server), join(folder, server))
      },
    )
  } finally {
    lock.stdin.end()
  }
}

/** Looks for servers, and builds those that are missing where the way allows it; the reason why some are not there. */
const obtainServers = async (
  release: Release,
  servers: ReadonlyArray<Server>,
  way: Way,
): Promise<{ readonly notRun: string } | undefined> => {
  if (way === "double") return { notRun: "KATA_DEPLOY_E2E_KUBERNETES is double" }
  const [first] = await missingOf(release, servers)
  if (first === undefined) return undefined
  if (way === "cached")
    return { notRun: `${first[1]}; KATA_DEPLOY_E2E_KUBERNETES=build makes it in about ten minutes` }
  await buildMissing(release)
  const [broken] = await missingOf(release, servers)
  return broken === undefined ? undefined : { notRun: broken[1] }
}

/** Looks for the binaries of a control plane and gets what the way allows. */
export const obtain = async (way: Way, release: Release = older): Promise<Obtained> => {
  try {
    const why = await obtainServers(release, ["kube-apiserver"], way)
    if (why !== undefined) return why
    const broken = await obtainEtcd()
    if (broken !== undefined) return { notRun: broken }
    return {
      release,
      apiserver: join(serverFolder(release), "kube-apiserver"),
      etcd: join(etcdFolder(), "usr/bin/etcd"),
    }
  } catch (error) {
    return { notRun: (error as Error).message }
  }
}

/** As {@link obtain}, with what a node takes part in a cluster by. */
export const obtainNode = async (
  way: Way,
  release: Release,
): Promise<(Binaries & NodeBinaries) | { readonly notRun: string }> => {
  const binaries = await obtain(way, release)
  if ("notRun" in binaries) return binaries
  try {
    const why = await obtainServers(release, ["kubelet", "kube-scheduler"], way)
    if (why !== undefined) return why
    const folder = serverFolder(release)
    return { ...binaries, kubelet: join(folder, "kubelet"), scheduler: join(folder, "kube-scheduler") }
  } catch (error) {
    return { notRun: (error as Error).message }
  }
}
