/**
 * Answers: how is something asked of the API server? Every request names the right that it makes use of, and its method
 * and path are made from that right; nothing else in this package sends anything.
 */
import { Duration, Effect, Schema } from "effect"
import type { Access } from "./Access.ts"
import { ApiFailure, type ApiFailureReason } from "./ApiFailure.ts"
import { Status } from "./ApiObjects.ts"
import * as Patience from "./Patience.ts"
import { methodOf, pathOf, type RightName, rightOf, type Target } from "./Rights.ts"
import { type HttpRequest, type HttpResponse, type Transport, TransportError } from "./Transport.ts"

/** What is asked. */
export interface Ask extends Target {
  readonly right: RightName
  readonly query?: Readonly<Record<string, string>>
  /** Sent as JSON under that media type. */
  readonly body?: { readonly contentType: string; readonly value: unknown }
}

/** The API server, to ask. */
export interface ApiClient {
  /** Our own namespace. */
  readonly namespace: string
  /** Asks, and asks again as long as a failure is worth it. */
  readonly ask: <S extends Schema.Decoder<unknown>>(
    schema: S,
    ask: Ask,
  ) => Effect.Effect<S["Type"], ApiFailure>
  /** Asks once; for what nobody should wait for. */
  readonly askOnce: <S extends Schema.Decoder<unknown>>(
    schema: S,
    ask: Ask,
  ) => Effect.Effect<S["Type"], ApiFailure>
}

const decodeStatus = Schema.decodeUnknownEffect(Schema.fromJsonString(Status))
const noStatus: Status = {}

/** The address of a request; a server may lie below a path, as behind Rancher. */
export const urlOf = (access: Pick<Access, "server" | "namespace">, ask: Ask): URL => {
  const url = new URL(access.server)
  url.pathname = `${access.server.pathname.replace(/\/$/, "")}${pathOf(rightOf(ask.right), ask, access.namespace)}`
  for (const [name, value] of Object.entries(ask.query ?? {})) url.searchParams.set(name, value)
  return url
}

/** The client of one process. */
export const make = (access: Access, transport: Transport, patience: Patience.Patience): ApiClient => {
  let hasAnswered = false
  const granted = new Set<RightName>()
  const fail = (ask: Ask, reason: ApiFailureReason): ApiFailure =>
    new ApiFailure({ reason, right: rightOf(ask.right), access })

  const send = Effect.fnUntraced(function* (ask: Ask): Effect.fn.Return<HttpResponse, ApiFailure> {
    const credentials = yield* Effect.mapError(access.credentials, (error) =>
      fail(ask, { _tag: "NoCredentials", error }),
    )
    const request: HttpRequest = {
      method: methodOf(rightOf(ask.right)),
      url: urlOf(access, ask),
      credentials,
      ...(ask.body === undefined
        ? {}
        : { body: { contentType: ask.body.contentType, text: JSON.stringify(ask.body.value) } }),
    }
    return yield* Effect.mapError(transport(request), (error) =>
      fail(ask, { _tag: "NoAnswer", error, afterSeconds: patience.requestSeconds }),
    )
  })

  const timeOut = (ask: Ask): ApiFailure =>
    fail(ask, {
      _tag: "NoAnswer",
      error: new TransportError({ fault: "timed-out", code: "ETIMEDOUT" }),
      afterSeconds: patience.requestSeconds,
    })

  const refused = Effect.fnUntraced(function* (
    ask: Ask,
    response: HttpResponse,
  ): Effect.fn.Return<never, ApiFailure> {
    // A proxy in between answers in words of its own.
    const body = yield* Effect.orElseSucceed(decodeStatus(response.text), () => noStatus)
    return yield* fail(ask, {
      _tag: "Answered",
      status: response.status,
      body,
      retryAfterSeconds: response.retryAfterSeconds ?? body.details?.retryAfterSeconds ?? undefined,
    })
  })

  const askOnce = <S extends Schema.Decoder<unknown>>(
    schema: S,
    ask: Ask,
  ): Effect.Effect<S["Type"], ApiFailure> =>
    Effect.gen(function* () {
      const response = yield* send(ask).pipe(
        Effect.timeoutOrElse({
          duration: Duration.seconds(patience.requestSeconds),
          orElse: () => Effect.fail(timeOut(ask)),
        }),
      )
      hasAnswered ||= response.status < 500
      if (response.status < 200 || response.status > 299) return yield* refused(ask, response)
      granted.add(ask.right)
      return yield* Schema.decodeUnknownEffect(Schema.fromJsonString(schema))(response.text).pipe(
        Effect.mapError(() => fail(ask, { _tag: "NotUnderstood", why: "it has another shape" })),
      )
    })

  return {
    namespace: access.namespace,
    askOnce,
    ask: (schema, ask) =>
      askOnce(schema, ask).pipe(
        Effect.retry(
          Patience.schedule(patience, () => ({ hasAnswered, hasGranted: granted.has(ask.right) })),
        ),
      ),
  }
}
