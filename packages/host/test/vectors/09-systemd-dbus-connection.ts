/**
 * Answers the vectors about the connection to systemd: handshake, bytes of calls and answers, and which calls make an
 * operation.
 */
import { Effect, Fiber, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Fact, type HostShell } from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import * as Conversation from "../../src/units/Conversation.ts"
import * as SocketWire from "../../src/units/SocketWire.ts"
import * as SystemdUnits from "../../src/units/SystemdUnits.ts"
import { type Message, messageType } from "../../src/units/Wire.ts"
import * as FakePeer from "../units/FakePeer.ts"
import * as FakeSystemd from "../units/FakeSystemd.ts"

/** Vectors write control characters as people do. */
const unescape = (text: string): string =>
  text.replaceAll("\\0", "\0").replaceAll("\\r", "\r").replaceAll("\\n", "\n")

const Handshake = Schema.Struct({
  uid: Schema.optionalKey(Schema.Number),
  serverSends: Schema.optionalKey(Schema.NullOr(Schema.String)),
})
const Greeted = Schema.Struct({
  error: Schema.optionalKey(Schema.String),
  clientSends: Schema.optionalKey(Schema.Array(Schema.String)),
  thenClientSends: Schema.optionalKey(Schema.Array(Schema.String)),
  thenWait: Schema.optionalKey(Schema.String),
})

/** Runs `body` as another user, as far as the library that greets can tell. */
const asUser = async <A>(uid: number | undefined, body: () => Promise<A>): Promise<A> => {
  const { getuid } = process
  if (uid !== undefined) process.getuid = () => uid
  try {
    return await body()
  } finally {
    if (getuid !== undefined) process.getuid = getuid
  }
}

const moment = Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))

/** Opens a connection and tells what was said; a peer that is silent is waited for on a clock of its own. */
const greet = (greeting: FakePeer.Greeting) =>
  Effect.gen(function* () {
    const peer = yield* FakePeer.make(greeting)
    const opening = yield* Effect.forkChild(Effect.result(SocketWire.open(peer.path)))
    while (!peer.greeting().includes("\r\n")) yield* moment
    if (greeting === "silence") yield* TestClock.adjust("60 seconds")
    const opened = yield* Fiber.join(opening)
    const error = Result.isSuccess(opened)
      ? undefined
      : opened.failure.reason._tag === "Silent"
        ? "E_AUTH_TIMEOUT"
        : "E_AUTH"
    if (error === undefined) while (!peer.greeting().includes("BEGIN")) yield* moment
    return { error, said: peer.greeting(), rest: peer.received().length }
  }).pipe(Effect.scoped, Effect.provide(TestClock.layer()))

const greetingOf = (vector: Vectors.Case, serverSends: string | null | undefined): FakePeer.Greeting => {
  if (serverSends === null) return "silence"
  if (serverSends !== undefined) return { answer: unescape(serverSends) }
  return vector.name.includes("longer than 1024")
    ? { answer: "x".repeat(1025) }
    : { answer: "OK 0123456789abcdef\r\n" }
}

const handshake: Vectors.Section = async (vector) => {
  const input = Vectors.read(Handshake, (vector.input as { readonly name?: string }).name ? {} : vector.input)
  const expected = Vectors.read(Greeted, vector.expected)
  if (Result.isFailure(input)) return Vectors.failed(input.failure)
  if (Result.isFailure(expected)) return Vectors.failed(expected.failure)
  const { serverSends, uid } = input.success
  const { error, said, rest } = await asUser(uid, () =>
    Effect.runPromise(greet(greetingOf(vector, serverSends))),
  )
  if (expected.success.error !== undefined) return Vectors.compare(expected.success.error, error)
  const { clientSends = [], thenClientSends, thenWait } = expected.success
  const wanted = [...clientSends, ...(thenClientSends ?? ["BEGIN\\r\\n"])].map(unescape).join("")
  return Result.flatMap(
    Vectors.compare({ error: undefined, said: wanted, rest: 0 }, { error, said, rest }),
    () => (thenWait === undefined ? Vectors.passed : Vectors.passedBut("a-pause-after-begin")),
  )
}

const Call = Schema.Struct({
  endian: Schema.Literal("little"),
  serial: Schema.Number,
  flags: Schema.Number,
  destination: Schema.String,
  path: Schema.String,
  interface: Schema.String,
  member: Schema.String,
  signature: Schema.String,
  args: Schema.Array(Schema.Unknown),
})
const Bytes = Schema.Struct({ hex: Schema.String, length: Schema.Number, bodyLength: Schema.Number })

const connected = <A>(
  body: (peer: FakePeer.FakePeer, wire: SocketWireOf) => Effect.Effect<A, unknown>,
): Promise<A> =>
  Effect.runPromise(
    Effect.scoped(
      Effect.gen(function* () {
        const peer = yield* FakePeer.make()
        return yield* body(peer, yield* SocketWire.open(peer.path))
      }),
    ) as Effect.Effect<A>,
  )
