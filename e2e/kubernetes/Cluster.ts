/**
 * How is a real control plane started for a test run, and taken away again? etcd and kube-apiserver on free ports of
 * 127.0.0.1, RBAC on, files in a temporary folder.
 */
import { spawn, type ChildProcess } from "node:child_process"
import { randomInt } from "node:crypto"
import { openSync } from "node:fs"
import { readFile, rm, writeFile } from "node:fs/promises"
import * as https from "node:https"
import { createServer } from "node:net"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import * as OwnFolder from "../OwnFolder.ts"
import { type Binaries, older } from "./Binaries.ts"
import { Pki } from "./Pki.ts"

/** Any object of the API; tests look at a few of its fields. */
export interface ApiObject {
  readonly metadata: {
    readonly name: string
    readonly uid: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly spec: { readonly taints?: ReadonlyArray<{ readonly key: string; readonly effect: string }> }
  readonly status: { readonly token?: string }
  readonly items: ReadonlyArray<Readonly<Record<string, unknown>>>
}

/** An answer of the API server, parsed. */
export interface Answer {
  readonly status: number
  readonly body: unknown
}

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
    server.once("error", () => resolve(false))
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)))
  })

/**
 * A port of 127.0.0.1 that nobody listens on. It is below those that the kernel gives to whoever connects somewhere, so
 * that nobody takes it by chance until it is used, or while its server is started anew.
 */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    if (await isFree(port)) return port
  }
}

/** Longest time that a server gets to become ready; on two cores it needs five seconds. */
const readyLimitMillis = 90_000

/** Ends a child of ours and waits for it. */
const end = async (child: ChildProcess | undefined, signal: NodeJS.Signals = "SIGTERM"): Promise<void> => {
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
  const closed = new Promise<void>((resolve) => child.once("close", () => resolve()))
  child.kill(signal)
  const patience = setTimeout(() => child.kill("SIGKILL"), 10_000)
  await closed
  clearTimeout(patience)
}

/** A control plane that runs. */
export class Cluster implements AsyncDisposable {
  readonly pki: Pki
  readonly port: number
  private readonly binaries: Binaries
  private readonly folder: string
  private readonly etcdPorts: readonly [number, number]
  private etcd: ChildProcess | undefined
  private apiserver: ChildProcess | undefined
  private scheduler: ChildProcess | undefined

  private constructor(
    binaries: Binaries,
    folder: string,
    ports: { readonly api: number; readonly etcd: readonly [number, number] },
  ) {
    this.binaries = binaries
    this.folder = folder
    this.pki = new Pki(folder)
    this.port = ports.api
    this.etcdPorts = ports.etcd
  }

