/**
 * Answers: what does a k0s worker look like? k0s owns `containerd.toml` as long as its first line says so, reads
 * `containerd.d` by itself and merges what concerns the CRI into a file below `/run`.
 */
import { directory, file, type HostEntry, program } from "../HostEntry.ts"
import type { HostFlavour } from "../HostFlavour.ts"

const main = (schema: 2 | 3): string => `# k0s_managed=true
# k0s writes this file. To take it over, remove the line above; to add to it, use /etc/k0s/containerd.d/.
version = ${schema}
imports = ["/run/k0s/containerd-cri.toml"]
`

const merged: Readonly<Record<2 | 3, string>> = {
  2: `version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "quay.io/k0sproject/pause:3.9"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/k0s/certs.d"
`,
  3: `version = 3

[plugins."io.containerd.cri.v1.images".pinned_images]
  sandbox = "quay.io/k0sproject/pause:3.10.1"

[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/k0s/certs.d"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = true
`,
}

const operatorDropIn: Readonly<Record<2 | 3, string>> = {
  2: `# Of the platform team: registry mirror, and the cgroup driver of kubelet.
[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "/etc/k0s/certs.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true
`,
  3: `# Of the platform team: registry mirror, and the cgroup driver of kubelet.
[plugins."io.containerd.cri.v1.images".registry]
  config_path = "/etc/k0s/certs.d"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
  SystemdCgroup = true
`,
}

/** A k0s worker with one drop-in of the platform team. */
export const k0s = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  file("/etc/k0s/containerd.toml", main(flavour.schema)),
  file("/etc/k0s/containerd.d/10-site.toml", operatorDropIn[flavour.schema]),
  directory("/etc/k0s/certs.d"),
  directory("/run/k0s", 0o755),
  file("/run/k0s/containerd-cri.toml", merged[flavour.schema]),
  directory("/var/lib/k0s/bin"),
  directory("/var/lib/k0s/containerd", 0o700),
  directory("/var/lib/k0s/kubelet", 0o700),
  program("/usr/local/bin/k0s"),
]
