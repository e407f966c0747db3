/**
 * What do the distributions look like that bring containerd with them and render nothing beside our drop-in: k0s, which
 * merges a folder by itself, and microk8s, whose template is the file to change?
 */
import { makeHost, type SampleHost } from "./SampleHost.ts"

/**
 * What k0s makes out of its own defaults and everything in `containerd.d`. k0s merges table by table, which is what
 * containerd 2.x does with imports; so there an import stands for the merge. For 1.x there is no such stand-in.
 */
const mergedByK0s = (schema: 2 | 3): string =>
  schema === 2
    ? "version = 2\n"
    : `\
version = 3
imports = ["/etc/k0s/containerd.d/*.toml"]

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "quay.io/k0sproject/pause:3.10.1"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
  [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
    SystemdCgroup = true
`

/** A k0s worker whose bundled containerd is `version`. */
export const k0s = (version: string): Promise<SampleHost> => {
  const schema = version.startsWith("1.") ? 2 : 3
  return makeHost(
    {
      name: `k0s with containerd ${version}`,
      config: "/etc/k0s/containerd.toml",
      dropIns: "/etc/k0s/containerd.d",
      criRuntime: "k0s-worker",
      settings: { CONTAINER_RUNTIME_VERSION: `containerd://${version}`, K8S_DISTRIBUTION: "k0s" },
    },
    {
      "/etc/k0s/containerd.toml": `\
# k0s_managed=true
# k0s keeps this file up to date as long as the line above is there.
version = ${schema}
imports = [
\t"/run/k0s/containerd-cri.toml",
]
`,
      "/run/k0s/containerd-cri.toml": mergedByK0s(schema),
      "/etc/k0s/k0s.yaml": { text: "kind: ClusterConfig\n", mode: 0o600 },
      "/var/lib/k0s/kubelet/": "",
    },
  )
}

/** What the snap does with its template before it starts containerd: fills in the variables. */
export const fillIn = (template: string): string =>
  template
    .replaceAll("${SNAPSHOTTER}", "native")
    .replaceAll("${RUNTIME}", "runc")
    .replaceAll("${RUNTIME_TYPE}", "io.containerd.runc.v2")
    .replaceAll("${SNAP_DATA}", "/var/snap/microk8s/current")

/** A microk8s node whose snap holds containerd `version`. */
export const microk8s = (version: string): Promise<SampleHost> =>
  makeHost(
    {
      name: `microk8s with containerd ${version}`,
      config: "/var/snap/microk8s/current/args/containerd-template.toml",
      criRuntime: "microk8s",
      settings: { CONTAINER_RUNTIME_VERSION: `containerd://${version}`, K8S_DISTRIBUTION: "microk8s" },
    },
    {
      // The snap's revisions lie side by side and `current` says which one is in use.
      "/var/snap/microk8s/current": { link: "7229" },
      "/var/snap/microk8s/7229/args/kubelet": "--node-labels=microk8s.io/cluster=true\n",
      "/var/snap/microk8s/7229/args/containerd-template.toml": {
        mode: 0o660,
        text: `\
# The snap fills in the variables and starts containerd with the result.
version = 2
oom_score = 0

[grpc]
  uid = 0
  gid = 0
  max_recv_message_size = 16777216

[debug]
  address = ""
  uid = 0
  gid = 0

[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  enable_selinux = false
  sandbox_image = "registry.k8s.io/pause:3.10"

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "\${SNAPSHOTTER}"
    no_pivot = false
    default_runtime_name = "\${RUNTIME}"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "\${RUNTIME_TYPE}"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia-container-runtime]
      runtime_type = "\${RUNTIME_TYPE}"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia-container-runtime.options]
        BinaryName = "nvidia-container-runtime"

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "\${SNAP_DATA}/opt/cni/bin"
    conf_dir = "\${SNAP_DATA}/args/cni-network"

  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "\${SNAP_DATA}/args/certs.d"
`,
      },
    },
  )
