/** A gRPC server of a test: it answers methods as it is told, on a unix socket. */
import { Effect, type Scope } from "effect"
import grpc from "@grpc/grpc-js"
import protobuf from "protobufjs"
import type { Method } from "../../src/containerd/Wire.ts"

/** What a call is answered with: messages (one, or all of a stream), a status, or nothing ever. */
export type Reply =
  | { readonly messages: ReadonlyArray<object> }
  | { readonly code: number; readonly details: string }
  | "silence"

/** What was asked: the request as plain values, and the namespace that went along. */
export interface Asked {
  readonly request: Readonly<Record<string, unknown>>
  readonly namespace: string | undefined
}

/** A method with what it answers. */
export interface Served {
  readonly method: Method
  readonly stream?: true
  readonly reply: (asked: Asked) => Reply
}

/** Serves methods at the socket `path` until the scope closes; every other method is unimplemented. */
export const serve = (
  path: string,
  methods: ReadonlyArray<Served>,
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.promise(async () => {
        const server = new grpc.Server()
        for (const served of methods) add(server, served)
        await new Promise<void>((resolve, reject) =>
          server.bindAsync(`unix:${path}`, grpc.ServerCredentials.createInsecure(), (error) =>
            error ? reject(error) : resolve(),
          ),
        )
        return server
      }),
      (server) => Effect.sync(() => server.forceShutdown()),
    ),
  )

const add = (server: grpc.Server, { method, reply, stream }: Served): void => {
  const root = protobuf.parse(method.definition).root
  const [requests, answers] = [root.lookupType(method.request), root.lookupType(method.answer)]
  const definition = {
    path: `/${method.path}`,
    requestStream: false,
    responseStream: stream === true,
    requestDeserialize: (bytes: Buffer) => requests.toObject(requests.decode(bytes), { longs: Number }),
    requestSerialize: () => Buffer.alloc(0),
    responseSerialize: (value: object) => Buffer.from(answers.encode(answers.fromObject(value)).finish()),
    responseDeserialize: () => ({}),
  }
  const replyTo = (call: { readonly request: unknown; readonly metadata: grpc.Metadata }): Reply =>
    reply({
      request: call.request as Record<string, unknown>,
      namespace: call.metadata.get("containerd-namespace")[0]?.toString(),
    })
  const unary: grpc.handleUnaryCall<unknown, object> = (call, done) => {
    const answer = replyTo(call)
    if (answer === "silence") return
    if ("code" in answer) done(answer)
    else done(null, answer.messages[0] ?? {})
  }
  const streaming: grpc.handleServerStreamingCall<unknown, object> = (call) => {
    const answer = replyTo(call)
    if (answer === "silence") return
    if ("code" in answer) return void call.emit("error", answer)
    for (const message of answer.messages) call.write(message)
    call.end()
  }
  server.addService({ [method.path]: definition }, { [method.path]: stream ? streaming : unary })
}
