/**
 * Answers: what does the health server say? Of a request only the first line is looked at, and of that only the path.
 * Source: spec 10 §1, §2; 12 W-21.
 */

/**
 * What the program is doing: `ready` once the node is labelled, and no more once the end of the pod has begun. There is
 * no failed state: failure ends the process. Upstream knows the first two.
 */
export type HealthState = "installing" | "ready" | "stopping"

/** Seconds that a client gets for the first line; then the connection is closed without an answer. */
export const firstLineSeconds = 5

/** Bytes that a first line may have; a longer one is closed without an answer. */
export const firstLineBytes = 8192

/** Path of the metrics; ours, upstream has none. */
export const metricsPath = "/metrics"

/** An answer. */
export interface HealthResponse {
  readonly status: 200 | 404 | 503
  readonly body: string
  /** Without it `text/plain`. */
  readonly contentType?: string
}

const ok = (state: HealthState): HealthResponse => ({ status: 200, body: `ok ${state}\n` })

/** The path of a request line, without a query. */
export const pathOf = (requestLine: string): string | undefined =>
  requestLine.trim().split(/\s+/)[1]?.split("?")[0]

/** The answer to a request line, or `undefined` where none came in time and the connection is just closed. */
export const respond = (requestLine: string | undefined, state: HealthState): HealthResponse | undefined => {
  if (requestLine === undefined) return undefined
  switch (pathOf(requestLine)) {
    case "/healthz":
      return ok(state)
    case "/readyz":
      return state === "ready" ? ok(state) : { status: 503, body: `not_ready ${state}\n` }
    default:
      return { status: 404, body: "not found\n" }
  }
}

const phrases = { 200: "OK", 404: "Not Found", 503: "Service Unavailable" } as const

/** The bytes of an answer; the connection is closed behind them. */
export const encode = ({ body, contentType = "text/plain", status }: HealthResponse): string =>
  [
    `HTTP/1.1 ${status} ${phrases[status]}`,
    `Content-Type: ${contentType}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    "Connection: close",
    "",
    body,
  ].join("\r\n")
