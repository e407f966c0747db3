/**
 * THE table of Kubernetes distributions: where each keeps its CRI runtime's configuration, which systemd unit
 * runs it and what it can do. Decisions read rows; none branches on a name.
 * Source: spec 01 §9, 02 §3–§5, 09 §5–§6; decisions §6, §7.
 */
import * as HostPath from "./HostPath.ts"

/** The daemon that kubelet talks to, by the distribution's unit that runs it. */
export type CriRuntime =
  | "containerd"
  | "crio"
  | "k3s"
  | "k3s-agent"
  | "rke2-server"
  | "rke2-agent"
  | "k0s-controller"
  | "k0s-worker"
  | "microk8s"

/** A Kubernetes flavour; `k8s` stands for every vanilla one (kubeadm and the like). */
export type Distribution = "k8s" | "k3s" | "rke2" | "k0s" | "microk8s"

/**
 * How a CRI runtime is configured:
 * - `main`: one main config of the operator; drop-ins through its `imports`, or a marked block in it;
 * - `rendered`: the distribution renders the main config at each start and imports a directory of drop-ins;
 * - `merged`: the distribution itself merges a directory of drop-ins;
 * - `crio`: CRI-O's `crio.conf.d`.
 */
export type Layout = "main" | "rendered" | "merged" | "crio"

/** One row of the table. */
export interface RuntimeRow {
  /** Name used in settings, messages and the ledger. */
  readonly runtime: CriRuntime
  /** The distribution that the row belongs to. */
  readonly distribution: Distribution
  /** The systemd unit that runs it. */
  readonly unit: string
  /** How it is configured. */
  readonly layout: Layout
  /** Host directory with its containerd configuration; for CRI-O the directory that nobody reads. */
  readonly configDir: HostPath.HostPath
  /** Name of the main config in that directory, where it is not the operator's choice. */
  readonly mainFile: string | undefined
  /** Socket on which the CRI runtime answers. */
  readonly socket: HostPath.HostPath
  /** Where it keeps images and snapshots unless its configuration says otherwise (containerd's `root`). */
  readonly storeDir: HostPath.HostPath
  /** Whether a restart is ours to ask for; k0s reloads by itself (spec 09 §6). */
  readonly restart: "restart" | "reloads-itself"
}

/** Where each CRI runtime listens; k3s and RKE2 share one path, since they never share a node. */
const sockets: Readonly<Record<CriRuntime, string>> = {
  containerd: "/run/containerd/containerd.sock",
  crio: "/run/crio/crio.sock",
  k3s: "/run/k3s/containerd/containerd.sock",
  "k3s-agent": "/run/k3s/containerd/containerd.sock",
  "rke2-server": "/run/k3s/containerd/containerd.sock",
  "rke2-agent": "/run/k3s/containerd/containerd.sock",
  "k0s-controller": "/run/k0s/containerd.sock",
  "k0s-worker": "/run/k0s/containerd.sock",
  microk8s: "/var/snap/microk8s/common/run/containerd.sock",
}

/** What each calls its root; the distributions give it on the command line or in the file that they render. */
const storeDirs: Readonly<Record<CriRuntime, string>> = {
  containerd: "/var/lib/containerd",
  crio: "/var/lib/containers",
  k3s: "/var/lib/rancher/k3s/agent/containerd",
  "k3s-agent": "/var/lib/rancher/k3s/agent/containerd",
  "rke2-server": "/var/lib/rancher/rke2/agent/containerd",
  "rke2-agent": "/var/lib/rancher/rke2/agent/containerd",
  "k0s-controller": "/var/lib/k0s/containerd",
  "k0s-worker": "/var/lib/k0s/containerd",
  microk8s: "/var/snap/microk8s/common/var/lib/containerd",
}

const row = (
  runtime: CriRuntime,
  distribution: Distribution,
  unit: string,
  layout: Layout,
  configDir: string,
  rest: { readonly mainFile?: string; readonly restart?: RuntimeRow["restart"] } = {},
): RuntimeRow => ({
  runtime,
  distribution,
  unit,
  layout,
  configDir: HostPath.make(configDir),
  mainFile: rest.mainFile,
  socket: HostPath.make(sockets[runtime]),
  storeDir: HostPath.make(storeDirs[runtime]),
  restart: rest.restart ?? "restart",
})

