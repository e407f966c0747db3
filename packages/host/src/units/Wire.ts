/** Answers: what goes over a connection to systemd? Messages of D-Bus, and nothing of how they are carried. */
import type { Effect, Scope } from "effect"
import type { BusFailure } from "./BusFailure.ts"

/** Kinds of messages, by the number that D-Bus gives them. Source: D-Bus specification, "Message Format". */
export const messageType = { call: 1, return: 2, error: 3, signal: 4 } as const

/** A message; fields that a kind does not have are absent. */
export interface Message {
  readonly type?: number
  readonly flags?: number
  /** Number of the message on its connection, from 1 on. */
  readonly serial?: number
  readonly path?: string
  readonly interface?: string
  readonly member?: string
  readonly errorName?: string
  /** Number of the call that this answers. */
  readonly replySerial?: number
  readonly destination?: string
  readonly sender?: string
  /** Types of the body, as D-Bus writes them. */
  readonly signature?: string
  /** Values; a variant is the value in it, a 64-bit number a `bigint`. */
  readonly body?: unknown[]
}

/** A connection whose handshake is done. */
export interface Wire {
  /** Sends a message. */
  readonly send: (message: Message) => Effect.Effect<void, BusFailure>
  /** The next message; waits without end. What came is kept when nobody waits. */
  readonly receive: Effect.Effect<Message, BusFailure>
}

/** Opens a connection, which ends with the scope. */
export type OpenWire = Effect.Effect<Wire, BusFailure, Scope.Scope>
