/**
 * What does the installer's image bring with it? A folder in upstream's format, made with GNU tar so that the tests do not
 * trust the code under test: `shim-components.json`, `versions.yaml`, and one `kata-static-<component>.tar.zst` each.
 */
import { chmod, cp, link, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pipeline } from "node:stream/promises"
import { Readable } from "node:stream"
import { createWriteStream } from "node:fs"
import { createZstdCompress } from "node:zlib"
import { must } from "../Command.ts"
import * as OwnFolder from "../OwnFolder.ts"
import { configurationOf, sampleShims, type SampleShim } from "./KataConfigurations.ts"
import { writeFiles, type Entry, type Files } from "./SampleHost.ts"

/** The name that Kata and the manifest use for this machine's architecture. */
export const kataArchitecture: string =
  ({ x64: "x86_64", arm64: "aarch64", ppc64: "ppc64le" } as Record<string, string>)[process.arch] ??
  process.arch

/** A folder of artifacts. */
export interface Artifacts extends AsyncDisposable {
  readonly dir: string
  /** Path of one component's archive. */
  readonly archive: (component: string) => string
}

/** How the sample differs from the plain one. */
export interface ArtifactOptions {
  /** Whether the archives tell their unpacked size. Default "unknown": upstream pipes tar into zstd. */
  readonly sizes?: "known" | "unknown"
  /** More bytes in the guest image; they shrink to about a twentieth. */
  readonly bulk?: number
  /** What Go's shim is, where it has to run: a script. Default: bytes that look like a program. */
  readonly shim?: string
}

/** Bytes that look like a program: the same every time, and not compressible. */
const noise = (seed: string, bytes: number): string => {
  let state = [...seed].reduce((sum, char) => (sum * 31 + char.charCodeAt(0)) >>> 0, 7)
  let text = ""
  while (text.length < bytes) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    text += state.toString(36)
  }
  return text.slice(0, bytes)
}

/** Repeats a random piece, changed a little each time, so that the archive is about a twentieth of it. */
const bulky = (bytes: number): string => {
  const pieces: Array<string> = []
  const piece = noise("piece", 4096)
  for (let written = 0, n = 0; written < bytes; written += 4096, n += 1) {
    pieces.push(noise(`head-${n}`, 200) + piece.slice(200))
  }
  return pieces.join("").slice(0, bytes)
}

const program = (name: string, bytes = 30_000, mode = 0o755): Entry => ({ text: noise(name, bytes), mode })

const configurations = (runtime: "go" | "rust"): Files => {
  const folder = `share/defaults/kata-containers/${runtime === "rust" ? "runtime-rs/" : ""}`
  const names = (Object.keys(sampleShims) as Array<SampleShim>).filter(
    (shim) => sampleShims[shim].runtime === runtime,
  )
  return {
    ...Object.fromEntries(
      names.map((shim) => [`${folder}configuration-${shim}.toml`, configurationOf(shim)]),
    ),
    [`${folder}configuration.toml`]: {
      link: `configuration-${runtime === "rust" ? "dragonball" : "qemu"}.toml`,
    },
  }
}

const share = "share/kata-containers/"

/** Component → its files below `/opt/kata`. */
const components = (options: ArtifactOptions): Readonly<Record<string, Files>> => ({
  "shim-v2-go": {
    "bin/containerd-shim-kata-v2":
      options.shim === undefined ? program("shim-go", 200_000) : { text: options.shim, mode: 0o755 },
    // Not executable in the archive: the installer has to see to it.
    "bin/kata-runtime": program("kata-runtime", 50_000, 0o644),
    "bin/kata-collect-data.sh": { text: "#!/bin/sh\nexit 0\n", mode: 0o755 },
    ...configurations("go"),
  },
  "shim-v2-rust": {
    "runtime-rs/bin/containerd-shim-kata-v2": program("shim-rust", 200_000),
    ...configurations("rust"),
  },
  qemu: {
    "bin/qemu-system-x86_64": program("qemu", 300_000),
    "share/kata-qemu/qemu/bios-256k.bin": program("bios", 65_536, 0o644),
    "share/kata-qemu/qemu/efi-virtio.rom": program("rom", 20_000, 0o644),
    // A path of more than a hundred characters, which tar cannot hold in its plain header.
    [`share/kata-qemu/qemu/firmware/${"long-".repeat(24)}descriptor.json`]: "{}\n",
  },
  "cloud-hypervisor": { "bin/cloud-hypervisor": program("clh", 200_000) },
  virtiofsd: { "libexec/virtiofsd": program("virtiofsd", 60_000) },
  nydus: { "libexec/nydusd": program("nydusd", 60_000) },
  kernel: {
    [`${share}vmlinux-6.18.2-180`]: program("vmlinux", 150_000, 0o644),
    [`${share}vmlinux.container`]: { link: "vmlinux-6.18.2-180" },
    [`${share}vmlinuz-6.18.2-180`]: program("vmlinuz", 60_000, 0o644),
    [`${share}vmlinuz.container`]: { link: "vmlinuz-6.18.2-180" },
  },
  "kernel-debug": {
    [`${share}vmlinux-6.18.2-180-debug`]: program("vmlinux-debug", 150_000, 0o644),
    [`${share}vmlinux-debug.container`]: { link: "vmlinux-6.18.2-180-debug" },
  },
  "rootfs-image": {
    [`${share}kata-debian-trixie.image`]: { text: bulky(1_000_000 + (options.bulk ?? 0)), mode: 0o644 },
    [`${share}kata-containers.img`]: { link: "kata-debian-trixie.image" },
  },
  "rootfs-initrd": {
    [`${share}kata-alpine-3.23.initrd`]: { text: bulky(400_000), mode: 0o600 },
    [`${share}kata-containers-initrd.img`]: { link: "kata-alpine-3.23.initrd" },
  },
  firecracker: { "bin/firecracker": program("fc", 60_000), "bin/jailer": program("jailer", 20_000) },
})

