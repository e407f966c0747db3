/** Answers: on which hosts is chaos made? One sample tree for each distribution and each way of configuring it. */
import { k0s, microk8s } from "../../e2e/hostTree/Bundled.ts"
import { rancher } from "../../e2e/hostTree/Rancher.ts"
import { makeHost, type SampleHost } from "../../e2e/hostTree/SampleHost.ts"
import { vanilla } from "../../e2e/hostTree/Vanilla.ts"

/** A kind of host. */
export interface HostKind {
  /** A short name for the command line. */
  readonly name: string
  /** Makes one in a temporary directory. */
  readonly make: () => Promise<SampleHost>
}

const crio = (): Promise<SampleHost> =>
  makeHost(
    {
      name: "CRI-O 1.34",
      config: "/etc/crio/crio.conf",
      criRuntime: "crio",
      settings: { CONTAINER_RUNTIME_VERSION: "cri-o://1.34.0" },
    },
    { "/etc/crio/crio.conf": '[crio]\n[crio.runtime]\ndefault_runtime = "crun"\n' },
  )

const bare = (): Promise<SampleHost> =>
  makeHost(
    {
      name: "containerd 2.1 without any configuration",
      config: "/etc/containerd/config.toml",
      criRuntime: "containerd",
      settings: { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5", K8S_DISTRIBUTION: "k8s" },
    },
    {},
  )

/** Every kind of host. */
export const kinds: ReadonlyArray<HostKind> = [
  { name: "vanilla-1.6", make: () => vanilla("1.6.20", { schema: 2 }) },
  { name: "vanilla-1.7", make: () => vanilla("1.7.24", { schema: 2 }) },
  { name: "vanilla-2.1", make: () => vanilla("2.1.5", { schema: 3 }) },
  { name: "vanilla-2.1-schema-2", make: () => vanilla("2.1.5", { schema: 2 }) },
  { name: "vanilla-2.1-bare", make: bare },
  { name: "k3s-1.7", make: () => rancher("k3s", "1.7.24") },
  { name: "k3s-2.1", make: () => rancher("k3s", "2.1.5") },
  { name: "rke2-2.1", make: () => rancher("rke2", "2.1.5") },
  { name: "k0s-2.1", make: () => k0s("2.1.5") },
  { name: "microk8s-1.7", make: () => microk8s("1.7.27") },
  { name: "microk8s-2.1", make: () => microk8s("2.1.3") },
  { name: "crio", make: crio },
]
