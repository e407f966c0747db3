/**
 * Answers: how is a gRPC service asked on a unix socket? Over Node's own HTTP/2, because then a call that nobody
 * waits for any more, and a connection to a peer that never says a word, are really gone. Nothing is loaded before
 * something is asked. Source: "gRPC over HTTP2" (grpc/grpc, doc/PROTOCOL-HTTP2.md).
 */
import type http2 from "node:http2"
import net from "node:net"
import { Data, Effect, type Scope } from "effect"
import type { Root } from "protobufjs"
import * as Frames from "./Frames.ts"

/** Codes of gRPC that mean something to us. */
export const codes = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
} as const

/** A call failed; `code` is gRPC's. */
export class CallFailed extends Data.TaggedError("CallFailed")<{
  readonly code: number
  /** What the other side said, or why it could not be reached; a clause. */
  readonly detail: string
}> {
  override get message(): string {
    return this.detail
  }
}

/** One method of a service. */
export interface Method {
  /** For example `runtime.v1.RuntimeService/Status`. */
  readonly path: string
  /** The `.proto` text that has both messages. */
  readonly definition: string
  /** Name of the request's message with its package. */
  readonly request: string
  /** Name of the answer's message with its package. */
  readonly answer: string
}

/** An answer as plain values: numbers for integers, bytes for bytes; arrays and records are always there. */
export type Answer = Readonly<Record<string, unknown>>

/** Metadata of a call. */
export type Headers = Readonly<Record<string, string>>

/** A way to one socket; connections are made as they are needed and go with the scope. */
export interface Connection {
  /** Asks and waits for the answer; `headers` go along. */
  readonly ask: (method: Method, request: object, headers?: Headers) => Effect.Effect<Answer, CallFailed>
  /** Asks and collects every answer of the stream. */
  readonly askAll: (
    method: Method,
    request: object,
    headers?: Headers,
  ) => Effect.Effect<ReadonlyArray<Answer>, CallFailed>
}

const roots = new Map<string, Root>()

const load = Effect.promise(() => Promise.all([import("node:http2"), import("protobufjs")]))

/** The way to the socket at `path`, as this process sees it; a socket that is not there fails each call. */
export const connect = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<Connection, never, Scope.Scope> {
  const [http, protobuf] = yield* load
  let session: http2.ClientHttp2Session | undefined
  yield* Effect.addFinalizer(() => Effect.sync(() => session?.destroy()))

  /** A connection that still takes calls; a runtime that was restarted gets a new one. */
  const open = (): http2.ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session
    session = http.connect("http://localhost", { createConnection: () => net.connect(path) })
    // Every call of it is told; without a listener the process would end.
    session.on("error", () => {})
    return session
  }
  const codecOf = ({ answer, definition, request }: Method) => {
    const root = roots.get(definition) ?? protobuf.default.parse(definition).root
    roots.set(definition, root)
    const [requests, answers] = [root.lookupType(request), root.lookupType(answer)]
    return {
      write: (value: object): Uint8Array => requests.encode(requests.fromObject(value)).finish(),
      read: (bytes: Uint8Array): Answer =>
        answers.toObject(answers.decode(bytes), {
          longs: Number,
          defaults: true,
          arrays: true,
          objects: true,
        }),
    }
  }

  const askAll: Connection["askAll"] = (method, request, headers) =>
    Effect.callback((resume) => {
      const { read, write } = codecOf(method)
      const call = open().request({
        ...headers,
        ":method": "POST",
        ":path": `/${method.path}`,
        "content-type": "application/grpc",
        te: "trailers",
      })
      const fail = (code: number, detail: string): void => {
        resume(Effect.fail(new CallFailed({ code, detail })))
        call.destroy()
      }
      const answers: Array<Answer> = []
      let frames = Frames.start
      let status: http2.IncomingHttpHeaders = {}
      // An answer without messages has its status in the first headers, any other one in the last.
      call.on("response", (first) => (status = first))
      call.on("trailers", (last) => (status = last))
      call.on("data", (bytes: Uint8Array) => {
        try {
          const taken = Frames.take(frames, bytes)
          frames = taken.rest
          answers.push(...taken.messages.map(read))
        } catch (cause) {
          fail(codes.internal, `its answer is not to be read: ${cause instanceof Error ? cause.message : ""}`)
        }
      })
      call.on("error", (error) => fail(codes.unavailable, error.message))
      call.on("close", () => {
        const { code, detail } = statusOf(status)
        resume(code === 0 ? Effect.succeed(answers) : Effect.fail(new CallFailed({ code, detail })))
      })
      call.end(Frames.of(write(request)))
      return Effect.sync(() => call.destroy())
    })

  return {
    askAll,
    ask: (method, request, headers) =>
      Effect.flatMap(askAll(method, request, headers), (answers) =>
        answers[0] === undefined
          ? Effect.fail(new CallFailed({ code: codes.internal, detail: "it answered with nothing" }))
          : Effect.succeed(answers[0]),
      ),
  }
})

/** The status that a call ended with; a peer that speaks HTTP and no gRPC has none. */
const statusOf = (headers: http2.IncomingHttpHeaders): { readonly code: number; readonly detail: string } => {
  const code = headers["grpc-status"]
  if (typeof code !== "string")
    return { code: codes.unavailable, detail: "the connection ended before there was an answer" }
  const message = headers["grpc-message"]
  return { code: Number(code), detail: typeof message === "string" ? unescaped(message) : `status ${code}` }
}

const unescaped = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
