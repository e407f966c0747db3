/**
 * Answers: what do Kata's own configuration files look like? One sample per hypervisor key, short, in our own
 * words, with the keys that the installer reads or changes. A key that a hypervisor has no use for is empty.
 */

/** A configuration file of a shim. */
export interface SampleConfig {
  /** Name of the shim, e.g. `qemu-runtime-rs`. */
  readonly shim: string
  /** Path below the install directory. */
  readonly path: string
  /** The whole text. */
  readonly text: string
}

/** What differs between the samples. */
interface Sample {
  readonly shim: string
  readonly runtime: "go" | "rust"
  readonly hypervisor: string
  /** File name in `bin`, or `undefined` where no process is started. */
  readonly program: string | undefined
  readonly kernel: string | undefined
  readonly image: string | undefined
  readonly shares: "virtio-fs" | "nothing"
  readonly kernelParams: string
  /** Further lines of the hypervisor's table. */
  readonly more?: string
}

const prefix = "/opt/kata"
const share = `${prefix}/share/kata-containers`

const path = (value: string | undefined): string => JSON.stringify(value ?? "")

const text = (
  sample: Sample,
): string => `# Kata Containers with ${sample.hypervisor}, ${sample.runtime === "go" ? "Go" : "Rust"} runtime. A sample that comes with "kata-deploy try".

[hypervisor.${sample.hypervisor}]
path = ${path(sample.program && `${prefix}/bin/${sample.program}`)}
kernel = ${path(sample.kernel && `${share}/${sample.kernel}`)}
image = ${path(sample.image && `${share}/${sample.image}`)}

# What a pod may set for itself by an annotation.
enable_annotations = ["enable_iommu", "kernel_params", "kernel_verity_params"]
kernel_params = ${path(sample.kernelParams)}

# Shares the container's files with the guest.
virtio_fs_daemon = ${path(sample.shares === "virtio-fs" ? `${prefix}/libexec/virtiofsd` : undefined)}
default_vcpus = 1
default_memory = 2048
${sample.more ?? ""}
[agent.kata]
# A shell in the guest, for looking for mistakes only.
debug_console_enabled = false

[runtime]
enable_debug = false
sandbox_cgroup_only = ${sample.runtime === "rust"}
`

const qemuMore = `machine_type = "q35"
firmware = ""
`

const firecrackerMore = `jailer_path = "${prefix}/bin/jailer"
valid_jailer_paths = ["${prefix}/bin/jailer"]
`

const remoteMore = `remote_hypervisor_socket = "/run/peerpod/hypervisor.sock"
remote_hypervisor_timeout = 600
`

const samples = (qemuProgram: string): ReadonlyArray<Sample> => {
  const guest = { kernel: "vmlinux.container", image: "kata-containers.img", shares: "virtio-fs" } as const
  const console = "console=hvc0 quiet"
  const qemu = {
    ...guest,
    hypervisor: "qemu",
    program: qemuProgram,
    kernel: "vmlinuz.container",
    kernelParams: console,
    more: qemuMore,
  }
  const clh = { ...guest, hypervisor: "clh", program: "cloud-hypervisor", kernelParams: console }
  return [
    { ...qemu, shim: "qemu", runtime: "go" },
    { ...qemu, shim: "qemu-runtime-rs", runtime: "rust" },
    { ...clh, shim: "clh", runtime: "go" },
    { ...clh, shim: "clh-runtime-rs", runtime: "rust" },
    {
      ...guest,
      shim: "fc",
      runtime: "go",
      hypervisor: "firecracker",
      program: "firecracker",
      shares: "nothing",
      kernelParams: "console=ttyS0 quiet",
      more: firecrackerMore,
    },
    {
      ...guest,
      // Its hypervisor is part of the shim itself.
      shim: "dragonball",
      runtime: "rust",
      hypervisor: "dragonball",
      program: undefined,
      kernel: "vmlinux-dragonball-experimental.container",
      kernelParams: "console=ttyS1 quiet",
    },
    {
      ...guest,
      shim: "openvmm-azure-runtime-rs",
      runtime: "rust",
      hypervisor: "openvmm",
      program: "openvmm",
      image: "kata-containers-mariner.img",
      kernelParams: console,
    },
    {
      // The guest runs elsewhere.
      shim: "remote",
      runtime: "go",
      hypervisor: "remote",
      program: undefined,
      kernel: undefined,
      image: undefined,
      shares: "nothing",
      kernelParams: "",
      more: remoteMore,
    },
  ]
}

/** Directory of the configurations of a runtime, below the install directory. */
export const configDir = (runtime: "go" | "rust"): string =>
  `share/defaults/kata-containers${runtime === "rust" ? "/runtime-rs" : ""}`

/** The configurations that one of the two runtimes brings. `qemuProgram` is a file name such as `qemu-system-x86_64`. */
export const sampleConfigs = (runtime: "go" | "rust", qemuProgram: string): ReadonlyArray<SampleConfig> =>
  samples(qemuProgram)
    .filter((sample) => sample.runtime === runtime)
    .map((sample) => ({
      shim: sample.shim,
      path: `${configDir(runtime)}/configuration-${sample.shim}.toml`,
      text: text(sample),
    }))
