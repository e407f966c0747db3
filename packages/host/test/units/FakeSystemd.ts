/**
 * A systemd of one conversation, in memory: what it is asked for is recorded, and it answers as a table says. Calls of
 * which the table says nothing are answered with nothing.
 */
import { Cause, Effect, Queue } from "effect"
import { BusFailure } from "../../src/units/BusFailure.ts"
import { type Message, messageType, type OpenWire } from "../../src/units/Wire.ts"

/** What a fake does with a call. */
export type Answer =
  | { readonly body: unknown[] }
  | { readonly error: string; readonly text: string }
  /** Says nothing to it. */
  | "silence"
  /** Closes the connection. */
  | "hang up"

/** How a fake behaves; members are without their interface. */
export interface Behaviour {
  readonly [member: string]: Answer | ((call: Message) => Answer)
}

/** A fake with its controls. */
export interface FakeSystemd {
  /** Opens a connection to it. */
  readonly wire: OpenWire
  /** Calls in the order in which they came, over all connections. */
  readonly calls: Array<Message>
  /** Sends a signal on the last connection. */
  readonly signal: (member: string, ...body: unknown[]) => void
  /** Answers the call of this number late. */
  readonly reply: (serial: number, ...body: unknown[]) => void
  /** How it behaves; tests change it as they go. */
  readonly behaviour: Record<string, Answer | ((call: Message) => Answer)>
}

/** A fake that behaves so. */
export const make = (behaviour: Behaviour = {}): FakeSystemd => {
  const calls: Array<Message> = []
  const table = { ...behaviour }
  let inbox: Queue.Queue<Message, BusFailure> | undefined
  const signal = (member: string, ...body: unknown[]): void =>
    void Queue.offerUnsafe(inbox!, { type: messageType.signal, member, body })
  const reply = (replySerial: number, ...body: unknown[]): void =>
    void Queue.offerUnsafe(inbox!, { type: messageType.return, replySerial, body })
  const answer = (call: Message): void => {
    const found = table[call.member!] ?? { body: [] }
    const what = typeof found === "function" ? found(call) : found
    if (what === "silence") return
    if (what === "hang up") {
      const reason = { _tag: "Lost", detail: "the other side closed it" } as const
      return void Queue.failCauseUnsafe(inbox!, Cause.fail(new BusFailure({ reason })))
    }
    const replySerial = call.serial!
    if (!("error" in what)) return reply(replySerial, ...what.body)
    const { error: errorName, text } = what
    Queue.offerUnsafe(inbox!, { type: messageType.error, replySerial, errorName, body: [text] })
  }
  const wire: OpenWire = Effect.gen(function* () {
    const own = yield* Queue.unbounded<Message, BusFailure>()
    inbox = own
    return {
      send: (message) =>
        Effect.sync(() => {
          calls.push(message)
          answer(message)
        }),
      receive: Queue.take(own),
    }
  })
  return { wire, calls, signal, reply, behaviour: table }
}

/** An error reply for a unit that is not loaded. */
export const noSuchUnit: Answer = {
  error: "org.freedesktop.systemd1.NoSuchUnit",
  text: "Unit x.service not loaded.",
}

/** Calls as people would write them, what every conversation begins with left out. */
export const written = (fake: FakeSystemd): ReadonlyArray<string> =>
  fake.calls.map(({ body = [], member }) => [member, ...body.map((value) => JSON.stringify(value))].join(" "))