const guest = ["kernel", "kernel-debug", "rootfs-image", "rootfs-initrd"]

const needs: Readonly<Record<SampleShim, ReadonlyArray<string>>> = {
  qemu: ["shim-v2-go", "qemu", "virtiofsd", "nydus", ...guest],
  "qemu-runtime-rs": ["shim-v2-rust", "qemu", "virtiofsd", "nydus", ...guest],
  clh: ["shim-v2-go", "cloud-hypervisor", "virtiofsd", "nydus", ...guest],
  "clh-runtime-rs": ["shim-v2-rust", "cloud-hypervisor", "virtiofsd", "nydus", ...guest],
  fc: ["shim-v2-go", "firecracker", ...guest],
  dragonball: ["shim-v2-rust", "virtiofsd", "nydus", "kernel", "rootfs-image", "rootfs-initrd"],
}

/** Packs `stage/opt/kata` the way upstream does, with the oddities that real archives have. */
const pack = async (
  component: string,
  stage: string,
  target: string,
  options: ArtifactOptions,
): Promise<void> => {
  const tar = `${target.slice(0, -".zst".length)}`
  await must("tar", [
    "--create",
    `--file=${tar}`,
    `--directory=${stage}`,
    "--sort=name",
    "--owner=0",
    "--group=0",
    "--numeric-owner",
    "--mtime=@1770000000",
    // Both spellings of the entries' names, and both formats, are met in practice.
    component === "virtiofsd" || component === "qemu" ? "--format=pax" : "--format=gnu",
    ...(component === "kernel" ? ["opt"] : ["./opt"]),
    // Entries outside of the prefix are to be left alone.
    ...(component === "nydus" ? ["./usr"] : []),
  ])
  const bytes = await readFile(tar)
  const zstd = createZstdCompress(options.sizes === "known" ? { pledgedSrcSize: bytes.length } : {})
  await pipeline(Readable.from([bytes]), zstd, createWriteStream(target))
  await rm(tar)
}

const artifactsAt = (dir: string): Artifacts => ({
  dir,
  archive: (component) => join(dir, "tarballs", `kata-static-${component}.tar.zst`),
  [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
})

/** Makes a folder of artifacts; takes a fraction of a second. */
export const makeArtifacts = async (options: ArtifactOptions = {}): Promise<Artifacts> => {
  const dir = await OwnFolder.make("kd-artifacts-")
  const artifacts = artifactsAt(dir)
  try {
    await chmod(dir, 0o755)
    await mkdir(join(dir, "tarballs"))
    for (const [component, files] of Object.entries(components(options))) {
      await packSample(artifacts, component, files, options)
    }
    await rm(join(dir, "stage"), { recursive: true })
    await writeFile(join(dir, "shim-components.json"), manifest())
    await writeFile(join(dir, "versions.yaml"), "# Versions that this release was built from.\nkata: 4.1.0\n")
    return artifacts
  } catch (error) {
    await artifacts[Symbol.asyncDispose]()
    throw error
  }
}

const packSample = async (
  artifacts: Artifacts,
  component: string,
  files: Files,
  options: ArtifactOptions,
): Promise<void> => {
  const stage = join(artifacts.dir, "stage", component)
  await writeFiles(join(stage, "opt/kata"), files)
  if (component === "nydus") await writeFiles(stage, { "usr/share/doc/nydus/README": "not for the host\n" })
  if (component === "qemu") {
    const roms = join(stage, "opt/kata/share/kata-qemu/qemu")
    await link(join(roms, "efi-virtio.rom"), join(roms, "pxe-virtio.rom"))
  }
  await pack(component, stage, artifacts.archive(component), options)
}

const manifest = (): string =>
  JSON.stringify(
    {
      _comment: ["Which archives a shim needs, by architecture."],
      shims: Object.fromEntries(
        Object.entries(needs).map(([shim, list]) => [shim, { [kataArchitecture]: list }]),
      ),
    },
    undefined,
    2,
  )

/** Replaces one component by an archive of `files` (paths below `/opt/kata`), as another release would. */
export const packComponent = async (artifacts: Artifacts, component: string, files: Files): Promise<void> => {
  const stage = await mkdtemp(join(tmpdir(), "kd-stage-"))
  await writeFiles(join(stage, "opt/kata"), files)
  await pack(component, stage, artifacts.archive(component), {})
  await rm(stage, { recursive: true })
}

/** A copy that a test may spoil. */
export const copyArtifacts = async (from: Artifacts): Promise<Artifacts> => {
  const dir = await OwnFolder.make("kd-artifacts-")
  await chmod(dir, 0o755)
  await cp(from.dir, dir, { recursive: true })
  return artifactsAt(dir)
}

/** Artifacts that lie in a folder already, such as those that the whole run shares. */
export const openArtifacts = (dir: string): Artifacts => artifactsAt(dir)
