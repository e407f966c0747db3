/**
 * The double of an API server: HTTP on a free port of 127.0.0.1, objects in memory, tokens and RBAC, the texts of a real
 * one, and faults on demand. For tests of this package and of whoever embeds it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Effect, type Scope } from "effect"
import type { Access } from "../Access.ts"
import type { RoleRules } from "../Rights.ts"
import { type Account, accountOf, mayDo } from "./Accounts.ts"
import { answer } from "./Answers.ts"
import { type ApiFault, type FaultTarget, PlantedFaults } from "./ApiFaults.ts"
import { type Happening, type ObjectKey, ObjectStore, types } from "./ObjectStore.ts"
import type { JsonObject } from "./Patches.ts"
import { parse, type RequestLine } from "./RequestLine.ts"
import * as Statuses from "./Statuses.ts"

/** A request that came in, in RBAC's words. */
export interface SeenRequest extends Omit<RequestLine, "type"> {
  readonly apiGroup: string
  readonly resource: string
  readonly contentType: string
  /** Status of the answer; `undefined` where a fault left it without one. */
  readonly status: number | undefined
}

const administrator: Account = { token: "administrator", user: "admin", roles: "everything" }

const seen = (line: RequestLine, contentType: string, status: number | undefined): SeenRequest => {
  const { type, ...rest } = line
  return { ...rest, apiGroup: type.group, resource: type.plural, contentType, status }
}

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = ""
  for await (const chunk of request.setEncoding("utf8")) text += String(chunk)
  return text
}

/** A double that runs. */
export class ApiServerDouble {
  /** Every request of somebody known, in order. */
  readonly requests: Array<SeenRequest> = []
  private readonly store = new ObjectStore()
  private readonly accounts: Array<Account> = [administrator]
  private readonly faults = new PlantedFaults()
  private readonly kubelets = new Map<string, unknown>()
  private readonly server: Server
  private readonly hooks: Array<() => void> = []
  private port = 0

  constructor() {
    this.server = createServer((request, response) => {
      this.serve(request, response).catch((error: unknown) => response.destroy(error as Error))
    })
  }

