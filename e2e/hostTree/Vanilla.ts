/**
 * What does `/etc/containerd` look like on a node that was set up with kubeadm or by hand? An operator's own file, grown
 * over years: comments, indentation by taste, a private registry, a second runtime, and systemd cgroups for runc.
 */
import { makeHost, type Files, type SampleHost } from "./SampleHost.ts"

/** Schemas that an operator's main file is written in. */
export type Schema = 2 | 3

/** How the operator's file differs from the plain sample. */
export interface VanillaOptions {
  readonly schema: Schema
  /** The operator's own `imports`, as TOML text, such as `["conf.d/*.toml"]`. Default: the key is absent. */
  readonly imports?: string
  /** More files of the host. */
  readonly files?: Files
}

const schema2 = (imports: string): string => `\
# Node class "general", owner: platform team.
# Changes go through review; the provisioner writes this file once and never again.
version = 2
${imports}
root = "/var/lib/containerd"      # its own disk
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.zfs", # no such pool here
]

[grpc]
  address = "/run/containerd/containerd.sock"
  max_recv_message_size = 33554432

[debug]
  level = "info"

[timeouts]
  "io.containerd.timeout.task.state" = "4s"

[plugins]
  [plugins."io.containerd.gc.v1.scheduler"]
    pause_threshold = 0.05

  [plugins."io.containerd.grpc.v1.cri"]
\t# The mirror has no outside access.
    sandbox_image = "registry.example.com/mirror/pause:3.10"
    max_container_log_line_size = 32768
    restrict_oom_score_adj = true

    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"
      snapshotter = "native"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
        runtime_type = "io.containerd.runc.v2"
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
          SystemdCgroup = true

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun]
        runtime_type = "io.containerd.runc.v2"
        pod_annotations = ["run.oci.*"]
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.crun.options]
          BinaryName = "/usr/bin/crun"
          SystemdCgroup = true

    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"

# Proxies for image pulls are in the unit's environment.
`

const schema3 = (imports: string): string => `\
# Node class "general", owner: platform team.
version = 3
${imports}
root = '/var/lib/containerd'
state = '/run/containerd'
disabled_plugins = ['io.containerd.snapshotter.v1.zfs']

[grpc]
  address = '/run/containerd/containerd.sock'
  max_recv_message_size = 33554432

[timeouts]
  'io.containerd.timeout.task.state' = '4s'

[plugins.'io.containerd.cri.v1.images']
  snapshotter = 'native' # the disk's file system has no overlay support
  use_local_image_pull = true

  [plugins.'io.containerd.cri.v1.images'.pinned_images]
    sandbox = 'registry.example.com/mirror/pause:3.10'

  [plugins.'io.containerd.cri.v1.images'.registry]
    config_path = '/etc/containerd/certs.d'

[plugins.'io.containerd.cri.v1.runtime']
  max_container_log_line_size = 32768
  restrict_oom_score_adj = true

  [plugins.'io.containerd.cri.v1.runtime'.containerd]
    default_runtime_name = 'runc'

    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
      runtime_type = 'io.containerd.runc.v2'
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
        SystemdCgroup = true

    [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun]
      runtime_type = 'io.containerd.runc.v2'
      pod_annotations = ['run.oci.*']
      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.crun.options]
        BinaryName = '/usr/bin/crun'
        SystemdCgroup = true

[plugins.'io.containerd.gc.v1.scheduler']
  pause_threshold = 0.05
`

/** A node with containerd of `version` (such as `1.7.24`) from the distribution's packages. */
export const vanilla = (version: string, options: VanillaOptions): Promise<SampleHost> => {
  const imports = options.imports === undefined ? "" : `imports = ${options.imports}`
  const text = options.schema === 2 ? schema2(imports) : schema3(imports)
  return makeHost(
    {
      name: `containerd ${version}, schema ${options.schema}`,
      config: "/etc/containerd/config.toml",
      criRuntime: "containerd",
      settings: { CONTAINER_RUNTIME_VERSION: `containerd://${version}`, K8S_DISTRIBUTION: "k8s" },
    },
    {
      "/etc/containerd/config.toml": { text, mode: 0o640 },
      "/etc/containerd/certs.d/registry.example.com/hosts.toml":
        'server = "https://registry.example.com"\n\n[host."https://mirror.example.com"]\n  capabilities = ["pull", "resolve"]\n',
      "/etc/systemd/system/containerd.service.d/proxy.conf":
        "[Service]\nEnvironment=HTTPS_PROXY=http://proxy:3128\n",
      "/var/lib/containerd/": "",
      ...options.files,
    },
  )
}