const k3sDir = "/var/lib/rancher/k3s/agent/etc/containerd"
const rke2Dir = "/var/lib/rancher/rke2/agent/etc/containerd"
const k0s = { mainFile: "containerd.toml", restart: "reloads-itself" } as const

/** Every CRI runtime that we can configure, in the order in which their units are looked at (spec 02 §2). */
export const rows: ReadonlyArray<RuntimeRow> = [
  row(
    "microk8s",
    "microk8s",
    "snap.microk8s.daemon-containerd.service",
    "main",
    "/var/snap/microk8s/current/args",
    {
      mainFile: "containerd-template.toml",
    },
  ),
  row("rke2-agent", "rke2", "rke2-agent.service", "rendered", rke2Dir, { mainFile: "config.toml" }),
  row("rke2-server", "rke2", "rke2-server.service", "rendered", rke2Dir, { mainFile: "config.toml" }),
  row("k3s-agent", "k3s", "k3s-agent.service", "rendered", k3sDir, { mainFile: "config.toml" }),
  row("k3s", "k3s", "k3s.service", "rendered", k3sDir, { mainFile: "config.toml" }),
  row("k0s-controller", "k0s", "k0scontroller.service", "merged", "/etc/k0s", k0s),
  row("k0s-worker", "k0s", "k0sworker.service", "merged", "/etc/k0s", k0s),
  row("crio", "k8s", "crio.service", "crio", "/etc/containerd"),
  row("containerd", "k8s", "containerd.service", "main", "/etc/containerd"),
]

/** Names of all CRI runtimes; for messages. */
export const runtimeNames: ReadonlyArray<CriRuntime> = rows.map((r) => r.runtime)

/** The row of a CRI runtime by name, or `undefined` for a name that we do not know. */
export const lookup = (runtime: string): RuntimeRow | undefined => rows.find((r) => r.runtime === runtime)

/** The row of a CRI runtime. */
export const rowOf = (runtime: CriRuntime): RuntimeRow => lookup(runtime)!

/** What a declared `K8S_DISTRIBUTION` means; every name beyond the four is a vanilla one (spec 02 §3). */
export const fromDeclared = (declared: string): Distribution =>
  declared === "k3s" || declared === "rke2" || declared === "k0s" || declared === "microk8s"
    ? declared
    : "k8s"

/** Whether a declared `K8S_DISTRIBUTION` can be true of a node with this runtime, and what to declare instead. */
export const fits = (
  declared: string | undefined,
  runtime: string,
): { readonly accepted: true } | { readonly accepted: false; readonly suggested: Distribution } => {
  const found = lookup(runtime)
  // CRI-O can be the runtime of every distribution.
  if (declared === undefined || found?.runtime === "crio") return { accepted: true }
  return found?.distribution === fromDeclared(declared)
    ? { accepted: true }
    : { accepted: false, suggested: found?.distribution ?? "k8s" }
}

/** The CRI runtimes that a distribution can have. */
export const runtimesOf = (distribution: Distribution): ReadonlyArray<CriRuntime> =>
  rows.filter((r) => r.distribution === distribution).map((r) => r.runtime)

/**
 * Which CRI runtime stands for a distribution whose units could not be asked, and the host path whose existence
 * speaks for it (decisions §7).
 */
export const markers: ReadonlyArray<{
  readonly distribution: Distribution
  readonly stands: CriRuntime
  readonly path: HostPath.HostPath
}> = [
  { distribution: "k3s", stands: "k3s", path: HostPath.make(k3sDir) },
  { distribution: "rke2", stands: "rke2-server", path: HostPath.make(rke2Dir) },
  { distribution: "k0s", stands: "k0s-worker", path: HostPath.make("/etc/k0s") },
  { distribution: "microk8s", stands: "microk8s", path: HostPath.make("/var/snap/microk8s/current/args") },
]

/** Host directories that tell CRI-O from containerd where no unit could be asked (decisions §7). */
export const vanillaMarkers = {
  crio: HostPath.make("/etc/crio"),
  containerd: HostPath.make("/etc/containerd"),
} as const