  /** Starts everything, and waits until it is ready. */
  static async start(binaries: Binaries): Promise<Cluster> {
    const folder = await OwnFolder.make("kd-cluster-")
    const ports = { api: await freePort(), etcd: [await freePort(), await freePort()] as const }
    const cluster = new Cluster(binaries, folder, ports)
    try {
      await cluster.pki.ca("ca")
      await cluster.pki.certificate("ca", "server", "/CN=kube-apiserver", "IP:127.0.0.1,DNS:localhost")
      await cluster.pki.certificate("ca", "admin", "/O=system:masters/CN=admin")
      await cluster.pki.tokenKey("accounts")
      cluster.startEtcd()
      await cluster.startApiServer()
      return cluster
    } catch (error) {
      await cluster[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Address of the API server. */
  get url(): string {
    return `https://127.0.0.1:${this.port}`
  }

  private launch(name: string, program: string, args: ReadonlyArray<string>): ChildProcess {
    const log = openSync(join(this.folder, `${name}.log`), "a")
    // If this process dies without a word, so does the server.
    return spawn("setpriv", ["--pdeathsig=KILL", program, ...args], {
      stdio: ["ignore", log, log],
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    })
  }

  private startEtcd(): void {
    const [client, peer] = this.etcdPorts.map((port) => `http://127.0.0.1:${port}`)
    this.etcd = this.launch("etcd", this.binaries.etcd, [
      `--data-dir=${join(this.folder, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      "--unsafe-no-fsync",
    ])
  }

  /** Starts the API server on the same port and data as before. */
  async startApiServer(): Promise<void> {
    const pki = (name: string): string => this.pki.path(name)
    this.apiserver = this.launch("apiserver", this.binaries.apiserver, [
      `--etcd-servers=http://127.0.0.1:${this.etcdPorts[0]}`,
      `--secure-port=${this.port}`,
      "--bind-address=127.0.0.1",
      // Reserved for documentation; loopback is refused here, and nobody uses the endpoint.
      "--advertise-address=192.0.2.2",
      `--cert-dir=${this.folder}`,
      `--tls-cert-file=${pki("server.crt")}`,
      `--tls-private-key-file=${pki("server.key")}`,
      `--client-ca-file=${pki("ca.crt")}`,
      // Kubelets believe who has a certificate of this CA, and nobody else.
      `--kubelet-client-certificate=${pki("admin.crt")}`,
      `--kubelet-client-key=${pki("admin.key")}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-account-key-file=${pki("accounts.pub")}`,
      `--service-account-signing-key-file=${pki("accounts.key")}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      "--authorization-mode=Node,RBAC",
      "--service-cluster-ip-range=10.96.0.0/16",
      "--allow-privileged=true",
    ])
    const deadline = Date.now() + readyLimitMillis
    for (;;) {
      const ready = await this.admin("GET", "/readyz").catch(() => undefined)
      if (ready?.status === 200) return
      if (this.apiserver.exitCode !== null || Date.now() > deadline) {
        const log = await readFile(join(this.folder, "apiserver.log"), "utf8")
        throw new Error(`kube-apiserver did not become ready\n${log.slice(-2000)}`)
      }
      await pause(100)
    }
  }

  /** Takes the API server away, at once. */
  async stopApiServer(): Promise<void> {
    await end(this.apiserver, "SIGKILL")
  }

  /** Asks as the cluster's administrator. */
  async admin(
    method: string,
    path: string,
    body?: unknown,
    contentType = "application/json",
  ): Promise<Answer> {
    const [ca, cert, key] = await Promise.all(
      ["ca.crt", "admin.crt", "admin.key"].map((name) => readFile(this.pki.path(name))),
    )
    return ask({ ca, cert, key }, `${this.url}${path}`, method, body, contentType)
  }

  /** As {@link admin}, for preparations: anything but 2xx is an error. */
  async must(method: string, path: string, body?: unknown, contentType?: string): Promise<ApiObject> {
    const answer = await this.admin(method, path, body, contentType)
    if (answer.status < 200 || answer.status > 299)
      throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer.body as ApiObject
  }

  /** A kubeconfig with nothing outside of it, for somebody with a certificate of {@link pki}. */
  async kubeconfig(certificate: string): Promise<string> {
    const base64 = (name: string): Promise<string> => readFile(this.pki.path(name), "base64")
    const user = {
      "client-certificate-data": await base64(`${certificate}.crt`),
      "client-key-data": await base64(`${certificate}.key`),
    }
    const cluster = { server: this.url, "certificate-authority-data": await base64("ca.crt") }
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "here", cluster }],
      users: [{ name: certificate, user }],
      contexts: [{ name: "here", context: { cluster: "here", user: certificate } }],
      "current-context": "here",
    })
  }

  /** Starts the scheduler, which gives pods to nodes from now on. */
  async startScheduler(program: string): Promise<void> {
    const kubeconfig = join(this.folder, "scheduler.kubeconfig")
    await writeFile(kubeconfig, await this.kubeconfig("admin"))
    this.scheduler = this.launch("scheduler", program, [
      `--kubeconfig=${kubeconfig}`,
      "--leader-elect=false",
      // It is asked nothing. The port without TLS went with 1.24, and its flag with it.
      "--secure-port=0",
      ...(this.binaries.release === older ? ["--port=0"] : []),
    ])
  }

  /** A token of a service account; its life is at least ten minutes, which is the server's own lower limit. */
  async token(namespace: string, account: string): Promise<string> {
    const request = await this.must(
      "POST",
      `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`,
      { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 3600 } },
    )
    return String(request.status.token)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.scheduler, "SIGKILL")
    await end(this.apiserver, "SIGKILL")
    await end(this.etcd, "SIGKILL")
    await rm(this.folder, { recursive: true, force: true })
  }
}

/** One request with these options of TLS; the answer is parsed where it is JSON. */
export const ask = (
  tls: https.RequestOptions,
  url: string,
  method: string,
  body?: unknown,
  contentType = "application/json",
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const request = https.request(
      url,
      {
        ...tls,
        method,
        agent: false,
        timeout: 20_000,
        headers: {
          ...tls.headers,
          ...(text === undefined ? {} : { "content-type": contentType }),
        },
      },
      (response) => {
        let answer = ""
        response.setEncoding("utf8").on("data", (chunk: string) => (answer += chunk))
        response.on("end", () => {
          const isJson = response.headers["content-type"]?.includes("json") ?? false
          resolve({ status: response.statusCode ?? 0, body: isJson ? JSON.parse(answer) : answer })
        })
      },
    )
    request.on("timeout", () => request.destroy(new Error("timed out")))
    request.on("error", reject)
    request.end(text)
  })
