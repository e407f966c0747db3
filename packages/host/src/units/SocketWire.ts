/**
 * Answers: how do messages get to systemd? Over a unix socket, with the library `dbus-native` for handshake and
 * encoding. The library neither limits nor times the handshake, so that is done here.
 * Source: spec 09 §10.
 */
import { createConnection, type Socket } from "node:net"
import { Cause, Effect, Queue, type Scope } from "effect"
import { BusFailure, type BusReason } from "./BusFailure.ts"
import type { Message, OpenWire, Wire } from "./Wire.ts"

/** Seconds that a peer has for each step of a conversation. */
export const ioSeconds = 60

/** Bytes that a peer may send before it has accepted us. */
const handshakeLimit = 1024

/** Bytes that one message may have, as D-Bus itself demands. */
const messageLimit = 128 * 1024 * 1024

/**
 * systemd reads the end of the handshake and what comes along with it in one go, and then forgets to look at the
 * latter (measured on 252); so the first message waits for this many milliseconds.
 */
const pauseAfterBegin = 5

const failure = (reason: BusReason): BusFailure => new BusFailure({ reason })

const codeOf = (error: Error): string => (error as NodeJS.ErrnoException).code ?? error.message

/** What an error on the socket means, depending on how far we came. */
const reasonOf = (error: Error, stage: Stage): BusReason => {
  if (stage === "connecting") return { _tag: "NotReached", code: codeOf(error) }
  if (stage === "accepted") return { _tag: "Lost", detail: error.message }
  return { _tag: "NotAccepted", detail: refusal(error) }
}

/** systemd closes without a word on whom it does not know: another user, or a process of another PID namespace. */
const refusal = (error: Error): string =>
  error === closed || ["EPIPE", "ECONNRESET"].includes(codeOf(error))
    ? "the other side closed it; systemd talks only to root, in its own PID namespace or one below"
    : error.message

type Stage = "connecting" | "greeting" | "accepted"

/** Opens the unix socket at `path`, as this process sees it. */
export const open = (path: string): OpenWire =>
  Effect.gen(function* () {
    const { default: library } = yield* Effect.promise(() => import("dbus-native"))
    const inbox = yield* Queue.unbounded<Message, BusFailure>()
    const socket = yield* socketTo(path)
    const wire = Effect.callback<Wire, BusFailure>((resume) => {
      let stage: Stage = "connecting"
      const end = (reason: BusReason): void => {
        Queue.failCauseUnsafe(inbox, Cause.fail(failure(reason)))
        resume(Effect.fail(failure(reason)))
        socket.destroy()
      }
      socket.once("connect", () => (stage = "greeting"))
      socket.on("readable", () => {
        if (stage !== "accepted" && socket.bytesRead > handshakeLimit)
          end({
            _tag: "NotAccepted",
            detail: `its answer has more than ${handshakeLimit} bytes; that is not systemd`,
          })
      })
      // The library's handshake does not look at the end of the stream.
      socket.once("close", () => end(reasonOf(closed, stage)))
      const connection = library.createConnection({
        stream: socket,
        authMethods: ["EXTERNAL"],
        maxMessageSize: messageLimit,
      })
      connection.on("error", (error) => end(reasonOf(error, stage)))
      connection.on("message", (message: Message) => Queue.offerUnsafe(inbox, message))
      connection.on("connect", () => {
        stage = "accepted"
        const send = (message: Message) =>
          Effect.suspend(() => {
            if (socket.destroyed) return Effect.fail(failure({ _tag: "Lost", detail: closed.message }))
            return Effect.sync(() => void connection.message({ ...message }))
          })
        resume(Effect.succeed({ send, receive: Queue.take(inbox) }))
      })
    })
    const accepted = yield* Effect.timeoutOrElse(wire, {
      duration: `${ioSeconds} seconds`,
      orElse: () => Effect.fail(failure({ _tag: "Silent", seconds: ioSeconds })),
    })
    yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, pauseAfterBegin)))
    return accepted
  })

const closed = new Error("the other side closed it")

/** A socket that is on its way; a path that is too long for an address is an error like any other. */
const socketTo = (path: string): Effect.Effect<Socket, BusFailure, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.try({
      try: () => createConnection(path),
      catch: (error) => failure({ _tag: "NotReached", code: codeOf(error as Error) }),
    }),
    (socket) =>
      Effect.sync(() => {
        // Errors of a connection that nobody uses any more are nobody's.
        socket.removeAllListeners("close")
        socket.on("error", () => {})
        socket.destroy()
      }),
  )
