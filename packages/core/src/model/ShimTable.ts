import type { Architecture } from "./Architecture.ts"

/** One row of the shim registry. */
export interface ShimRow {
  /** Which Kata runtime the shim is built from; decides binary and configuration directory. */
  readonly runtime: "go" | "rust"
  /** Key of the table `hypervisor.<key>` in the shim's Kata configuration. */
  readonly hypervisor: "qemu" | "clh" | "dragonball" | "firecracker" | "openvmm" | "remote"
  /** The QEMU build that the shim runs, or `null` for other hypervisors. */
  readonly qemuArtifact: string | null
}

/** The registry: every shim that Kata ships. Source: spec 01 §7, vectors `01-shims`. */
export const shims: Readonly<Record<string, ShimRow>> = {
  clh: { runtime: "go", hypervisor: "clh", qemuArtifact: null },
  "clh-azure": { runtime: "go", hypervisor: "clh", qemuArtifact: null },
  "clh-azure-runtime-rs": { runtime: "rust", hypervisor: "clh", qemuArtifact: null },
  "clh-runtime-rs": { runtime: "rust", hypervisor: "clh", qemuArtifact: null },
  dragonball: { runtime: "rust", hypervisor: "dragonball", qemuArtifact: null },
  fc: { runtime: "go", hypervisor: "firecracker", qemuArtifact: null },
  firecracker: { runtime: "go", hypervisor: "firecracker", qemuArtifact: null },
  "openvmm-azure-runtime-rs": { runtime: "rust", hypervisor: "openvmm", qemuArtifact: null },
  remote: { runtime: "go", hypervisor: "remote", qemuArtifact: null },
  qemu: { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-coco-dev": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-coco-dev-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-nvidia-cpu": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-nvidia-cpu-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu-no-shared-fs" },
  "qemu-nvidia-gpu": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-nvidia-gpu-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu-no-shared-fs" },
  "qemu-nvidia-gpu-snp": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu-snp-experimental" },
  "qemu-nvidia-gpu-snp-runtime-rs": {
    runtime: "rust",
    hypervisor: "qemu",
    qemuArtifact: "qemu-snp-experimental",
  },
  "qemu-nvidia-gpu-tdx": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu-tdx-experimental" },
  "qemu-nvidia-gpu-tdx-runtime-rs": {
    runtime: "rust",
    hypervisor: "qemu",
    qemuArtifact: "qemu-tdx-experimental",
  },
  "qemu-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-se": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-se-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-snp": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-snp-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-tdx": { runtime: "go", hypervisor: "qemu", qemuArtifact: "qemu" },
  "qemu-tdx-runtime-rs": { runtime: "rust", hypervisor: "qemu", qemuArtifact: "qemu" },
}

/** Shims that are set up when nothing is asked for, in the order of the rendered tables; `*` is any other architecture. */
const defaults: Readonly<Record<string, ReadonlyArray<string>>> = {
  x86_64: [
    "clh",
    "clh-runtime-rs",
    "dragonball",
    "fc",
    "qemu",
    "qemu-coco-dev",
    "qemu-coco-dev-runtime-rs",
    "qemu-runtime-rs",
    "qemu-nvidia-cpu",
    "qemu-nvidia-cpu-runtime-rs",
    "qemu-nvidia-gpu",
    "qemu-nvidia-gpu-runtime-rs",
    "qemu-nvidia-gpu-snp",
    "qemu-nvidia-gpu-snp-runtime-rs",
    "qemu-nvidia-gpu-tdx",
    "qemu-nvidia-gpu-tdx-runtime-rs",
    "qemu-snp",
    "qemu-snp-runtime-rs",
    "qemu-tdx",
    "qemu-tdx-runtime-rs",
  ],
  aarch64: [
    "clh",
    "clh-runtime-rs",
    "dragonball",
    "fc",
    "qemu",
    "qemu-coco-dev-runtime-rs",
    "qemu-runtime-rs",
    "qemu-nvidia-cpu",
    "qemu-nvidia-cpu-runtime-rs",
    "qemu-nvidia-gpu",
  ],
  s390x: [
    "qemu",
    "qemu-runtime-rs",
    "qemu-se",
    "qemu-se-runtime-rs",
    "qemu-coco-dev",
    "qemu-coco-dev-runtime-rs",
  ],
  ppc64le: ["qemu", "qemu-runtime-rs"],
  "*": ["qemu"],
}

/** The shim of the default class where the operator names none; decides nothing on the node. Source: spec 01 §4. */
export const defaultShim = (architecture: Architecture): string =>
  Object.hasOwn(defaults, architecture) && architecture !== "*" ? "qemu-runtime-rs" : "qemu"

/** The shims that `architecture` gets when the operator names none. Source: spec 01 §7. */
export const defaultShims = (architecture: Architecture): ReadonlyArray<string> =>
  (Object.hasOwn(defaults, architecture) ? defaults[architecture] : defaults["*"])!
