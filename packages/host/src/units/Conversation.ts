/**
 * Answers: how does one talk with systemd? One call at a time, each with a deadline; signals that come in between are
 * kept for whoever waits for them next. The same over the private socket and over the system bus.
 * Source: spec 09 §10.
 */
import { Effect, type Scope } from "effect"
import { BusFailure } from "./BusFailure.ts"
import { ioSeconds } from "./SocketWire.ts"
import * as SystemdCalls from "./SystemdCalls.ts"
import { type Message, messageType, type OpenWire } from "./Wire.ts"

/** Whether the other side is systemd itself, or a bus that it is on. */
export type Peer = "systemd" | "bus"

/** An open conversation. */
export interface Conversation {
  /** Calls, and gives the values of the answer. */
  readonly call: (call: SystemdCalls.Call) => Effect.Effect<ReadonlyArray<unknown>, BusFailure>
  /** Calls, and waits for the answer or for a signal that says as much, whichever comes first. */
  readonly callUntil: (
    call: SystemdCalls.Call,
    isDone: (signal: Message) => boolean,
  ) => Effect.Effect<void, BusFailure>
  /** What the first signal says of which `read` makes something; earlier signals count. Waits `seconds` at most. */
  readonly awaitSignal: <A>(
    read: (signal: Message) => A | undefined,
    seconds: number,
  ) => Effect.Effect<A, BusFailure>
}

/** Signals that are kept; the oldest go first. */
const keptSignals = 64

/**
 * systemd sometimes leaves the first message lying until another one comes; then one is sent, and a second one, since the
 * first may lie there as well. Soon, for on a busy machine that befalls every other conversation.
 */
const nudgeAfter = ["100 millis", "1 second"] as const

const silent = (seconds: number) => ({
  duration: `${seconds} seconds` as const,
  orElse: () => Effect.fail(new BusFailure({ reason: { _tag: "Silent", seconds } })),
})

/** Begins a conversation over a new connection; it ends with the scope. */
export const open = (wire: OpenWire, peer: Peer): Effect.Effect<Conversation, BusFailure, Scope.Scope> =>
  Effect.gen(function* () {
    const { receive, send } = yield* wire
    const signals: Array<Message> = []
    let serial = 0
    let wasAnswered = false

    /** The answer to a call, or a signal that stands for it. */
    const answerTo = Effect.fnUntraced(function* (number: number, isDone: (signal: Message) => boolean) {
      for (;;) {
        const message = yield* receive
        wasAnswered = true
        if (message.type === messageType.signal) {
          if (isDone(message)) return message
          if (signals.push(message) > keptSignals) signals.shift()
        } else if (message.replySerial === number) return message
      }
    })
    const submit = ({ args, ...call }: SystemdCalls.Call): Effect.Effect<number, BusFailure> =>
      Effect.suspend(() => {
        const number = ++serial
        const body = call.signature === "" ? {} : { signature: call.signature, body: [...args] }
        const { signature: _, ...header } = call
        return Effect.as(send({ ...header, ...body, type: messageType.call, serial: number }), number)
      })
    const nudging = (number: number, isDone: (signal: Message) => boolean) => {
      const answer = answerTo(number, isDone)
      if (wasAnswered) return answer
      return nudgeAfter.reduceRight(
        (rest, duration) =>
          Effect.timeoutOrElse(answer, {
            duration,
            orElse: () => Effect.andThen(submit(SystemdCalls.ping), rest),
          }),
        answer,
      )
    }
    const answered = Effect.fnUntraced(function* (
      call: SystemdCalls.Call,
      isDone: (signal: Message) => boolean,
    ) {
      const number = yield* submit(call)
      const answer = yield* Effect.timeoutOrElse(nudging(number, isDone), silent(ioSeconds))
      if (answer.type !== messageType.error) return answer.body ?? []
      const [text] = answer.body ?? []
      const name = answer.errorName ?? "an error without a name"
      return yield* new BusFailure({
        reason: { _tag: "Said", name, text: typeof text === "string" ? text : name },
      })
    })
    const call: Conversation["call"] = (wanted) => answered(wanted, () => false)
    const awaitSignal: Conversation["awaitSignal"] = (read, seconds) => {
      const waiting = Effect.gen(function* () {
        for (;;) {
          const message = signals.shift() ?? (yield* receive)
          const found = message.type === messageType.signal ? read(message) : undefined
          if (found !== undefined) return found
        }
      })
      return Effect.timeoutOrElse(waiting, silent(seconds))
    }

    if (peer === "bus") {
      yield* call(SystemdCalls.hello)
      yield* call(SystemdCalls.matchSignals)
    }
    return { call, callUntil: (wanted, isDone) => Effect.asVoid(answered(wanted, isDone)), awaitSignal }
  })
