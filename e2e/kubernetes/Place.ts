/**
 * In which cluster is the node of a test? At a real API server where its binaries are, else at the double of one; both
 * over TLS, with the token and the rights of a service account. Tests say in their names which of both it was.
 */
import { rm, writeFile } from "node:fs/promises"
import { type AddressInfo, connect, type Socket } from "node:net"
import { join } from "node:path"
import { createServer } from "node:tls"
import { readFileSync } from "node:fs"
import type { NodeApi } from "@kata-deploy/core"
import type { NodeApiConformance } from "@kata-deploy/core/testing"
import { Rights } from "@kata-deploy/kubernetes"
import { ApiServerDouble } from "@kata-deploy/kubernetes/testing"
import * as OwnFolder from "../OwnFolder.ts"
import { namespace } from "./Account.ts"
import { obtain, type Obtained, wayOf } from "./Binaries.ts"
import { Cluster } from "./Cluster.ts"
import { nodeAt } from "./DoubleWorld.ts"
import { Pki } from "./Pki.ts"
import { Workbench } from "./Workbench.ts"

/** A node in a cluster, and the account of a pod there. */
export interface Place extends AsyncDisposable {
  readonly node: string
  /** Where the API server listens on 127.0.0.1. */
  readonly port: number
  /** A folder of this machine with `token`, `ca.crt` and `namespace`, as a pod has them. */
  readonly account: string
  /** Labels of the node. */
  readonly labels: () => Promise<Readonly<Record<string, string>> | undefined>
  /** Another writer changes labels. */
  readonly label: (updates: NodeApi.LabelUpdates) => Promise<void>
  /** Events on the node. */
  readonly events: () => Promise<ReadonlyArray<NodeApi.NodeEvent>>
  /** The chart is uninstalled: the DaemonSet of the pod goes. */
  readonly removeOwnDaemonSet: () => Promise<void>
}

/** What a test may expect of the place. */
export interface Where {
  /** For the name of a test. */
  readonly described: string
  /** Starts it with a node as the fixture says, and an account with these rights. */
  readonly start: (
    fixture: NodeApiConformance.Fixture,
    rights: ReadonlyArray<Rights.RightName>,
  ) => Promise<Place>
}

/** A port that ends TLS with the certificate of a server and passes everything on to another port. */
const endTls = async (pki: Pki, to: number): Promise<AsyncDisposable & { readonly port: number }> => {
  const open = new Set<Socket>()
  const pem = (name: string): Buffer => readFileSync(pki.path(name))
  const server = createServer({ cert: pem("server.crt"), key: pem("server.key") }, (client) => {
    const inner = connect(to, "127.0.0.1")
    for (const [side, other] of [
      [client, inner],
      [inner, client],
    ] as const) {
      open.add(side)
      side.on("error", () => other.destroy())
      side.on("close", () => {
        open.delete(side)
        other.destroy()
      })
      side.pipe(other)
    }
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of open) socket.destroy()
      }),
  }
}

const atDouble: Where["start"] = async (fixture, rights) => {
  const folder = await OwnFolder.make("kd-double-")
  const pki = new Pki(folder)
  await pki.ca("ca")
  await pki.certificate("ca", "server", "/CN=kube-apiserver", "IP:127.0.0.1,DNS:localhost")
  const token = "token-of-the-pod"
  await writeFile(join(folder, "token"), token)
  await writeFile(join(folder, "namespace"), namespace)
  const server = new ApiServerDouble.ApiServerDouble()
  await server.start()
  server.admit(ApiServerDouble.serviceAccount(token, Rights.rolesOf(rights, namespace)))
  const node = nodeAt(server, fixture, namespace)
  const front = await endTls(pki, Number(new URL(server.url).port))
  return {
    node: node.name,
    port: front.port,
    account: folder,
    labels: async () => node.object().metadata.labels,
    label: async (updates) => node.label(updates),
    events: async () => node.events(),
    removeOwnDaemonSet: async () => server.delete("daemonsets", "own", namespace),
    [Symbol.asyncDispose]: async () => {
      await front[Symbol.asyncDispose]()
      await server.stop()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

const atReal =
  (binaries: Exclude<Obtained, { readonly notRun: string }>): Where["start"] =>
  async (fixture, rights) => {
    const cluster = await Cluster.start(binaries)
    const bench = await Workbench.make(cluster, fixture, rights)
    return {
      node: bench.node,
      port: cluster.port,
      account: bench.account.folder,
      labels: async () => (await bench.object()).metadata.labels,
      label: (updates) => bench.label(updates),
      events: () => bench.events(),
      removeOwnDaemonSet: async () => {
        await cluster.must("DELETE", `/apis/apps/v1/namespaces/${namespace}/daemonsets/own`)
      },
      [Symbol.asyncDispose]: async () => {
        await bench[Symbol.asyncDispose]()
        await cluster[Symbol.asyncDispose]()
      },
    }
  }

/** Where `title` runs; said loudly where that is not a real API server. */
export const find = async (title: string): Promise<Where> => {
  const obtained = await obtain(wayOf(process.env["KATA_DEPLOY_E2E_KUBERNETES"]))
  if (!("notRun" in obtained))
    return { described: `a real kube-apiserver ${obtained.release.version}`, start: atReal(obtained) }
  const why = obtained.notRun.split("\n")[0]
  console.error(`\ne2e: NOT RUN at a real kube-apiserver, but at the double: ${title}: ${why}\n`)
  return { described: "the double of an API server (no real one is here)", start: atDouble }
}
