/**
 * Which hosts can be booted? One image per Debian suite, each with systemd and another line of containerd, made once by
 * mmdebstrap and kept in the user's cache folder.
 *
 * An image is what the mirror had when it was made: to take the newest packages, remove the folder.
 */
import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { mkdir, readdir, rm } from "node:fs/promises"
import { homedir } from "node:os"
import { join } from "node:path"
import { must, run } from "../Command.ts"
import { mirror } from "../containerd/Apt.ts"
import type { Suite } from "../containerd/Releases.ts"

/** An image that a host can be booted from. */
export interface Image {
  readonly suite: Suite
  /** A tar file, compressed with zstd. */
  readonly archive: string
}

/** What became of getting one image. */
export type Obtained = Image | { readonly suite: Suite; readonly notRun: string }

const cacheFolder = (): string =>
  join(process.env["XDG_CACHE_HOME"] || join(homedir(), ".cache"), "kata-deploy", "hosts")

const packages = [
  "systemd",
  "systemd-sysv",
  "dbus",
  "containerd",
  "runc",
  "containernetworking-plugins",
  "iproute2",
  // What our Node needs where a pod takes its programs from the host.
  "libatomic1",
  "libstdc++6",
]

/** Files that a node has and a minimal Debian has not: the CRI needs a network, and mounts the other two into pods. */
const files: Readonly<Record<string, string>> = {
  "/etc/hosts": "127.0.0.1 localhost\n",
  "/etc/resolv.conf": "nameserver 127.0.0.1\n",
  "/etc/cni/net.d/10-e2e.conflist": JSON.stringify({
    cniVersion: "0.4.0",
    name: "e2e",
    plugins: [{ type: "ptp", ipam: { type: "host-local", subnet: "10.244.0.0/24" } }],
  }),
}

/** Changes with what goes into an image, so that an older one is not taken for it. */
const edition = createHash("sha256")
  .update(JSON.stringify([packages, files]))
  .digest("hex")
  .slice(0, 8)

/** Makes the image; what `mmdebstrap` needs as hooks are shell lines with `$1` as the root. */
const make = async (suite: Suite, archive: string): Promise<void> => {
  const hooks = Object.entries(files).flatMap(([path, text]) => [
    `--customize-hook=mkdir -p "$1$(dirname ${path})"; rm -f "$1${path}"; printf %s '${text}' > "$1${path}"`,
  ])
  const args = [
    "--quiet",
    "--variant=minbase",
    // An unstable suite on a mirror that stands still is past its date and still good for a test.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    ...["doc", "man", "locale"].map((name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`),
    `--include=${packages.join(",")}`,
    ...hooks,
    suite,
    // The name decides the compression, so it ends as the real one does.
    `${archive}.making.tar.zst`,
    await mirror(),
  ]
  // Another run may be at it: who comes second finds the image there.
  const script =
    'archive=$1; shift; [ -e "$archive" ] || { "$@" && mv "$archive.making.tar.zst" "$archive"; }'
  await must("flock", [`${archive}.lock`, "sh", "-c", script, "sh", archive, "mmdebstrap", ...args], {
    timeout: 600_000,
  })
}

/** Programs that make and boot hosts, and the packages that have them. */
const programs = [
  ["mmdebstrap", "mmdebstrap"],
  ["systemd-nspawn", "systemd-container"],
] as const

const inCi = Boolean(process.env["CI"]) && process.env["CI"] !== "false"

/** A machine of CI is there for one run, so what is missing is installed; a developer is told instead. */
const installPrograms = async (): Promise<void> => {
  await mkdir(cacheFolder(), { recursive: true })
  const missing = `for program in ${programs.map(([program]) => program).join(" ")}; do command -v $program || exit 1; done`
  const wanted = programs.map(([, name]) => name).join(" ")
  const install = `apt-get update -qq && apt-get install -y -qq --no-install-recommends ${wanted}`
  // Other workers of this run may be at it; what went wrong shows when the programs are looked for.
  await run("flock", [join(cacheFolder(), "programs.lock"), "sh", "-c", `(${missing}) || (${install})`], {
    timeout: 300_000,
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
  })
}

/** The image of one suite, made if it is not in the cache. */
export const obtain = async (suite: Suite): Promise<Obtained> => {
  if (process.getuid?.() !== 0) return { suite, notRun: "booting a host needs root; you are not root" }
  if (inCi) await installPrograms()
  for (const [program, wanted] of programs) {
    const found = await run(program, ["--version"])
    if (found.code !== 0) return { suite, notRun: `${program} is missing (apt-get install ${wanted})` }
  }
  const archive = join(cacheFolder(), `${suite}-${process.arch}-${edition}.tar.zst`)
  if (existsSync(archive)) return { suite, archive }
  try {
    await mkdir(cacheFolder(), { recursive: true })
    await make(suite, archive)
    return { suite, archive }
  } catch (error) {
    const why = (error as Error).message.trim().split("\n").slice(-3).join(" ")
    return { suite, notRun: `the host of ${suite} could not be made: ${why}` }
  } finally {
    await sweep()
  }
}

/** Takes away what a run that was killed has left half made, and older editions. */
const sweep = async (): Promise<void> => {
  for (const name of await readdir(cacheFolder()).catch(() => [])) {
    const path = join(cacheFolder(), name)
    if (!name.includes(edition)) await rm(path, { force: true })
    if (!name.endsWith(".making.tar.zst")) continue
    const lock = path.replace(/\.making\.tar\.zst$/, ".lock")
    const isIdle = (await run("flock", ["--nonblock", lock, "true"])).code === 0
    if (isIdle) await rm(path, { force: true })
  }
}
