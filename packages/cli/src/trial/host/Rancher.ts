/**
 * Answers: what does a k3s or RKE2 node look like after its first start? Both render containerd's main
 * configuration anew at each start and import one directory of drop-ins, named after the schema.
 */
import { directory, file, type HostEntry, link, program } from "../HostEntry.ts"
import type { HostFlavour } from "../HostFlavour.ts"
import { dockerHubMirror } from "./Registry.ts"

/** What differs between the two. */
interface Product {
  readonly name: "k3s" | "rke2"
  /** The image that holds a pod's namespaces. */
  readonly pause: string
  /** The program that is containerd, kubelet and more in one. */
  readonly program: string
}

const agentDir = (product: Product): string => `/var/lib/rancher/${product.name}/agent`

/** Name of the template that operators may write, and of the directory beside it, by schema. */
const template = (flavour: HostFlavour): string => (flavour.schema === 3 ? "config-v3.toml" : "config.toml")

const head = (
  product: Product,
  flavour: HostFlavour,
): string => `# Rendered by ${product.name} at every start: changes here are lost, put them into ${template(flavour)}.tmpl.
version = ${flavour.schema}
imports = ["${agentDir(product)}/etc/containerd/${template(flavour)}.d/*.toml"]
root = "${agentDir(product)}/containerd"
state = "/run/k3s/containerd"

[grpc]
  address = "/run/k3s/containerd/containerd.sock"

[plugins."io.containerd.internal.v1.opt"]
  path = "${agentDir(product)}/containerd"
`

const schema2 = (product: Product): string => `
[plugins."io.containerd.grpc.v1.cri"]
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  sandbox_image = "${product.pause}"

[plugins."io.containerd.grpc.v1.cri".containerd]
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true

[plugins."io.containerd.grpc.v1.cri".cni]
  bin_dir = "/var/lib/rancher/${product.name}/data/cni"
  conf_dir = "${agentDir(product)}/etc/cni/net.d"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
  SystemdCgroup = true

[plugins."io.containerd.grpc.v1.cri".registry]
  config_path = "${agentDir(product)}/etc/containerd/certs.d"
`

const schema3 = (product: Product): string => `
[plugins.'io.containerd.grpc.v1.cri']
  stream_server_address = "127.0.0.1"
  stream_server_port = "10010"

[plugins.'io.containerd.cri.v1.runtime']
  enable_selinux = false
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true

[plugins.'io.containerd.cri.v1.images']
  snapshotter = "overlayfs"
  disable_snapshot_annotations = true

[plugins.'io.containerd.cri.v1.images'.pinned_images]
  sandbox = "${product.pause}"

[plugins.'io.containerd.cri.v1.runtime'.cni]
  bin_dir = "/var/lib/rancher/${product.name}/data/cni"
  conf_dir = "${agentDir(product)}/etc/cni/net.d"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
  SystemdCgroup = true

[plugins.'io.containerd.cri.v1.images'.registry]
  config_path = "${agentDir(product)}/etc/containerd/certs.d"
`

const rendered = (product: Product, flavour: HostFlavour): string =>
  head(product, flavour) + (flavour.schema === 3 ? schema3(product) : schema2(product))

const registries = `# Turned into certs.d/ at every start.
mirrors:
  docker.io:
    endpoint:
      - "https://mirror.example.org"
`

const node = (product: Product, flavour: HostFlavour): ReadonlyArray<HostEntry> => {
  const etc = `${agentDir(product)}/etc/containerd`
  return [
    directory(`/etc/rancher/${product.name}`),
    file(`/etc/rancher/${product.name}/registries.yaml`, registries, 0o600),
    directory(`/var/lib/rancher/${product.name}`),
    file(`${etc}/config.toml`, rendered(product, flavour)),
    file(`${etc}/certs.d/docker.io/hosts.toml`, dockerHubMirror),
    directory(`${agentDir(product)}/etc/cni/net.d`),
    directory(`${agentDir(product)}/containerd`, 0o700),
    directory(`/var/lib/rancher/${product.name}/data/cni`),
    directory("/run/k3s/containerd", 0o711),
    program(product.program),
  ]
}

/** A k3s server. Its directory of drop-ins does not exist until somebody needs it. */
export const k3s = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  ...node({ name: "k3s", pause: "rancher/mirrored-pause:3.6", program: "/usr/local/bin/k3s" }, flavour),
  link("/usr/local/bin/kubectl", "k3s"),
  link("/usr/local/bin/crictl", "k3s"),
]

const siteDropIn = `# Of the platform team: metrics for the node dashboard.
[metrics]
  address = "127.0.0.1:1338"
`

/** An RKE2 server, with a drop-in of the platform team that has to survive. */
export const rke2 = (flavour: HostFlavour): ReadonlyArray<HostEntry> => [
  ...node(
    { name: "rke2", pause: "index.docker.io/rancher/mirrored-pause:3.6", program: "/usr/local/bin/rke2" },
    flavour,
  ),
  file(`/var/lib/rancher/rke2/agent/etc/containerd/${template(flavour)}.d/10-metrics.toml`, siteDropIn),
]
