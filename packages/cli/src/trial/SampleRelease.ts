/**
 * Answers: what is in a sample release? A table of components with the paths that each one brings, in the layout of
 * Kata's static release, and which components each shim needs.
 */
import { Architecture } from "@kata-deploy/core"
import { configDir, sampleConfigs } from "./SampleConfigs.ts"

/** One path of a component, relative to the install directory. */
export type ReleaseEntry =
  | { readonly kind: "text"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly kind: "link"; readonly path: string; readonly target: string }
  | {
      readonly kind: "binary"
      readonly path: string
      readonly mode: number
      /** Wanted size in bytes; a real file of about that size is taken. */
      readonly size: number
      /** Zeros after it, in bytes, as in a disk image that is half empty. */
      readonly zeros: number
    }

/** What one archive holds. */
export interface Component {
  /** Name as in `kata-static-<name>.tar.zst`. */
  readonly name: string
  /** Its paths, without the directories above them. */
  readonly entries: ReadonlyArray<ReleaseEntry>
}

/** The release that the sample pretends to be. */
export const sampleVersion = "4.1.0-sample"

const MiB = 1024 * 1024

const text = (path: string, content: string): ReleaseEntry => ({
  kind: "text",
  path,
  mode: 0o644,
  text: content,
})
const script = (path: string, content: string): ReleaseEntry => ({
  kind: "text",
  path,
  mode: 0o755,
  text: content,
})
const link = (path: string, target: string): ReleaseEntry => ({ kind: "link", path, target })
const program = (path: string, mebibytes: number): ReleaseEntry => ({
  kind: "binary",
  path,
  mode: 0o755,
  size: Math.round(mebibytes * MiB),
  zeros: 0,
})
const data = (path: string, mebibytes: number, zeros = 0): ReleaseEntry => ({
  kind: "binary",
  path,
  mode: 0o644,
  size: Math.round(mebibytes * MiB),
  zeros: zeros * MiB,
})

const share = "share/kata-containers"
const kernelVersion = "6.12.47-173"

const collectData = `#!/bin/sh
# Sample of the script that gathers what a bug report needs.
echo "kata ${sampleVersion}"
`

const shimGo = (qemuProgram: string): Component => ({
  name: "shim-v2-go",
  entries: [
    program("bin/containerd-shim-kata-v2", 8),
    program("bin/kata-runtime", 4),
    program("bin/kata-monitor", 2),
    script("bin/kata-collect-data.sh", collectData),
    ...sampleConfigs("go", qemuProgram).map((config) => text(config.path, config.text)),
    link(`${configDir("go")}/configuration.toml`, "configuration-qemu.toml"),
  ],
})

const shimRust = (qemuProgram: string): Component => ({
  name: "shim-v2-rust",
  entries: [
    program("runtime-rs/bin/containerd-shim-kata-v2", 6),
    ...sampleConfigs("rust", qemuProgram).map((config) => text(config.path, config.text)),
    link(`${configDir("rust")}/configuration.toml`, "configuration-dragonball.toml"),
  ],
})

const kernel = (): Component => ({
  name: "kernel",
  entries: [
    data(`${share}/vmlinux-${kernelVersion}`, 5),
    data(`${share}/vmlinuz-${kernelVersion}`, 2.5),
    text(
      `${share}/config-${kernelVersion}`,
      "# Sample of a guest kernel's configuration.\nCONFIG_VIRTIO_FS=y\nCONFIG_VSOCKETS=y\n",
    ),
    link(`${share}/vmlinux.container`, `vmlinux-${kernelVersion}`),
    link(`${share}/vmlinuz.container`, `vmlinuz-${kernelVersion}`),
  ],
})

const oneKernel = (name: string, flavour: string, mebibytes: number): Component => ({
  name,
  entries: [
    data(`${share}/vmlinux-${kernelVersion}-${flavour}`, mebibytes),
    link(`${share}/vmlinux-${flavour}.container`, `vmlinux-${kernelVersion}-${flavour}`),
  ],
})

