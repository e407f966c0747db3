/**
 * Answers: what does a MicroK8s node look like? The snap fills the variables of a template at every start and runs
 * containerd with the result; the template kept schema 2 when the snap moved to containerd 2.1.
 */
import { directory, file, type HostEntry, link, program } from "../HostEntry.ts"

const template = `# Template: the snap replaces \${...} and writes containerd.toml beside it when it starts.
version = 2
oom_score = 0

[grpc]
  uid = 0
  gid = 0
  max_recv_message_size = 16777216
  max_send_message_size = 16777216

[metrics]
  address = "127.0.0.1:1338"
  grpc_histogram = false

[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  enable_selinux = false
  sandbox_image = "registry.k8s.io/pause:3.10"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    # overlayfs, or native where the file system cannot do it.
    snapshotter = "\${SNAPSHOTTER}"
    default_runtime_name = "\${RUNTIME}"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "\${RUNTIME_TYPE}"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = true  # set by hand, kubelet has the systemd driver

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "\${SNAP_DATA}/opt/cni/bin"
    conf_dir = "\${SNAP_DATA}/args/cni-network"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "\${SNAP_DATA}/args/certs.d"
`

const mirror = `# The registry add-on of this node.
server = "http://localhost:32000"

[host."http://localhost:32000"]
  capabilities = ["pull", "resolve"]
`

const flags = `--config \${SNAP_DATA}/args/containerd.toml
--root \${SNAP_COMMON}/var/lib/containerd
--state \${SNAP_COMMON}/run/containerd
--address \${SNAP_COMMON}/run/containerd.sock
`

/** A MicroK8s node; its revision is behind the link `current`, as snaps do it. */
export const microk8s = (): ReadonlyArray<HostEntry> => [
  directory("/var/snap/microk8s/8511"),
  link("/var/snap/microk8s/current", "8511"),
  directory("/var/snap/microk8s/8511/args", 0o770),
  file("/var/snap/microk8s/8511/args/containerd-template.toml", template, 0o660),
  file("/var/snap/microk8s/8511/args/containerd", flags, 0o660),
  file("/var/snap/microk8s/8511/args/certs.d/localhost__32000/hosts.toml", mirror),
  directory("/var/snap/microk8s/8511/args/cni-network"),
  directory("/var/snap/microk8s/common/run/containerd", 0o711),
  directory("/var/snap/microk8s/common/var/lib/containerd", 0o700),
  program("/snap/bin/microk8s"),
]
