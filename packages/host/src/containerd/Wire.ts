/**
 * Answers: how is a gRPC service asked on a unix socket? One connection, calls that are cancelled when nobody waits
 * for them any more, and the libraries loaded only when something is asked.
 */
import { Data, Effect, type Scope } from "effect"
import type { Client, ServiceError } from "@grpc/grpc-js"
import type { Root } from "protobufjs"

/** Codes of gRPC that mean something to us. */
export const codes = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  unimplemented: 12,
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

/** One method of a service. Requests and answers are messages of the same definition, unless they name another. */
export interface Method {
  /** For example `runtime.v1.RuntimeService/Status`. */
  readonly path: string
  /** The `.proto` text that has both messages, in one package. */
  readonly definition: string
  /** Name of the request's message with its package. */
  readonly request: string
  /** Name of the answer's message with its package. */
  readonly answer: string
}

/** An answer as plain values: numbers for integers, arrays and records always there. */
export type Answer = Readonly<Record<string, unknown>>

/** A connection to one socket. */
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

/** Metadata of a call. */
export type Headers = Readonly<Record<string, string>>

/** Answers may be larger than gRPC's own limit of 4 MiB: a node can have thousands of blobs. */
const largestAnswer = 64 * 1024 * 1024

const options = {
  "grpc.max_receive_message_length": largestAnswer,
  // A connection of our own, which goes when it is closed.
  "grpc.use_local_subchannel_pool": 1,
  "grpc.enable_http_proxy": 0,
  // A runtime that is restarting is asked again soon.
  "grpc.initial_reconnect_backoff_ms": 100,
  "grpc.max_reconnect_backoff_ms": 1_000,
}

const roots = new Map<string, Root>()

const load = Effect.promise(() => Promise.all([import("@grpc/grpc-js"), import("protobufjs")]))

/** Opens a connection to the socket at `path`, as this process sees it; a socket that is not there fails each call. */
export const connect = Effect.fnUntraced(function* (
  path: string,
): Effect.fn.Return<Connection, never, Scope.Scope> {
  const [grpc, protobuf] = yield* load
  const client: Client = yield* Effect.acquireRelease(
    Effect.sync(() => new grpc.Client(`unix:${path}`, grpc.credentials.createInsecure(), options)),
    (client) => Effect.sync(() => client.close()),
  )

  const codecOf = ({ answer, definition, path, request }: Method) => {
    const root = roots.get(definition) ?? protobuf.default.parse(definition).root
    roots.set(definition, root)
    const [requests, answers] = [root.lookupType(request), root.lookupType(answer)]
    return {
      path: `/${path}`,
      write: (value: object) => Buffer.from(requests.encode(requests.fromObject(value)).finish()),
      read: (bytes: Uint8Array): Answer =>
        answers.toObject(answers.decode(bytes), {
          longs: Number,
          defaults: true,
          arrays: true,
          objects: true,
        }),
    }
  }
  const metadataOf = (headers: Headers | undefined) => {
    const metadata = new grpc.Metadata()
    for (const [key, value] of Object.entries(headers ?? {})) metadata.set(key, value)
    return metadata
  }
  const failure = (error: ServiceError): CallFailed =>
    new CallFailed({ code: error.code, detail: error.details || error.message })

  return {
    ask: (method, request, headers) =>
      Effect.callback<Answer, CallFailed>((resume) => {
        const { path, read, write } = codecOf(method)
        const call = client.makeUnaryRequest(
          path,
          write,
          read,
          request,
          metadataOf(headers),
          (error, answer) =>
            resume(error === null ? Effect.succeed(answer ?? {}) : Effect.fail(failure(error))),
        )
        return Effect.sync(() => call.cancel())
      }),
    askAll: (method, request, headers) =>
      Effect.callback<ReadonlyArray<Answer>, CallFailed>((resume) => {
        const { path, read, write } = codecOf(method)
        const call = client.makeServerStreamRequest(path, write, read, request, metadataOf(headers))
        const answers: Array<Answer> = []
        call.on("data", (answer: Answer) => answers.push(answer))
        call.on("error", (error: ServiceError) => resume(Effect.fail(failure(error))))
        call.on("end", () => resume(Effect.succeed(answers)))
        return Effect.sync(() => call.cancel())
      }),
  }
})
