/**
 * What can go wrong between a client and a real API server? A proxy in between lets it: it ends TLS, passes everything
 * on, and does something else with a request where a test says so.
 */
import { readFileSync } from "node:fs"
import * as https from "node:https"
import type { IncomingMessage, ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import type { Cluster } from "./Cluster.ts"

/** What happens to a request instead of being passed on. */
export type Intervention =
  /** It is answered like this. */
  | { readonly answer: number; readonly body?: unknown; readonly retryAfter?: number }
  /** It is passed on, and the connection is reset in place of the answer. */
  | "reset-after"
  /** The connection is reset at once. */
  | "reset"
  /** It is never answered. */
  | "hang"
  /** The answer comes byte by byte, ten in a second. */
  | "crawl"
  /** Something is done first; then it is passed on. */
  | { readonly first: () => Promise<unknown> }

interface Planned {
  readonly method: string
  readonly intervention: Intervention
}

const bodyOf = async (stream: IncomingMessage): Promise<Buffer> => {
  const chunks: Array<Buffer> = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

/** A proxy in front of a cluster. */
export class Proxy implements AsyncDisposable {
  /** Requests that came in, as `GET /api/v1/nodes/n`. */
  readonly seen: Array<string> = []
  private readonly cluster: Cluster
  private readonly server: https.Server
  private readonly planned: Array<Planned> = []

  private constructor(cluster: Cluster) {
    this.cluster = cluster
    const pem = (name: string): Buffer => readFileSync(cluster.pki.path(name))
    this.server = https.createServer(
      { cert: pem("server.crt"), key: pem("server.key") },
      (request, response) => {
        this.serve(request, response).catch(() => request.socket.destroy())
      },
    )
  }

  /** Starts a proxy on a free port. */
  static async start(cluster: Cluster): Promise<Proxy> {
    const proxy = new Proxy(cluster)
    await new Promise<void>((resolve) => proxy.server.listen(0, "127.0.0.1", resolve))
    return proxy
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port
  }

  /** Connections that are open now. */
  connections(): Promise<number> {
    return new Promise((resolve, reject) => {
      this.server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  }

  /** The next request of that method has this happen to it; several wait for their turn. */
  next(method: string, ...interventions: ReadonlyArray<Intervention>): void {
    for (const intervention of interventions) this.planned.push({ method, intervention })
  }

  private async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.seen.push(`${request.method} ${request.url}`)
    const body = await bodyOf(request)
    const at = this.planned.findIndex(({ method }) => method === request.method)
    const intervention = at < 0 ? undefined : this.planned.splice(at, 1)[0]!.intervention
    if (intervention === "hang") return
    if (intervention === "reset") {
      request.socket.resetAndDestroy()
      return
    }
    if (typeof intervention === "object" && "answer" in intervention) {
      const { answer, body: said, retryAfter } = intervention
      response.writeHead(answer, {
        "content-type": "application/json",
        ...(retryAfter === undefined ? {} : { "retry-after": String(retryAfter) }),
      })
      response.end(JSON.stringify(said ?? { kind: "Status", status: "Failure", code: answer }))
      return
    }
    if (typeof intervention === "object") await intervention.first()
    const { headers, status, text } = await this.passOn(request, body)
    if (intervention === "reset-after") {
      request.socket.resetAndDestroy()
      return
    }
    response.writeHead(status, headers)
    if (intervention === "crawl") crawl(response, text)
    else response.end(text)
  }

  private passOn(
    request: IncomingMessage,
    body: Buffer,
  ): Promise<{
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly text: Buffer
  }> {
    return new Promise((resolve, reject) => {
      const forward = https.request(
        `${this.cluster.url}${request.url}`,
        {
          method: request.method,
          headers: request.headers,
          ca: readFileSync(this.cluster.pki.path("ca.crt")),
          agent: false,
        },
        (answer) => {
          bodyOf(answer).then(
            (text) =>
              resolve({
                status: answer.statusCode ?? 502,
                headers: { "content-type": answer.headers["content-type"] ?? "text/plain" },
                text,
              }),
            reject,
          )
        },
      )
      forward.on("error", reject)
      forward.end(body)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => {
      this.server.close(() => resolve())
      this.server.closeAllConnections()
    })
  }
}

const crawl = (response: ServerResponse, text: Buffer): void => {
  let at = 0
  const timer = setInterval(() => {
    if (at < text.length) response.write(text.subarray(at, (at += 1)))
    else response.end()
  }, 100)
  response.on("close", () => clearInterval(timer))
}
