/** The manifest of a whole image, shim by shim: what the vectors about components are about. Source: spec 05 §2. */

type Lists = Readonly<Record<string, string>>

const x86 = (list: string): Lists => ({ x86_64: list })
const both = (list: string): Lists => ({ x86_64: list, aarch64: list })

const qemu = (shim: string): Lists => ({
  x86_64: `${shim} qemu virtiofsd nydus kernel kernel-debug rootfs-image rootfs-initrd`,
  aarch64: `${shim} qemu virtiofsd nydus kernel kernel-debug rootfs-image rootfs-initrd ovmf`,
  s390x: `${shim} qemu virtiofsd kernel rootfs-image rootfs-initrd`,
  ppc64le: `${shim} qemu virtiofsd kernel rootfs-initrd`,
})

const clh = (shim: string): Lists =>
  both(`${shim} cloud-hypervisor virtiofsd nydus kernel kernel-debug rootfs-image rootfs-initrd`)

const azure = (shim: string, hypervisor: string): Lists =>
  x86(`${shim} ${hypervisor} virtiofsd kernel kernel-debug rootfs-image-mariner`)

const go = "shim-v2-go"
const rust = "shim-v2-rust"
const cocoGo = `${go} qemu kernel rootfs-image-confidential`
const cocoRust = `${rust} qemu kernel rootfs-image rootfs-image-coco-extension`
const gpuGo = `${go} qemu-TEE-experimental kernel-nvidia-gpu rootfs-image-nvidia-gpu-confidential`
const gpuRust = `${rust} qemu-TEE-experimental kernel-nvidia-gpu rootfs-image-nvidia rootfs-image-nvidia-gpu-extension rootfs-image-coco-extension`

const lists: Readonly<Record<string, Lists>> = {
  qemu: qemu(go),
  "qemu-runtime-rs": qemu(rust),
  "qemu-snp": x86(`${cocoGo} ovmf-sev`),
  "qemu-snp-runtime-rs": x86(`${cocoRust} ovmf-sev`),
  "qemu-tdx": x86(`${cocoGo} ovmf-tdx`),
  "qemu-tdx-runtime-rs": x86(`${cocoRust} ovmf-tdx`),
  "qemu-se": { s390x: `${go} qemu virtiofsd kernel rootfs-initrd-confidential boot-image-se` },
  "qemu-se-runtime-rs": {
    s390x: `${rust} qemu virtiofsd kernel rootfs-initrd rootfs-image-coco-extension boot-image-se-runtime-rs`,
  },
  "qemu-nvidia-gpu": x86(`${go} qemu virtiofsd kernel-nvidia-gpu rootfs-image-nvidia-gpu ovmf`),
  "qemu-nvidia-gpu-runtime-rs": x86(
    `${rust} qemu-no-shared-fs kernel-nvidia-gpu rootfs-image-nvidia rootfs-image-nvidia-gpu-extension ovmf`,
  ),
  "qemu-nvidia-cpu": both(`${go} qemu virtiofsd kernel-nvidia-gpu rootfs-image-nvidia`),
  "qemu-nvidia-cpu-runtime-rs": both(`${rust} qemu-no-shared-fs kernel-nvidia-gpu rootfs-image-nvidia`),
  "qemu-nvidia-gpu-snp": x86(`${gpuGo.replace("TEE", "snp")} ovmf-sev`),
  "qemu-nvidia-gpu-snp-runtime-rs": x86(`${gpuRust.replace("TEE", "snp")} ovmf-sev`),
  "qemu-nvidia-gpu-tdx": x86(`${gpuGo.replace("TEE", "tdx")} ovmf-tdx`),
  "qemu-nvidia-gpu-tdx-runtime-rs": x86(`${gpuRust.replace("TEE", "tdx")} ovmf-tdx`),
  "qemu-coco-dev": { x86_64: `${cocoGo} kernel-debug`, s390x: cocoGo },
  "qemu-coco-dev-runtime-rs": {
    x86_64: `${cocoRust} kernel-debug`,
    aarch64: `${cocoRust} kernel-debug ovmf`,
    s390x: cocoRust,
  },
  clh: clh(go),
  "clh-runtime-rs": clh(rust),
  "clh-azure": azure(go, "cloud-hypervisor"),
  "clh-azure-runtime-rs": azure(rust, "cloud-hypervisor"),
  "openvmm-azure-runtime-rs": azure(rust, "openvmm"),
  dragonball: both(`${rust} virtiofsd nydus kernel-dragonball-experimental rootfs-image rootfs-initrd`),
  fc: both(`${go} firecracker kernel kernel-debug rootfs-image rootfs-initrd`),
  remote: { x86_64: go, ppc64le: go, s390x: go },
}

/** Text of the manifest. */
export const manifest = JSON.stringify({
  _comment: ["which archives each shim needs, by architecture"],
  shims: Object.fromEntries(
    Object.entries(lists).map(([shim, byArchitecture]) => [
      shim,
      Object.fromEntries(Object.entries(byArchitecture).map(([arch, list]) => [arch, list.split(" ")])),
    ]),
  ),
})
