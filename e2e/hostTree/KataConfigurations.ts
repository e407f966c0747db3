/**
 * What do Kata's own configuration files look like inside the archives? Samples in the layout that the real ones have:
 * commented, one table for the hypervisor, paths below the default prefix. Text of our own.
 */

/** Shims that the sample artifacts serve, with what differs in their configuration. */
export const sampleShims = {
  qemu: { runtime: "go", hypervisor: "qemu", binary: "bin/qemu-system-x86_64" },
  "qemu-runtime-rs": { runtime: "rust", hypervisor: "qemu", binary: "bin/qemu-system-x86_64" },
  clh: { runtime: "go", hypervisor: "clh", binary: "bin/cloud-hypervisor" },
  "clh-runtime-rs": { runtime: "rust", hypervisor: "clh", binary: "bin/cloud-hypervisor" },
  fc: { runtime: "go", hypervisor: "firecracker", binary: "bin/firecracker" },
  dragonball: { runtime: "rust", hypervisor: "dragonball", binary: "" },
} as const

/** A shim that the sample artifacts serve. */
export type SampleShim = keyof typeof sampleShims

/** The configuration of `shim` as its archive holds it. */
export const configurationOf = (shim: SampleShim): string => {
  const { hypervisor, binary, runtime } = sampleShims[shim]
  const prefix = "/opt/kata"
  const lines = [
    "# Sample configuration for the end-to-end tests.",
    "",
    `[hypervisor.${hypervisor}]`,
    ...(binary ? [`path = "${prefix}/${binary}"`, `valid_hypervisor_paths = ["${prefix}/${binary}"]`] : []),
    `kernel = "${prefix}/share/kata-containers/vmlinux.container"`,
    `image = "${prefix}/share/kata-containers/kata-containers.img"`,
    'kernel_params = "console=hvc0 quiet"',
    "",
    "# Annotations of a pod that may change what stands here.",
    'enable_annotations = ["enable_iommu", "virtio_fs_extra_args", "kernel_params"]',
    ...(hypervisor === "firecracker"
      ? [`jailer_path = "${prefix}/bin/jailer"`]
      : ['shared_fs = "virtio-fs"', `virtio_fs_daemon = "${prefix}/libexec/virtiofsd"`]),
    "default_vcpus = 1  # of the guest",
    "",
    "[agent.kata]",
    "#debug_console_enabled = true",
    "",
    "[runtime]",
    "enable_debug = false",
    ...(runtime === "rust" ? [`name = "virt_container"`] : []),
    `hypervisor_name = "${hypervisor}"`,
    "sandbox_cgroup_only = true",
    "",
  ]
  return lines.join("\n")
}
