/** Answers: what does a node look like whose containerd came from a package, as with kubeadm? */
import { directory, file, type HostEntry, program } from "../HostEntry.ts"
import type { HostFlavour } from "../HostFlavour.ts"
import { dockerHubMirror } from "./Registry.ts"

/** Schema 2 in the nested style in which containerd 1.x prints its own defaults. */
const schema2 = `# Written with "containerd config default" and then changed by hand; every change has a comment.
version = 2
root = "/var/lib/containerd"
state = "/run/containerd"
oom_score = -999  # never the first one to go

[grpc]
  address = "/run/containerd/containerd.sock"
  max_recv_message_size = 16777216
  max_send_message_size = 16777216

[metrics]
  address = "127.0.0.1:1338"  # scraped by the node exporter

[plugins]

  [plugins."io.containerd.grpc.v1.cri"]
    # Has to agree with the image that kubelet protects from garbage collection.
    sandbox_image = "registry.k8s.io/pause:3.9"
    max_container_log_line_size = 16384

    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/opt/cni/bin"
      conf_dir = "/etc/cni/net.d"

    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"
      snapshotter = "overlayfs"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes]

        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"

          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
            # kubelet runs with cgroupDriver: systemd.
            SystemdCgroup = true

    [plugins."io.containerd.grpc.v1.cri".registry]
      config_path = "/etc/containerd/certs.d"

  [plugins."io.containerd.gc.v1.scheduler"]
    startup_delay = "100ms"
`

/** Schema 3 in the style of containerd 2.x. The root of 2.2 imports `conf.d` by default, older ones do not. */
const schema3 = (
  importsLine: string,
): string => `# Written with "containerd config default" and then changed by hand; every change has a comment.
version = 3
root = '/var/lib/containerd'
state = '/run/containerd'
oom_score = -999  # never the first one to go
${importsLine}
[grpc]
  address = '/run/containerd/containerd.sock'

[metrics]
  address = '127.0.0.1:1338'  # scraped by the node exporter

[plugins]
  [plugins.'io.containerd.cri.v1.images']
    snapshotter = 'overlayfs'

    [plugins.'io.containerd.cri.v1.images'.pinned_images]
      # Has to agree with the image that kubelet protects from garbage collection.
      sandbox = 'registry.k8s.io/pause:3.10'

    [plugins.'io.containerd.cri.v1.images'.registry]
      config_path = '/etc/containerd/certs.d'

  [plugins.'io.containerd.cri.v1.runtime']
    max_container_log_line_size = 16384

    [plugins.'io.containerd.cri.v1.runtime'.containerd]
      default_runtime_name = 'runc'

      [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes]
        [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
          runtime_type = 'io.containerd.runc.v2'

          [plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
            # kubelet runs with cgroupDriver: systemd.
            SystemdCgroup = true

  [plugins.'io.containerd.gc.v1.scheduler']
    startup_delay = '100ms'
`

const siteDropIn = `# Of the platform team: images of the night job are large.
[timeouts]
  'io.containerd.timeout.image.pull.progress' = '10m'
`

const mainConfig = (flavour: HostFlavour): string => {
  if (flavour.schema === 2) return schema2
  return schema3(flavour.generation === "2.2" ? "imports = ['/etc/containerd/conf.d/*.toml']\n" : "")
}

/** A kubeadm-like node. */
export const vanilla = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  file("/etc/containerd/config.toml", mainConfig(flavour)),
  file("/etc/containerd/certs.d/docker.io/hosts.toml", dockerHubMirror),
  ...(flavour.generation === "2.2" ? [file("/etc/containerd/conf.d/50-site.toml", siteDropIn)] : []),
  directory("/etc/kubernetes/manifests", 0o700),
  directory("/etc/cni/net.d"),
  directory("/run/containerd", 0o711),
  directory("/var/lib/containerd", 0o700),
  program("/usr/bin/containerd"),
  program("/usr/bin/containerd-shim-runc-v2"),
  program("/usr/bin/ctr"),
  program("/usr/bin/kubelet"),
  program("/usr/sbin/runc"),
]
