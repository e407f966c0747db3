/**
 * How does the real nydus-snapshotter run beside a real containerd? Our program installs it, in both ways, into a host
 * tree; containerd runs on a copy of that, and each way runs by the command of the unit that was installed.
 */
import { Client, credentials } from "@grpc/grpc-js"
import { spawn, type ChildProcess } from "node:child_process"
import { chmod, copyFile, mkdir, realpath, rm, writeFile } from "node:fs/promises"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { parse } from "protobufjs"
import { kataDeploy, told } from "../cli.ts"
import { copyArtifacts, kataArchitecture, type Artifacts } from "../hostTree/Artifacts.ts"
import type { SampleHost } from "../hostTree/SampleHost.ts"
import { type Schema, vanilla } from "../hostTree/Vanilla.ts"
import type { Built } from "./GoPrograms.ts"
import { inside } from "./HostView.ts"
import type { Release } from "./Releases.ts"
import { firstChildOf } from "./Daemon.ts"
import type { Running } from "./Running.ts"

/** Names of the two ways, as an instance without a suffix has them. */
export const names = ["nydus-for-kata-tee", "nydus-for-kata-hs"] as const

/** One of {@link names}. */
export type Name = (typeof names)[number]

/** Root hash of every disk that the stand-in for nydus-image makes. */
export const rootHash = "5".repeat(64)

/**
 * Stands in for nydus-image, a program in Rust that no package here has: it reads the layers and writes files of no
 * content, and says of verity what the real one says. Everything around it is the real snapshotter's.
 */
const nydusImage = `#!${inside}/bin/sh
out= verity=
verb=$1; shift
while [ $# -gt 0 ]; do
  case $1 in
    --bootstrap) [ "$verb" = export ] || out=$2; shift ;;
    --output) out=$2; shift ;;
    --verity) verity=1 ;;
    --type|--blob-id|--blob-dir|--localfs-dir) shift ;;
    --block) ;;
    *) [ "$verb" = create ] && while read -r _; do :; done <"$1" ;;
  esac
  shift
done
echo "$verb" >"$out"
[ -z "$verity" ] || echo 'dm-verity options: --no-superblock --format=1 -s "" --hash=sha256 --data-block-size=512 --hash-block-size=4096 --data-blocks 8 --hash-offset 4096 ${rootHash}'
`

/** Artifacts with the real programs, and the stand-in for nydus-image. */
const artifactsWith = async (shared: Artifacts, { root }: Built): Promise<Artifacts> => {
  const artifacts = await copyArtifacts(shared)
  const folder = join(artifacts.dir, "nydus-snapshotter")
  await mkdir(folder)
  for (const name of ["containerd-nydus-grpc", "nydus-overlayfs"])
    await copyFile(join(root, "usr/bin", name), join(folder, name))
  await writeFile(join(folder, "nydus-image"), nydusImage)
  for (const name of ["containerd-nydus-grpc", "nydus-overlayfs", "nydus-image"])
    await chmod(join(folder, name), 0o755)
  return artifacts
}

/** What an operator asks for: guests of qemu pull their images, those of clh get disks of the host. */
const env = (exportMode: string): Record<string, string> => ({
  [`SNAPSHOTTER_HANDLER_MAPPING_${kataArchitecture.toUpperCase()}`]: "qemu:nydus,clh:nydus-hs",
  EXPERIMENTAL_SETUP_SNAPSHOTTER: "nydus,nydus-hs",
  NYDUS_HS_EXPORT_MODE: exportMode,
})

/** A host tree on which our program installed nydus in both ways, beside an operator's file of that schema. */
export const installed = async (
  release: Release,
  built: Built,
  shared: Artifacts,
  { exportMode, schema }: { readonly exportMode: string; readonly schema: Schema },
): Promise<SampleHost> => {
  const host = await vanilla(release.version, { schema })
  await using artifacts = await artifactsWith(shared, built)
  const setting = { host, artifacts, shims: ["qemu", "clh"], env: env(exportMode) }
  const outcome = await kataDeploy(setting, "install", "--once")
  if (outcome.code === 0) return host
  await host[Symbol.asyncDispose]()
  throw new Error(`the install of nydus failed\n${told(outcome)}`)
}

/** A nydus-snapshotter that runs. */
export interface Snapshotter {
  /** What it has said since its last start. */
  readonly log: () => string
  /** Ends it, runs `body` and starts it anew. */
  readonly without: (body: () => Promise<void>) => Promise<void>
}

/** Starts one of the two by its unit's command, where the daemon is, and waits for its socket. */
export const start = async (host: SampleHost, daemon: Running, name: Name): Promise<Snapshotter> => {
  const unit = await host.read(`/etc/systemd/system/${name}.service`)
  const command = /^ExecStart=(.*)$/m.exec(unit)?.[1]?.split(" ") ?? []
  const socket = daemon.at(`/run/${name}/containerd-nydus-grpc.sock`)
  let log = ""
  let child: ChildProcess
  let closed: Promise<void>
  const begin = async (): Promise<void> => {
    const { args, env: environment, program } = daemon.within(...command)
    log = ""
    let ended = false
    child = spawn(program, [...args], { env: environment, stdio: ["ignore", "pipe", "pipe"] })
    for (const stream of [child.stdout!, child.stderr!])
      stream.setEncoding("utf8").on("data", (text: string) => (log += text))
    closed = new Promise<void>((resolve) => child.once("close", () => resolve())).then(() => {
      ended = true
    })
    for (const deadline = Date.now() + 20_000; !existsSync(socket); await pause(40))
      if (ended || Date.now() > deadline) throw new Error(`${name} did not come up\n${log}`)
  }
  const end = async (): Promise<void> => {
    process.kill(firstChildOf(child), "SIGTERM")
    await closed
    await rm(socket, { force: true })
  }
  await begin()
  return {
    log: () => log,
    without: async (body) => {
      await end()
      await body()
      await begin()
    },
  }
}

/** Gives the daemon a shell, for the stand-in. */
export const withShell = async (daemon: Running): Promise<void> => {
  await mkdir(join(daemon.folder, "bin"), { recursive: true })
  await copyFile(await realpath("/bin/sh"), join(daemon.folder, "bin/sh"))
}

/** The messages of Kubernetes' container runtime interface with which an image is pulled for a pod. */
const definition = `
syntax = "proto3";
package runtime.v1;
message PullImageRequest { ImageSpec image = 1; PodSandboxConfig sandbox_config = 3; }
message ImageSpec { string image = 1; }
message PodSandboxConfig { map<string, string> annotations = 7; }
message PullImageResponse { string image_ref = 1; }
`

/** Pulls an image as a kubelet does for a pod of that runtime handler. */
export const pullFor = (socket: string, handler: string, image: string): Promise<void> => {
  const root = parse(definition).root
  const request = root.lookupType("runtime.v1.PullImageRequest")
  const client = new Client(`unix:${socket}`, credentials.createInsecure())
  const value = {
    image: { image },
    sandboxConfig: { annotations: { "io.containerd.cri.runtime-handler": handler } },
  }
  return new Promise<void>((resolve, reject) =>
    client.makeUnaryRequest(
      "/runtime.v1.ImageService/PullImage",
      (message: object) => Buffer.from(request.encode(request.fromObject(message)).finish()),
      (bytes: Buffer) => bytes,
      value,
      { deadline: Date.now() + 30_000 },
      (error) => (error ? reject(error) : resolve()),
    ),
  ).finally(() => client.close())
}
