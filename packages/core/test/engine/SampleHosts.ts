/** One host tree per distribution and containerd generation, each with the variables that its node needs. */
import type { HostFilesMemory } from "../../src/testing/index.ts"

/** A host and the settings that fit it. */
export interface SampleHost {
  readonly name: string
  readonly tree: NonNullable<HostFilesMemory.Options["tree"]>
  readonly variables: Readonly<Record<string, string>>
  /** The operator's main config, which has to survive everything. */
  readonly mainConfig: string
}

const schema2 = `# the operator's own
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.k8s.io/pause:3.9"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = true
`

const schema3 = `# the operator's own
version = 3

[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"
`

const rancher = (distribution: string) => `/var/lib/rancher/${distribution}/agent/etc/containerd`

const rendered = (distribution: string, directory: string, body: string) => ({
  [`${rancher(distribution)}/config.toml`]: body.replace(
    "\n\n",
    `\nimports = ["${rancher(distribution)}/${directory}/*.toml"]\n\n`,
  ),
})

/** Every distribution that containerd drop-ins, imports or whole files are for. */
export const hosts: ReadonlyArray<SampleHost> = [
  {
    name: "vanilla containerd 1.7",
    tree: { "/etc/containerd/config.toml": schema2 },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://1.7.24" },
    mainConfig: "/etc/containerd/config.toml",
  },
  {
    name: "vanilla containerd 2.1",
    tree: { "/etc/containerd/config.toml": schema3, "/opt/cni/bin/bridge": "cni" },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" },
    mainConfig: "/etc/containerd/config.toml",
  },
  {
    name: "vanilla containerd 2.1 with a schema 2 root",
    tree: { "/etc/containerd/config.toml": schema2 },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" },
    mainConfig: "/etc/containerd/config.toml",
  },
  {
    name: "vanilla containerd 2.2 that reads conf.d",
    tree: { "/etc/containerd/config.toml": `imports = ["/etc/containerd/conf.d/*.toml"]\n${schema3}` },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.2.0" },
    mainConfig: "/etc/containerd/config.toml",
  },
  {
    name: "vanilla containerd 2.1 without any config",
    tree: { "/etc/hostname": "node\n" },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" },
    mainConfig: "/etc/containerd/config.toml",
  },
  {
    name: "k3s with containerd 2.1",
    tree: rendered("k3s", "config-v3.toml.d", schema3),
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5-k3s1" },
    mainConfig: `${rancher("k3s")}/config.toml`,
  },
  {
    name: "k3s with containerd 1.7",
    tree: rendered("k3s", "config.toml.d", schema2),
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://1.7.23-k3s1" },
    mainConfig: `${rancher("k3s")}/config.toml`,
  },
  {
    name: "rke2 with containerd 2.1",
    tree: rendered("rke2", "config-v3.toml.d", schema3),
    variables: { K8S_DISTRIBUTION: "rke2" },
    mainConfig: `${rancher("rke2")}/config.toml`,
  },
  {
    name: "k0s",
    tree: { "/etc/k0s/containerd.toml": schema2 },
    variables: {},
    mainConfig: "/etc/k0s/containerd.toml",
  },
  {
    name: "microk8s with containerd 1.7",
    tree: { "/var/snap/microk8s/current/args/containerd-template.toml": schema2 },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://1.7.24" },
    mainConfig: "/var/snap/microk8s/current/args/containerd-template.toml",
  },
  {
    name: "microk8s with containerd 2.1",
    tree: { "/var/snap/microk8s/current/args/containerd-template.toml": schema3 },
    variables: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" },
    mainConfig: "/var/snap/microk8s/current/args/containerd-template.toml",
  },
  {
    name: "CRI-O",
    tree: { "/etc/crio/crio.conf": "[crio]\n" },
    variables: { CONTAINER_RUNTIME_VERSION: "cri-o://1.34.0" },
    mainConfig: "/etc/crio/crio.conf",
  },
]