/** All components of the sample release, in order of their names. */
export const components = (architecture: Architecture.Architecture): ReadonlyArray<Component> => {
  const qemuProgram = `qemu-system-${Architecture.qemuTarget(architecture)}`
  const all: ReadonlyArray<Component> = [
    shimGo(qemuProgram),
    shimRust(qemuProgram),
    {
      name: "qemu",
      entries: [
        program(`bin/${qemuProgram}`, 9),
        data("share/kata-qemu/qemu/bios-256k.bin", 0.25),
        data("share/kata-qemu/qemu/efi-virtio.rom", 0.5),
        text("share/kata-qemu/qemu/keymaps/en-us", "# Sample of a key map.\nmap 0x409\n"),
      ],
    },
    { name: "cloud-hypervisor", entries: [program("bin/cloud-hypervisor", 4)] },
    { name: "firecracker", entries: [program("bin/firecracker", 2.5), program("bin/jailer", 1)] },
    { name: "openvmm", entries: [program("bin/openvmm", 2)] },
    { name: "virtiofsd", entries: [program("libexec/virtiofsd", 2)] },
    { name: "nydus", entries: [program("libexec/nydusd", 3.5)] },
    kernel(),
    oneKernel("kernel-debug", "debug", 3),
    oneKernel("kernel-dragonball-experimental", "dragonball-experimental", 2),
    {
      name: "rootfs-image",
      entries: [
        data(`${share}/kata-ubuntu-noble.image`, 8, 6),
        link(`${share}/kata-containers.img`, "kata-ubuntu-noble.image"),
      ],
    },
    {
      name: "rootfs-initrd",
      entries: [
        data(`${share}/kata-alpine-3.22.initrd`, 4.5),
        link(`${share}/kata-containers-initrd.img`, "kata-alpine-3.22.initrd"),
      ],
    },
    {
      name: "rootfs-image-mariner",
      entries: [
        data(`${share}/kata-mariner.image`, 2, 1),
        link(`${share}/kata-containers-mariner.img`, "kata-mariner.image"),
      ],
    },
  ]
  return [...all].sort((a, b) => (a.name < b.name ? -1 : 1))
}

const guest = ["kernel", "kernel-debug", "rootfs-image", "rootfs-initrd"]

/** Which components each sample shim needs. */
const needs: Readonly<Record<string, ReadonlyArray<string>>> = {
  clh: ["shim-v2-go", "cloud-hypervisor", "virtiofsd", "nydus", ...guest],
  "clh-runtime-rs": ["shim-v2-rust", "cloud-hypervisor", "virtiofsd", "nydus", ...guest],
  dragonball: [
    "shim-v2-rust",
    "virtiofsd",
    "nydus",
    "kernel-dragonball-experimental",
    "rootfs-image",
    "rootfs-initrd",
  ],
  fc: ["shim-v2-go", "firecracker", ...guest],
  "openvmm-azure-runtime-rs": [
    "shim-v2-rust",
    "openvmm",
    "virtiofsd",
    "kernel",
    "kernel-debug",
    "rootfs-image-mariner",
  ],
  qemu: ["shim-v2-go", "qemu", "virtiofsd", "nydus", ...guest],
  "qemu-runtime-rs": ["shim-v2-rust", "qemu", "virtiofsd", "nydus", ...guest],
  remote: ["shim-v2-go"],
}

/** The document `shim-components.json`. */
export const manifest = (architecture: Architecture.Architecture): unknown => ({
  _comment: ["Sample made by kata-deploy try: which archives each shim needs, by architecture."],
  shims: Object.fromEntries(Object.entries(needs).map(([shim, names]) => [shim, { [architecture]: names }])),
})

/** The document `versions.yaml`. */
export const versions = `# Sample made by kata-deploy try; the numbers stand for nothing.
description: versions of the parts of the sample release
version: "${sampleVersion}"
assets:
  kernel:
    version: "v6.12.47"
  hypervisor:
    qemu:
      version: "v10.1.0"
    cloud_hypervisor:
      version: "v48.0"
`