type SocketWireOf = Effect.Success<ReturnType<typeof SocketWire.open>>

const calls: Vectors.Section = async (vector) => {
  const input = Vectors.read(Call, vector.input)
  const expected = Vectors.read(Bytes, vector.expected)
  if (Result.isFailure(input)) return Vectors.failed(input.failure)
  if (Result.isFailure(expected)) return Vectors.failed(expected.failure)
  const { args, endian: _, signature, ...header } = input.success
  const body = signature === "" ? {} : { signature, body: [...args] }
  const bytes = await connected((peer, wire) =>
    Effect.gen(function* () {
      yield* wire.send({ ...header, ...body, type: messageType.call })
      yield* Effect.promise(() => peer.until(expected.success.length))
      return peer.received()
    }),
  )
  const told = { hex: bytes.toString("hex"), length: bytes.length, bodyLength: bytes.readUInt32LE(4) }
  return Vectors.compare(expected.success, told)
}

/** A variant is told as what it holds; a number of 64 bits is more than JSON has. */
const plain = (value: unknown): unknown => {
  if (typeof value !== "object" || value === null || !("variant" in value) || !("value" in value))
    return value
  return value.variant === "t" ? BigInt(String(value.value)) : value.value
}

const types: Readonly<Record<number, string>> = { 2: "return", 3: "error", 4: "signal" }

const told = ({ body = [], errorName, member, replySerial, type = 0 }: Message): object => {
  const kind = types[type]
  if (kind === "return") return { type: kind, replySerial, body }
  if (kind === "error") return { type: kind, replySerial, errorName, message: body[0] }
  return { type: kind, member, body }
}

const replies: Vectors.Section = async (vector) => {
  const input = Vectors.read(Schema.Struct({ hex: Schema.String }), vector.input)
  if (Result.isFailure(input)) return Vectors.failed(input.failure)
  const message = await connected((peer, wire) =>
    Effect.suspend(() => {
      peer.send(Buffer.from(input.success.hex, "hex"))
      return wire.receive
    }),
  )
  const expected = vector.expected as { readonly body?: ReadonlyArray<unknown> }
  const body = expected.body === undefined ? {} : { body: expected.body.map(plain) }
  return Vectors.compare({ ...expected, ...body }, told(message))
}

const verbs: Readonly<Record<string, ReadonlyArray<HostShell.UnitVerb>>> = {
  "daemon-reload": ["reload"],
  stop: ["stop"],
  enable: ["enable"],
  disable: ["disable"],
  "disable --now": ["stop", "disable"],
}

/** What goes over the connection, as the vectors write it; that a job is waited for shows in that it ends at all. */
const spoken = async (
  words: ReadonlyArray<HostShell.UnitVerb>,
  unit: string,
): Promise<ReadonlyArray<string>> => {
  const job = "/org/freedesktop/systemd1/job/1"
  const lines: Array<string> = []
  const fake: FakeSystemd.FakeSystemd = FakeSystemd.make({
    StopUnit: () => {
      setImmediate(() => {
        lines.push("wait JobRemoved")
        fake.signal("JobRemoved", 1, job, unit, "done")
      })
      return { body: [job] }
    },
  })
  const units = SystemdUnits.make({
    open: Effect.map(Conversation.open(fake.wire, "systemd"), (talk) => ({
      ...talk,
      call: (call) => Effect.andThen(record(call), talk.call(call)),
      callUntil: (call, isDone) => Effect.andThen(record(call), talk.callUntil(call, isDone)),
    })),
    unitLog: () => Effect.succeed(Fact.unknown("out-of-sight", "no journal")),
  })
  const record = ({ args, member }: { readonly member: string; readonly args: ReadonlyArray<unknown> }) =>
    Effect.sync(() => {
      const list = args.map((value) => JSON.stringify(value)).join(",")
      lines.push(list === "" ? member : `${member}(${list})`)
    })
  await Effect.runPromise(Effect.forEach(words, (verb) => units.unit(verb, unit)))
  return lines
}

const operations: Vectors.Section = async (vector) => {
  const input = Vectors.read(Schema.Array(Schema.String), vector.input)
  if (Result.isFailure(input)) return Vectors.failed(input.failure)
  const words = input.success
  const unit = words.findLast((word) => word.includes(".")) ?? words[1] ?? ""
  const action = words.filter((word) => word !== unit).join(" ")
  const wanted = verbs[action]
  if (wanted === undefined) return Vectors.compare(vector.expected, { error: "E_UNSUPPORTED_OPERATION" })
  const lines = await spoken(wanted, unit)
  if (action !== "daemon-reload") return Vectors.compare(vector.expected, lines)
  return Result.flatMap(Vectors.compare(["Subscribe", "Reload"], lines), () =>
    Vectors.passedBut("a-reload-is-verified"),
  )
}

/** Runner of the sections of `09-systemd-dbus` that are about the connection. */
export const runner: Vectors.Runner = {
  file: "09-systemd-dbus",
  sections: { handshake, calls, replies, operations },
}
