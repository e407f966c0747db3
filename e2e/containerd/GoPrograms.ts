/**
 * How do real programs get here that Debian has no package of? Their published Go modules are built, each once, into the
 * user's cache folder. `KATA_DEPLOY_E2E_GO` decides what happens where they are not there yet.
 */
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { run } from "../Command.ts"

/** A module with the version that is built of it, and the commands that are wanted; the first one can tell its version. */
interface Module {
  readonly path: string
  readonly version: string
  readonly commands: readonly [string, ...ReadonlyArray<string>]
}

const containerd = (version: string): Module => ({
  path: "github.com/containerd/containerd/v2",
  version,
  commands: ["containerd", "ctr", "containerd-shim-runc-v2"],
})

const modules = {
  "containerd 2.2": containerd("2.2.9"),
  "containerd 2.3": containerd("2.3.7"),
  "containerd 2.4": containerd("2.4.2"),
  "nydus-snapshotter": {
    path: "github.com/containerd/nydus-snapshotter",
    version: "0.15.15",
    commands: ["containerd-nydus-grpc", "nydus-overlayfs"],
  },
} as const satisfies Readonly<Record<string, Module>>

/** What can be built. */
export type Program = keyof typeof modules

/** Programs that lie on this machine and run. Plain data, so that vitest can hand it to its workers. */
export interface Built {
  /** Such as `2.4.2`. */
  readonly version: string
  /** The commands are in its `usr/bin`, as in an unpacked package. */
  readonly root: string
}

/** The programs, or the reason why there are none. */
export type Obtained = Built | { readonly notRun: string }

/**
 * What to do without programs: `build` (the default) makes them where they are missing, about a minute each on two cores,
 * `all` those as well that say nothing new (containerd 2.3), `cached` takes only what is in the cache folder, `none` does
 * not even look.
 */
export type Way = "build" | "all" | "cached" | "none"

const ways: ReadonlyArray<Way> = ["build", "all", "cached", "none"]

/** The way that the environment asks for. */
export const wayOf = (text: string | undefined): Way => {
  const way = text?.trim() || "build"
  const found = ways.find((one) => one === way)
  if (found === undefined) throw new Error(`KATA_DEPLOY_E2E_GO is ${way}; it can be ${ways.join(", ")}`)
  return found
}

const cacheFolder = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "kata-deploy", "go")

/** Why the commands below `root` are not those of the module; `undefined` where they are. */
const wrong = async ({ commands, version }: Module, root: string): Promise<string | undefined> => {
  const missing = commands.find((command) => !existsSync(join(root, "usr/bin", command)))
  if (missing !== undefined) return `${missing} is not in ${root}`
  const asked = await run(join(root, "usr/bin", commands[0]), ["--version"], { env: {} })
  return asked.code === 0 && asked.stdout.includes(`v${version}`)
    ? undefined
    : `${commands[0]} ${version} does not run here: ${(asked.stderr || asked.stdout).trim()}`
}

/** Oldest Go that is tried: from 1.21 on it knows to get a newer one that a module asks for, where it may. */
const oldest = [1, 24] as const

/** Why there is no Go to build with; `undefined` where there is one. */
const noGo = async (): Promise<string | undefined> => {
  const asked = await run("go", ["env", "GOVERSION"])
  if (asked.code !== 0) return `Go is needed to build it: ${asked.stderr.trim()}`
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(asked.stdout) ?? []
  const isOld = Number(major) === oldest[0] && Number(minor) < oldest[1]
  return isOld
    ? `Go ${oldest.join(".")} or newer is needed to build it, not ${asked.stdout.trim()}`
    : undefined
}

/** Compiling takes a minute; on a machine that does five things at once a quarter of an hour. */
const compileLimit = 20 * 60_000

/** Builds a module's commands into `folder`; the reason where that fails. It gives way to everything else on the machine. */
const build = async (module: Module, folder: string): Promise<string | undefined> => {
  const { commands, path, version } = module
  const fetched = await run("go", ["mod", "download", "-json", `${path}@v${version}`], { timeout: 300_000 })
  if (fetched.code !== 0) {
    const { Error: why } = JSON.parse(fetched.stdout || "{}") as { Error?: string }
    return `${path} ${version} could not be fetched: ${why ?? fetched.stderr.trim()}`
  }
  const { Dir: source } = JSON.parse(fetched.stdout) as { Dir: string }
  const stamp = `-s -w -X ${path}/version.Version=v${version}`
  const packages = commands.map((command) => `./cmd/${command}`)
  const made = await run(
    "nice",
    ["-n", "10", "go", "build", "-trimpath", "-ldflags", stamp, "-o", `${folder}/`, ...packages],
    {
      cwd: source,
      timeout: compileLimit,
      env: { ...(process.env as Record<string, string>), CGO_ENABLED: "0" },
    },
  )
  return made.code === 0
    ? undefined
    : `${path} ${version} could not be built: ${made.stderr.trim().split("\n").slice(-3).join(" ")}`
}

const make = async (module: Module, root: string): Promise<string | undefined> => {
  const scratch = await mkdtemp(join(cacheFolder(), ".build-"))
  try {
    const fresh = join(scratch, "root")
    await mkdir(join(fresh, "usr/bin"), { recursive: true })
    const why = (await build(module, join(fresh, "usr/bin"))) ?? (await wrong(module, fresh))
    if (why !== undefined) return why
    // Renamed as one, so that a half-filled folder is never taken for a whole; what is broken there goes.
    await rm(root, { recursive: true, force: true })
    await rename(fresh, root)
    return undefined
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

/** The programs, built if they are not in the cache and the way allows it. */
export const obtain = async (program: Program, way: Way): Promise<Obtained> => {
  if (way === "none") return { notRun: "KATA_DEPLOY_E2E_GO is none" }
  const module = modules[program]
  const root = join(cacheFolder(), `${program.replace(/ .*/, "")}-${module.version}-${process.arch}`)
  const built: Built = { version: module.version, root }
  if ((await wrong(module, root)) === undefined) return built
  if (way === "cached") return { notRun: `${program} was never built here, and KATA_DEPLOY_E2E_GO is cached` }
  const unable = await noGo()
  if (unable !== undefined) return { notRun: unable }
  console.error(`e2e: building ${program} (${module.version}) from its Go module, once`)
  await mkdir(cacheFolder(), { recursive: true })
  const why = await make(module, root)
  // A run beside this one may have been faster.
  return why === undefined || (await wrong(module, root)) === undefined ? built : { notRun: why }
}
