/**
 * What do k3s and RKE2 leave on a node? A main file that they render at every start and that nobody may edit, which imports
 * a folder for drop-ins: `config.toml.d` where they run containerd 1.7, `config-v3.toml.d` where they run 2.x.
 */
import { makeHost, type SampleHost } from "./SampleHost.ts"

/** The two products that share the layout. */
export type RancherProduct = "k3s" | "rke2"

/** How the node differs from the plain sample. */
export interface RancherOptions {
  /** False: an old rendered file, from before the products imported a folder. Default true. */
  readonly importsDropIns?: boolean
}

/** Two levels of quoting differ between the schemas; the content is the same. */
const rendered = (product: RancherProduct, schema: 2 | 3, folder: string, imports: boolean): string => {
  const data = `/var/lib/rancher/${product}/agent`
  const runtime =
    schema === 2 ? `plugins."io.containerd.grpc.v1.cri"` : `plugins.'io.containerd.cri.v1.runtime'`
  const images = schema === 2 ? runtime : `plugins.'io.containerd.cri.v1.images'`
  const head = `\
# Rendered by ${product} at every start. Changes here are lost: the template beside this file is the place for them.
version = ${schema}
${imports ? `imports = ["${folder}/*.toml"]\n` : ""}root = "${data}/containerd"
state = "/run/k3s/containerd"

[grpc]
  address = "/run/k3s/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "${data}/containerd"
`
  // Port 0 instead of the product's fixed one, so that two daemons of a test run do not collide.
  const streaming = `\
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
`
  const pause = `index.docker.io/rancher/mirrored-pause:3.6`
  const cri =
    schema === 2
      ? `
[${runtime}]
${streaming}  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  sandbox_image = "${pause}"

[${runtime}.containerd]
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true
`
      : `
[plugins.'io.containerd.grpc.v1.cri']
${streaming}
[${runtime}]
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true

[${images}]
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true
  use_local_image_pull = true

[${images}.pinned_images]
  sandbox = "${pause}"
`
  const cni = schema === 2 ? `bin_dir = "${data}/../data/cni"` : `bin_dirs = ["${data}/../data/cni"]`
  return `${head}${cri}
[${runtime}.cni]
  ${cni}
  conf_dir = "${data}/etc/cni/net.d"

[${runtime}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[${runtime}.containerd.runtimes.runc.options]
  SystemdCgroup = true

[${runtime}.containerd.runtimes.crun]
  runtime_type = "io.containerd.runc.v2"

[${runtime}.containerd.runtimes.crun.options]
  BinaryName = "/usr/bin/crun"
  SystemdCgroup = true

[${images}.registry]
  config_path = "${data}/etc/containerd/certs.d"
`
}

/** A k3s or RKE2 node whose bundled containerd is `version` (such as `1.7.24`). */
export const rancher = (
  product: RancherProduct,
  version: string,
  options: RancherOptions = {},
): Promise<SampleHost> => {
  const schema = version.startsWith("1.") ? 2 : 3
  const etc = `/var/lib/rancher/${product}/agent/etc/containerd`
  const folder = `${etc}/${schema === 2 ? "config.toml.d" : "config-v3.toml.d"}`
  return makeHost(
    {
      name: `${product} with containerd ${version}`,
      config: `${etc}/config.toml`,
      dropIns: folder,
      criRuntime: product === "k3s" ? "k3s" : "rke2-server",
      settings: {
        CONTAINER_RUNTIME_VERSION: `containerd://${version}-${product === "k3s" ? "k3s1" : "k3s2"}`,
        K8S_DISTRIBUTION: product,
      },
    },
    {
      [`${etc}/config.toml`]: rendered(product, schema, folder, options.importsDropIns ?? true),
      [`${etc}/certs.d/registry.example.com/hosts.toml`]: 'server = "https://registry.example.com"\n',
      [`/etc/rancher/${product}/config.yaml`]: { text: "node-name: node-7\n", mode: 0o600 },
      [`/var/lib/rancher/${product}/agent/containerd/`]: "",
    },
  )
}
