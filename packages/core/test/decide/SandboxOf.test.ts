import { assert, describe, it } from "@effect/vitest"
import { SandboxOf } from "../../src/index.ts"

const id = "3f1c0a".padEnd(64, "e")

const lines: Readonly<Record<string, ReadonlyArray<string>>> = {
  "the shim": ["/opt/kata/bin/containerd-shim-kata-v2", "-namespace", "k8s.io", "-id", id, "-debug"],
  "the shim in Rust": ["/opt/kata/runtime-rs/bin/containerd-shim-kata-v2", "--id", id],
  "a shim named after its handler": ["containerd-shim-kata-qemu-v2", `--id=${id}`],
  QEMU: ["/opt/kata/bin/qemu-system-x86_64", "-name", `sandbox-${id},debug-threads=on`, "-uuid", "1"],
  "QEMU without more": ["qemu-system-aarch64", "-name", `sandbox-${id}`],
  virtiofsd: [
    "/opt/kata/libexec/virtiofsd",
    `--shared-dir=/run/kata-containers/shared/sandboxes/${id}/shared`,
  ],
  "virtiofsd by its socket": ["virtiofsd", "--socket-path", `/run/vc/vm/${id}/vhost-fs.sock`],
  "Cloud Hypervisor": ["/opt/kata/bin/cloud-hypervisor", "--api-socket", `/run/vc/vm/${id}/clh-api.sock`],
  Firecracker: ["firecracker", "--api-sock", `/run/vc/firecracker/${id}/root/run/firecracker.socket`],
  "QEMU of the shim in Rust": ["qemu", "-qmp", `unix:/run/kata/${id}/qmp.sock,server=on`],
}

describe("SandboxOf", () => {
  for (const [name, line] of Object.entries(lines))
    it(`reads the sandbox of ${name}`, () => assert.strictEqual(SandboxOf.sandboxOf(line), id))

  for (const [name, line] of Object.entries({
    "another program with -id": ["/usr/bin/id", "-id", id],
    "a shim of another runtime": ["/usr/bin/containerd-shim-runc-v2", "-namespace", "k8s.io", "-id", id],
    "a shim that is only asked for its version": ["containerd-shim-kata-v2", "--version"],
    "a shim whose id is missing": ["containerd-shim-kata-v2", "-id"],
    "a shim whose id is no id": ["containerd-shim-kata-v2", "-id", "../x"],
    "a name that is not QEMU's": ["x", "--label", `sandbox-${id}`],
    "the directory of all sandboxes": ["ls", "/run/vc/vm/"],
    "no command line": [],
  }))
    it(`finds none in ${name}`, () => assert.isUndefined(SandboxOf.sandboxOf(line)))
})
