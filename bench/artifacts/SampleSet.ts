/**
 * Answers: what is unpacked in the benchmark? A release like the real one, made up of pieces of this Node's own
 * program: about 1.1 GB in a dozen components, a disk image that is mostly zeros and 3,000 small files among them.
 * Archives are made by `tar --zstd`, one frame each, as upstream's build makes them.
 */
import { execFileSync } from "node:child_process"
import fs from "node:fs"
import { join } from "node:path"
import process from "node:process"

const MB = 1_000_000

/** Which of two releases: they differ in one component. */
export type Release = "first" | "second"

/** The component that the second release has anew. */
export const changedComponent = "shim-v2-go"

/** What is to be made. */
export interface Wanted {
  /** 1 for the size of a real release, 2 for twice as much. */
  readonly scale: number
  readonly release: Release
}

/** Where a set lies. */
export interface SampleSet {
  /** The artifact directory. */
  readonly artifacts: string
  /** Trees that the archives were made of, one directory with `opt/kata` for each component. */
  readonly trees: string
  readonly components: ReadonlyArray<string>
}

/** Files of a component with their sizes in MB. */
const components: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  "cloud-hypervisor": { "bin/cloud-hypervisor": 25 },
  kernel: { "share/kata-containers/vmlinux": 42, "share/kata-containers/vmlinuz": 8 },
  "kernel-debug": { "share/kata-containers/vmlinux-debug": 52, "share/kata-containers/vmlinuz-debug": 9 },
  "kernel-nvidia-gpu": { "share/kata-containers/vmlinux-nvidia": 60 },
  nydus: { "libexec/nydusd": 30 },
  ovmf: { "share/ovmf/OVMF.fd": 8 },
  qemu: { "bin/qemu-system-x86_64": 75 },
  "rootfs-image": {},
  "rootfs-initrd": { "share/kata-containers/kata-alpine.initrd": 150 },
  "shim-v2-go": { "bin/containerd-shim-kata-v2": 70, "bin/kata-runtime": 60, "bin/kata-monitor": 40 },
  "shim-v2-rust": { "runtime-rs/bin/containerd-shim-kata-v2": 95, "bin/kata-ctl": 80 },
  virtiofsd: { "libexec/virtiofsd": 12 },
}

const smallFiles = 3_000
const image = { path: "share/kata-containers/kata-ubuntu.image", bytes: 256 * 1024 * 1024, data: 40 * MB }

const config = `[hypervisor.qemu]
path = "/opt/kata/bin/qemu-system-x86_64"
kernel = "/opt/kata/share/kata-containers/vmlinux"
image = "/opt/kata/${image.path}"
kernel_params = ""
enable_annotations = []

[agent.kata]
debug_console_enabled = false

[runtime]
enable_debug = false
`

const program = fs.readFileSync(process.execPath)

/** Another part of the program for each file; no part comes twice within what a compressor looks back. */
class Pieces {
  private at: number

  constructor(seed: number) {
    this.at = (seed * 7_919_001) % program.length
  }

  write(path: string, bytes: number): void {
    fs.mkdirSync(join(path, ".."), { recursive: true })
    const fd = fs.openSync(path, "w", 0o755)
    for (let left = bytes; left > 0;) {
      const length = Math.min(left, program.length - this.at)
      fs.writeSync(fd, program, this.at, length)
      left -= length
      this.at = (this.at + length + 1_000_003) % program.length
    }
    fs.closeSync(fd)
  }
}

const makeTree = (tree: string, name: string, pieces: Pieces, scale: number): void => {
  const kata = join(tree, "opt/kata")
  fs.mkdirSync(kata, { recursive: true })
  for (const [path, size] of Object.entries(components[name]!))
    pieces.write(join(kata, path), Math.round(size * MB * scale))
  switch (name) {
    case "qemu":
      for (let i = 0; i < smallFiles * scale; i++)
        pieces.write(join(kata, `share/kata-qemu/qemu/part-${i % 40}/file-${i}`), 300 + ((i * 37) % 9_000))
      return
    case "rootfs-image":
      for (let piece = 0; piece < 8; piece++) {
        // Data here and there, as a filesystem spreads it.
        const part = join(tree, "part")
        pieces.write(part, Math.round((image.data * scale) / 8))
        const at = Math.floor(((image.bytes * scale) / 8) * piece)
        appendAt(join(kata, image.path), fs.readFileSync(part), at)
        fs.rmSync(part)
      }
      fs.truncateSync(join(kata, image.path), Math.round(image.bytes * scale))
      return
    case "shim-v2-go": {
      const defaults = join(kata, "share/defaults/kata-containers")
      fs.mkdirSync(defaults, { recursive: true })
      fs.writeFileSync(join(defaults, "configuration-qemu.toml"), config)
      fs.symlinkSync("configuration-qemu.toml", join(defaults, "configuration.toml"))
    }
  }
}

const appendAt = (path: string, bytes: Uint8Array, at: number): void => {
  fs.mkdirSync(join(path, ".."), { recursive: true })
  const fd = fs.openSync(path, fs.constants.O_RDWR | fs.constants.O_CREAT, 0o644)
  fs.writeSync(fd, bytes, 0, bytes.length, at)
  fs.closeSync(fd)
}

/** Path of a component's archive in an artifact directory. */
export const archiveOf = (artifacts: string, component: string): string =>
  join(artifacts, `tarballs/kata-static-${component}.tar.zst`)

/** Makes a set below a directory, or finds the one that an earlier run made there. */
export const make = (directory: string, { release, scale }: Wanted): SampleSet => {
  const names = Object.keys(components)
  const home = join(directory, `set-${release}-${scale}`)
  const artifacts = join(home, "artifacts")
  const set = { artifacts, trees: join(home, "trees"), components: names }
  if (fs.existsSync(join(home, "complete"))) return set
  fs.rmSync(home, { recursive: true, force: true })
  fs.mkdirSync(join(artifacts, "tarballs"), { recursive: true })
  const first = release === "second" ? make(directory, { release: "first", scale }) : undefined
  for (const [at, name] of names.entries()) {
    const archive = archiveOf(artifacts, name)
    if (first !== undefined && name !== changedComponent) {
      // The same file, as an image that shares its layer has it.
      fs.linkSync(archiveOf(first.artifacts, name), archive)
      continue
    }
    const tree = join(set.trees, name)
    makeTree(tree, name, new Pieces(at + (release === "first" ? 1 : 20)), scale)
    execFileSync("tar", ["--zstd", "-C", tree, "-cf", archive, "./opt"])
  }
  const manifest = { shims: { qemu: { x86_64: names, aarch64: names } } }
  fs.writeFileSync(join(artifacts, "shim-components.json"), JSON.stringify(manifest))
  fs.writeFileSync(join(artifacts, "versions.yaml"), `release: ${release}\n`)
  fs.writeFileSync(join(home, "complete"), "")
  return set
}
