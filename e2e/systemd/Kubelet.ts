/**
 * How does a real kubelet come to run on a host that booted? As a unit of its own, with the host's containerd, registered
 * at a real API server; and what does the cluster know of its node?
 *
 * It ends with the host. It may not touch the machine that the host runs on: it takes no packet filter and no control
 * groups, and finds ordinary files where it sets the kernel's own switches.
 */
import { mkdir, writeFile } from "node:fs/promises"
import { networkInterfaces } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { type NodeBinaries, older, type Release } from "../kubernetes/Binaries.ts"
import { type Cluster, freePort } from "../kubernetes/Cluster.ts"
import type { SystemdHost } from "./SystemdHost.ts"

/** The Node as a kubelet keeps it. */
export interface NodeObject {
  readonly metadata: { readonly labels?: Readonly<Record<string, string>> }
  readonly status: {
    readonly conditions?: ReadonlyArray<Condition>
    readonly nodeInfo?: { readonly containerRuntimeVersion: string; readonly kubeletVersion: string }
    readonly runtimeHandlers?: ReadonlyArray<{ readonly name?: string }>
  }
}

/** A condition of a Node; instants have whole seconds. */
export interface Condition {
  readonly type: string
  readonly status: string
  readonly reason: string
  readonly message: string
  readonly lastHeartbeatTime: string
  readonly lastTransitionTime: string
}

/** Where a kubelet sets switches of the kernel. Source: kubelet 1.20.2, `setupKernelTunables`. */
const switches = [
  "vm/overcommit_memory",
  "vm/panic_on_oom",
  "kernel/panic",
  "kernel/panic_on_oops",
  "kernel/keys/root_maxkeys",
  "kernel/keys/root_maxbytes",
]

const coverSwitches = switches
  .map(
    (name) => `mkdir -p /run/e2e-sysctl/${name}; : > /run/e2e-sysctl/${name}/value
cat /proc/sys/${name} > /run/e2e-sysctl/${name}/value
mount --bind /run/e2e-sysctl/${name}/value /proc/sys/${name}`,
  )
  .join("\n")

/** An address of this machine that is not its own loopback, which a kubelet refuses. */
export const address = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal)?.address

const configuration = (port: number, healthPort: number): string =>
  JSON.stringify({
    apiVersion: "kubelet.config.k8s.io/v1beta1",
    kind: "KubeletConfiguration",
    // Only who has a certificate of the cluster's CA gets in.
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: "/etc/kubernetes/ca.crt" },
    },
    authorization: { mode: "AlwaysAllow" },
    port,
    healthzPort: healthPort,
    healthzBindAddress: "127.0.0.1",
    // No control group has a controller here.
    cgroupDriver: "cgroupfs",
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    evictionHard: { "imagefs.available": "0%", "nodefs.available": "0%", "memory.available": "1Mi" },
    makeIPTablesUtilChains: false,
    resolvConf: "/etc/resolv.conf",
    // A sign of life in the status each second; by default it is five minutes.
    nodeStatusUpdateFrequency: "1s",
    nodeStatusReportFrequency: "1s",
  })

/** Whether a restart of containerd takes the kubelet along, as on k3s and RKE2 where both are one process. */
export type Bond = "by itself" | "with containerd"

/** What the release wants to be told besides: with 1.24 the other way than by CRI went, and its flag with it. */
const flagsOf = (release: Release): string => (release === older ? "--container-runtime=remote " : "")

const unit = (
  { kubelet, release }: KubeletProgram,
  node: string,
  nodeIp: string,
  bond: Bond,
): string => `[Unit]
Wants=containerd.service
After=containerd.service
${bond === "with containerd" ? "PartOf=containerd.service" : ""}
[Service]
ExecStart=${kubelet} --config=/etc/kubernetes/kubelet.json --kubeconfig=/etc/kubernetes/kubelet.conf \\
  ${flagsOf(release)}--container-runtime-endpoint=unix:///run/containerd/containerd.sock \\
  --hostname-override=${node} --node-ip=${nodeIp}
Restart=always
RestartSec=1
`

/** A kubelet that lies on this machine. */
export type KubeletProgram = Pick<NodeBinaries, "kubelet"> & { readonly release: Release }

/** A kubelet's node, as the administrator of the cluster sees it. */
export interface KubeletNode {
  readonly object: () => Promise<NodeObject>
  readonly labels: () => Promise<Readonly<Record<string, string>>>
  /** The condition `Ready`. */
  readonly ready: () => Promise<Condition | undefined>
  /** Looks until the node is as wanted; fails with what the kubelet said last. */
  readonly until: <A>(what: string, look: () => Promise<A | undefined>, seconds?: number) => Promise<A>
  /** Starts the kubelet anew, as an upgrade or a crash does. */
  readonly restart: () => Promise<void>
}

/** Starts a kubelet that registers itself as `node`, and waits until its node is there. */
export const start = async (
  host: SystemdHost,
  cluster: Cluster,
  program: KubeletProgram,
  node: string,
  bond: Bond,
): Promise<KubeletNode> => {
  const nodeIp = address()
  if (nodeIp === undefined) throw new Error("this machine has no address that a kubelet could be found at")
  const write = async (path: string, text: string): Promise<void> => {
    await mkdir(join(host.root, path, ".."), { recursive: true })
    await writeFile(join(host.root, path), text)
  }
  await cluster.pki.certificate("ca", node, `/O=system:nodes/CN=system:node:${node}`)
  await write("/etc/kubernetes/ca.crt", await cluster.pki.text("ca.crt"))
  await write("/etc/kubernetes/kubelet.conf", await cluster.kubeconfig(node))
  await write("/etc/kubernetes/kubelet.json", configuration(await freePort(), await freePort()))
  await write("/etc/systemd/system/kubelet.service", unit(program, node, nodeIp, bond))
  await host.mustExec(["sh", "-ec", coverSwitches])
  await host.mustExec(["systemctl", "daemon-reload"])
  await host.mustExec(["systemctl", "start", "kubelet"])

  const object = (): Promise<NodeObject> =>
    cluster.must("GET", `/api/v1/nodes/${node}`) as unknown as Promise<NodeObject>
  const ready = async (): Promise<Condition | undefined> =>
    (await object()).status.conditions?.find(({ type }) => type === "Ready")
  const until: KubeletNode["until"] = async (what, look, seconds = 60) => {
    for (const deadline = Date.now() + seconds * 1000; ;) {
      const found = await look()
      if (found !== undefined) return found
      if (Date.now() > deadline) {
        const log = await host.exec(["journalctl", "--unit=kubelet", "--lines=40", "--output=cat"])
        throw new Error(`${what} was not seen within ${seconds} s; the kubelet says\n${log.stdout}`)
      }
      await pause(100)
    }
  }
  await until("the node", async () =>
    (await cluster.admin("GET", `/api/v1/nodes/${node}`)).status === 200 ? true : undefined,
  )
  // Admission has put taints there, which the node lifecycle controller would take off.
  const merge = "application/merge-patch+json"
  await cluster.must("PATCH", `/api/v1/nodes/${node}`, { spec: { taints: null } }, merge)
  return {
    object,
    labels: async () => (await object()).metadata.labels ?? {},
    ready,
    until,
    restart: async () => {
      await host.mustExec(["systemctl", "restart", "kubelet"])
    },
  }
}
