/**
 * How is the program a real pod, which a kubelet starts, asks whether it is ready, and ends? Not by an image of its own:
 * the container's programs are the host's and this checkout's, and of the host it has what the pod layout mounts.
 */
import { existsSync } from "node:fs"
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { type Account, namespace } from "../kubernetes/Account.ts"
import type { Cluster } from "../kubernetes/Cluster.ts"
import { layoutOf, node as nodeProgram } from "./PodLike.ts"
import * as Program from "./Program.ts"
import * as Sandboxes from "./Sandboxes.ts"
import { programFolders, type SystemdHost } from "./SystemdHost.ts"

/** What the pod is made of. */
export interface Options {
  readonly host: SystemdHost
  readonly cluster: Cluster
  readonly account: Account
  /** The node that it is for. */
  readonly node: string
  /** Where it answers probes. */
  readonly port: number
  /** A folder of artifacts that the host was booted with. */
  readonly artifacts: string
}

/** What is looked at of a pod. */
export interface SeenPod {
  readonly spec: { readonly nodeName?: string }
  readonly status: {
    readonly phase: string
    readonly conditions?: ReadonlyArray<{
      readonly type: string
      readonly status: string
      readonly reason?: string
    }>
    readonly containerStatuses?: ReadonlyArray<{
      readonly containerID?: string
      readonly restartCount: number
    }>
  }
}

const name = "kata-deploy"
const authority = "cluster-authority"
const credentials = "/var/run/secrets/kubernetes.io/serviceaccount"

/** As a kubelet mounts it where the controller manager has made no secret of it. */
const accountVolume = {
  name: "account",
  projected: {
    sources: [
      { serviceAccountToken: { path: "token", expirationSeconds: 3600 } },
      { configMap: { name: authority } },
      { downwardAPI: { items: [{ path: "namespace", fieldRef: { fieldPath: "metadata.namespace" } }] } },
    ],
  },
}

const manifest = ({ account, artifacts, cluster, host, node, port }: Options) => {
  const layout = layoutOf({ pids: "own" }).mounts.filter(
    ({ host: path }) => !/^\/(proc|sys)\//.test(path) && existsSync(join(host.root, path)),
  )
  const shown = [
    ...layout.map(({ host: path, seen }) => [path, seen, false] as const),
    ...["/usr", ...programFolders].map((folder) => [folder, folder, true] as const),
    [artifacts, "/opt/kata-artifacts", true] as const,
  ]
  const env = {
    ...Program.settings(host, { args: [] }),
    KATA_DEPLOY_KUBE: "auto",
    // No proxy of Kubernetes makes a service reachable here.
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: String(cluster.port),
    NODE_NAME: node,
    DAEMONSET_NAME: "own",
    HEALTH_PORT: String(port),
    CONTAINER_RUNTIME_VERSION: "",
  }
  const probe = (path: string) => ({ httpGet: { path, port }, periodSeconds: 1 })
  return {
    metadata: { name },
    spec: {
      nodeName: node,
      hostNetwork: true,
      serviceAccountName: account.name,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 60,
      containers: [
        {
          name,
          image: Sandboxes.image,
          imagePullPolicy: "Never",
          command: [nodeProgram, Program.bundle, "install"],
          env: Object.entries(env).map(([key, value]) => ({ name: key, value })),
          readinessProbe: probe("/readyz"),
          livenessProbe: { ...probe("/healthz"), failureThreshold: 3 },
          volumeMounts: [
            ...shown.map(([, mountPath, readOnly], at) => ({ name: `host-${at}`, mountPath, readOnly })),
            { name: "account", mountPath: credentials, readOnly: true },
            { name: "tmp", mountPath: "/tmp" },
          ],
        },
      ],
      volumes: [
        ...shown.map(([path], at) => ({ name: `host-${at}`, hostPath: { path } })),
        accountVolume,
        { name: "tmp", emptyDir: {} },
      ],
    },
  }
}

/** A pod of the program. */
export interface InstallerPod {
  readonly seen: () => Promise<SeenPod>
  /** Whether the kubelet found it ready. */
  readonly isReady: () => Promise<boolean>
  /** What it has logged. */
  readonly log: () => Promise<string>
  /** Takes it away, as the controller of a DaemonSet does. */
  readonly remove: () => Promise<void>
}

/** Makes the pod. */
export const create = async (options: Options): Promise<InstallerPod> => {
  const { cluster, host } = options
  const folder = `/api/v1/namespaces/${namespace}`
  await cluster.must("POST", `${folder}/configmaps`, {
    metadata: { name: authority },
    data: { "ca.crt": await cluster.pki.text("ca.crt") },
  })
  await cluster.must("POST", `${folder}/pods`, manifest(options))
  const seen = (): Promise<SeenPod> =>
    cluster.must("GET", `${folder}/pods/${name}`) as unknown as Promise<SeenPod>
  return {
    seen,
    isReady: async () =>
      (await seen()).status.conditions?.some(({ status, type }) => type === "Ready" && status === "True") ??
      false,
    log: async () => {
      const logs = join(host.root, "var/log/pods")
      const files = (await readdir(logs, { recursive: true })).filter((file) =>
        new RegExp(`^${namespace}_${name}_.*/[0-9]+\\.log$`).test(file),
      )
      const texts = await Promise.all(files.sort().map((file) => readFile(join(logs, file), "utf8")))
      return texts.join("")
    },
    remove: async () => {
      await cluster.must("DELETE", `${folder}/pods/${name}`)
    },
  }
}