  /** Address of the server. */
  get url(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Starts to listen; on the same port again after {@link stop}. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.server.once("error", reject)
      this.server.listen(this.port, "127.0.0.1", () => {
        this.port = (this.server.address() as AddressInfo).port
        resolve()
      })
    })
  }

  /** Goes away, with every connection. */
  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }

  /** Connections that are open now. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  }

  /** Lets somebody in: what they may do, and what they are called. */
  admit(account: Account): void {
    this.expel(account.token)
    this.accounts.push(account)
  }

  /** From now on that token is nobody's. */
  expel(token: string): void {
    const at = this.accounts.findIndex((account) => account.token === token)
    if (at >= 0) this.accounts.splice(at, 1)
  }

  /** How somebody with that token gets in; an administrator where it is left out. */
  access(token = administrator.token, namespace = "kube-system"): Access {
    return {
      source: "kubeconfig",
      server: new URL(this.url),
      namespace,
      described: "the double of an API server",
      credentials: Effect.succeed({ headers: { authorization: `Bearer ${token}` } }),
    }
  }

  /** The text of a kubeconfig for somebody with that token. */
  kubeconfig(token = administrator.token, namespace = "kube-system"): string {
    return JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "double", cluster: { server: this.url } }],
      users: [{ name: "user", user: { token } }],
      contexts: [{ name: "double", context: { cluster: "double", user: "user", namespace } }],
      "current-context": "double",
    })
  }

  private key(plural: string, name: string, namespace?: string): ObjectKey {
    const type = types.find((one) => one.plural === plural)
    if (type === undefined) throw new Error(`The double knows no ${plural}`)
    return { type, namespace: type.namespaced ? (namespace ?? "default") : undefined, name }
  }

  /** Makes or replaces an object behind everybody's back; name and namespace are in its metadata. */
  put(plural: string, object: JsonObject): JsonObject {
    const { name, namespace } = (object["metadata"] ?? {}) as {
      readonly name?: string
      readonly namespace?: string
    }
    return this.store.put(this.key(plural, name ?? "", namespace), object)
  }

  /** An object as it is now, or `undefined`. */
  get(plural: string, name: string, namespace?: string): JsonObject | undefined {
    return this.store.get(this.key(plural, name, namespace))
  }

  /** Objects of a type in all namespaces. */
  list(plural: string): ReadonlyArray<JsonObject> {
    return this.store.list(this.key(plural, "").type, undefined)
  }

  /** Takes an object away behind everybody's back. */
  delete(plural: string, name: string, namespace?: string): void {
    this.store.delete(this.key(plural, name, namespace))
  }

  /** What the kubelet of that node answers to `configz`. */
  setConfigz(node: string, configuration: unknown): void {
    this.kubelets.set(node, configuration)
  }

  /** Lets something go wrong with requests to come. */
  plant(fault: ApiFault, target?: FaultTarget): void {
    this.faults.plant(fault, target)
  }

  /** Before the next patch is done, another writer does this. */
  beforeNextPatch(act: () => void): void {
    this.hooks.push(act)
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url)
    const body = await bodyOf(request)
    const contentType = request.headers["content-type"]?.split(";")[0] ?? ""
    const account = accountOf(this.accounts, request.headers.authorization)
    const line = parse(request.method ?? "GET", url)
    if (account === undefined) return send(response, Statuses.unauthorized())
    if (line === "no-such-method") return send(response, Statuses.methodNotAllowed())
    if (line === "no-such-resource") return send(response, Statuses.noSuchResource())
    const fault = this.faults.take(line)
    const done = (): Statuses.Reply => {
      const reply = this.reply(account, line, { url, contentType, body })
      this.requests.push(seen(line, contentType, reply.status))
      return reply
    }
    const undone = (): void => void this.requests.push(seen(line, contentType, undefined))
    switch (fault?._tag) {
      case "Answers":
        this.requests.push(seen(line, contentType, fault.reply.status))
        return send(response, fault.reply)
      case "Resets":
        if (fault.when === "after") done()
        else undone()
        request.socket.resetAndDestroy()
        return
      case "Hangs":
        return undone()
      case "Crawls":
        return crawl(response, done(), fault.millis)
      case "EndsEarly":
        return endEarly(response, done())
      case undefined:
        if (line.verb === "watch" && mayDo(account, line)) return this.watch(line, url, response)
        return send(response, done())
    }
  }

  private reply(
    account: Account,
    line: RequestLine,
    sent: { readonly url: URL; readonly contentType: string; readonly body: string },
  ): Statuses.Reply {
    if (!mayDo(account, line)) return Statuses.forbidden({ user: account.user, ...line })
    if (line.verb === "patch") for (const act of this.hooks.splice(0, 1)) act()
    return answer(
      { store: this.store, configz: this.kubelets },
      { line, query: sent.url.searchParams, contentType: sent.contentType, body: sent.body },
    )
  }

  /** A watch: what happened since the version that is named, or what is there, and then what happens. */
  private watch(line: RequestLine, url: URL, response: ServerResponse): void {
    this.requests.push(seen(line, "", 200))
    const concerned = (one: { readonly type: unknown; readonly namespace: string | undefined }): boolean =>
      one.type === line.type && (line.namespace ?? one.namespace) === one.namespace
    const tell = (what: string, object: JsonObject): void =>
      void response.write(`${JSON.stringify({ type: what, object })}\n`)
    response.writeHead(200, { "content-type": "application/json" })
    const since = url.searchParams.get("resourceVersion") ?? "0"
    if (since === "0") for (const object of this.store.list(line.type, line.namespace)) tell("ADDED", object)
    else
      for (const one of this.store.history)
        if (one.version > Number(since) && concerned(one)) tell(one.what, one.object)
    const end = this.store.onChange((one: Happening) => {
      if (concerned(one)) tell(one.what, one.object)
    })
    response.on("close", end)
  }
}

const textOf = ({ body }: Statuses.Reply): string => (typeof body === "string" ? body : JSON.stringify(body))

const send = (response: ServerResponse, reply: Statuses.Reply): void => {
  response
    .writeHead(reply.status, {
      "content-type": typeof reply.body === "string" ? "text/plain" : "application/json",
      ...reply.headers,
    })
    .end(textOf(reply))
}

const crawl = (response: ServerResponse, reply: Statuses.Reply, millis: number): void => {
  const bytes = [...Buffer.from(textOf(reply))]
  response.writeHead(reply.status, { "content-type": "application/json" })
  const timer = setInterval(() => {
    const byte = bytes.shift()
    if (byte === undefined) response.end()
    else response.write(Buffer.from([byte]))
  }, millis)
  response.on("close", () => clearInterval(timer))
}

const endEarly = (response: ServerResponse, reply: Statuses.Reply): void => {
  const text = textOf(reply)
  response.writeHead(reply.status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
  })
  response.write(text.slice(0, text.length / 2), () => response.destroy())
}

/** A double that runs as long as the scope. */
export const scoped: Effect.Effect<ApiServerDouble, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(async () => {
    const double = new ApiServerDouble()
    await double.start()
    return double
  }),
  (double) => Effect.promise(() => double.stop()),
)

/** An account of the double that has these roles and nothing else. */
export const serviceAccount = (
  token: string,
  roles: ReadonlyArray<RoleRules>,
  name = "kube-system:kata-deploy",
): Account => ({ token, user: `system:serviceaccount:${name}`, roles })
