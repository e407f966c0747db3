/**
 * Answers: how does one request reach the API server and come back? One `node:https` request whose socket is closed
 * when nobody waits for it any longer. See docs/decisions/0012-own-request-path.md.
 */
import * as http from "node:http"
import * as https from "node:https"
import { Data, Effect, type Scope } from "effect"

/** What a request is sent with, beside what it says: trust and identity. Holds secrets; never shown. */
export interface Credentials {
  /** Headers such as `Authorization`. */
  readonly headers: Readonly<Record<string, string>>
  readonly ca?: string | Buffer
  readonly cert?: string | Buffer
  readonly key?: string | Buffer
  readonly servername?: string
  /** Left out: the server's certificate is checked. */
  readonly rejectUnauthorized?: boolean
  /** An agent that goes through a proxy; left out: ours. */
  readonly proxyAgent?: http.Agent
}

/** A request as it goes out. */
export interface HttpRequest {
  readonly method: "GET" | "PATCH" | "POST"
  readonly url: URL
  readonly credentials: Credentials
  readonly body?: { readonly contentType: string; readonly text: string }
}

/** An answer as it came. */
export interface HttpResponse {
  readonly status: number
  /** Seconds that `Retry-After` asks for; only whole seconds are understood. */
  readonly retryAfterSeconds: number | undefined
  readonly text: string
}

/** How a request came to have no answer. */
export type TransportFault =
  /** No connection: nobody listens, or there is no way there. */
  | "unreachable"
  /** The name of the server is not known. */
  | "unknown-host"
  /** The server's certificate is not one that we trust. */
  | "not-trusted"
  /** The connection ended before the answer did. */
  | "broken"
  /** What answers speaks no HTTP, or no TLS. */
  | "not-http"
  /** No whole answer in time. */
  | "timed-out"

/** A request had no answer. */
export class TransportError extends Data.TaggedError("TransportError")<{
  readonly fault: TransportFault
  /** Code of the operating system, of TLS or of Node: `ECONNREFUSED`, `CERT_HAS_EXPIRED`. */
  readonly code: string
}> {
  override get message(): string {
    return `${this.fault} (${this.code})`
  }
}

/** Sends a request; interrupting it closes its socket. */
export type Transport = (request: HttpRequest) => Effect.Effect<HttpResponse, TransportError>

/** Longest answer that is taken in; a page of 250 DaemonSets is a few megabytes. */
const longestAnswer = 64 * 1024 * 1024

const faults: Readonly<Record<string, TransportFault>> = {
  ECONNREFUSED: "unreachable",
  EHOSTUNREACH: "unreachable",
  ENETUNREACH: "unreachable",
  ETIMEDOUT: "unreachable",
  EADDRNOTAVAIL: "unreachable",
  ENOTFOUND: "unknown-host",
  EAI_AGAIN: "unknown-host",
  EAI_FAIL: "unknown-host",
  EPROTO: "not-http",
}

/** Codes of certificate checks, by OpenSSL's names. Source: Node's documentation of tls, "X509 certificate error codes". */
const certificateCode =
  /^(?:CERT_|CRL_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|HOSTNAME_|INVALID_(?:CA|PURPOSE)|ERROR_IN_CERT|ERR_TLS_CERT|PATH_LENGTH)/

/** What an error code of `node:https` means. */
export const faultOf = (code: string): TransportFault => {
  if (certificateCode.test(code)) return "not-trusted"
  if (/^(?:HPE_|ERR_SSL_)/.test(code)) return "not-http"
  return faults[code] ?? "broken"
}

const errorOf = (error: unknown): TransportError => {
  const code = (error as NodeJS.ErrnoException).code
  // Several addresses were tried, each with an error of its own; they are alike.
  const first =
    error instanceof AggregateError ? (error.errors[0] as NodeJS.ErrnoException | undefined) : undefined
  const known = code ?? first?.code ?? "UNKNOWN"
  return new TransportError({ fault: faultOf(known), code: known })
}

const secondsOf = (header: string | undefined): number | undefined =>
  header !== undefined && /^\d{1,6}$/.test(header.trim()) ? Number(header) : undefined

const exchange = (
  request: HttpRequest,
  agents: { readonly plain: http.Agent; readonly secure: https.Agent },
): Effect.Effect<HttpResponse, TransportError> =>
  Effect.callback((resume) => {
    const { credentials, url } = request
    const isSecure = url.protocol === "https:"
    const { headers, proxyAgent, ...trust } = credentials
    const fail = (error: unknown): void => {
      sent.destroy()
      resume(Effect.fail(errorOf(error)))
    }
    const sent = (isSecure ? https : http).request(url, {
      method: request.method,
      agent: proxyAgent ?? (isSecure ? agents.secure : agents.plain),
      ...trust,
      headers: {
        accept: "application/json",
        "user-agent": "kata-deploy",
        ...headers,
        ...(request.body === undefined
          ? {}
          : {
              "content-type": request.body.contentType,
              "content-length": Buffer.byteLength(request.body.text),
            }),
      },
    })
    sent.on("error", fail)
    sent.on("response", (response) => {
      const chunks: Array<Buffer> = []
      let size = 0
      response.on("error", fail)
      response.on("data", (chunk: Buffer) => {
        size += chunk.length
        if (size > longestAnswer) fail({ code: "ANSWER_TOO_LONG" })
        else chunks.push(chunk)
      })
      response.on("end", () => {
        resume(
          Effect.succeed({
            status: response.statusCode ?? 0,
            retryAfterSeconds: secondsOf(response.headers["retry-after"]),
            text: Buffer.concat(chunks).toString("utf8"),
          }),
        )
      })
    })
    sent.end(request.body?.text)
    return Effect.sync(() => {
      sent.destroy()
    })
  })

/** As `exchange`; what Node refuses before anything is sent, such as a CA that is no PEM, is an error like the others. */
const attempt = (
  request: HttpRequest,
  agents: { readonly plain: http.Agent; readonly secure: https.Agent },
): Effect.Effect<HttpResponse, TransportError> =>
  exchange(request, agents).pipe(Effect.catchDefect((defect) => Effect.fail(errorOf(defect))))

/** The transport of one process: connections are kept for the next request, and closed with the scope. */
export const make: Effect.Effect<Transport, never, Scope.Scope> = Effect.acquireRelease(
  Effect.sync(() => ({
    plain: new http.Agent({ keepAlive: true, maxSockets: 4 }),
    secure: new https.Agent({ keepAlive: true, maxSockets: 4 }),
  })),
  ({ plain, secure }) =>
    Effect.sync(() => {
      plain.destroy()
      secure.destroy()
    }),
).pipe(Effect.map((agents) => (request: HttpRequest) => attempt(request, agents)))
