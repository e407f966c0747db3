/**
 * Answers: how are units controlled by talking with systemd itself? A new connection for every operation; a job is
 * waited for, and what came of it is looked at, since a job that was done proves nothing about what runs.
 * Source: spec 09 §10; lab §1.
 */
import { Fact, type HostError, type HostShell } from "@kata-deploy/core"
import { Effect, type Scope } from "effect"
import * as SystemdJob from "../SystemdJob.ts"
import * as UnitName from "../UnitName.ts"
import { awaitActive } from "./AwaitActive.ts"
import { BusFailure, isUnknownUnit, toHostError } from "./BusFailure.ts"
import type { Conversation } from "./Conversation.ts"
import * as SystemdCalls from "./SystemdCalls.ts"
import * as UnitReading from "./UnitReading.ts"
import type { UnitActs } from "./Units.ts"
import type { Message } from "./Wire.ts"

/** What units are controlled through. */
export interface Options {
  /** Begins a conversation. */
  readonly open: Effect.Effect<Conversation, BusFailure, Scope.Scope>
  /** The journal, which is not behind this connection. */
  readonly unitLog: UnitActs["unitLog"]
}

/** Units behind a conversation with systemd. */
export const make = ({ open, unitLog }: Options): UnitActs => {
  const talk = <A>(
    what: (conversation: Conversation) => Effect.Effect<A, BusFailure>,
  ): Effect.Effect<A, BusFailure> => Effect.scoped(Effect.flatMap(open, what))

  const asFact = <A>(look: Effect.Effect<A, BusFailure>): Effect.Effect<Fact.Fact<A>> =>
    Effect.match(look, {
      onSuccess: Fact.known,
      onFailure: (failure) => Fact.unknown("failed", `systemd could not be asked: ${failure.message}`),
    })
  const unitRun: UnitActs["unitRun"] = (unit) => asFact(talk((on) => runOf(on, UnitName.complete(unit))))

  return {
    unitState: (unit) => asFact(talk((on) => stateOf(on, UnitName.complete(unit)))),
    unitRun,
    unit: (verb, unit, takenOn = Effect.void) => carryOut(talk, verb, UnitName.complete(unit), takenOn),
    awaitActive: (unit, seconds) => awaitActive(unitRun, unit, seconds),
    unitLog,
  }
}

type Talk = <A>(
  what: (conversation: Conversation) => Effect.Effect<A, BusFailure>,
) => Effect.Effect<A, BusFailure>

const carryOut = (
  talk: Talk,
  verb: HostShell.UnitVerb,
  unit: string,
  takenOn: Effect.Effect<void>,
): Effect.Effect<void, HostError.HostError> => {
  const operation = verb === "reload" ? "make systemd read its unit files again" : `${verb} ${unit}`
  const act = verb === "reload" ? reload(talk) : talk((on) => actOf(on, verb, unit, takenOn))
  return Effect.mapError(act, toHostError(operation, verb === "reload" ? {} : { unit }))
}

const actOf = (
  on: Conversation,
  verb: Exclude<HostShell.UnitVerb, "reload">,
  unit: string,
  takenOn: Effect.Effect<void>,
): Effect.Effect<void, BusFailure> => {
  switch (verb) {
    case "restart":
      return restart(on, unit, takenOn)
    case "stop":
      return ignoringUnknown(job(on, "StopUnit", unit, Effect.void))
    case "enable":
      return Effect.asVoid(on.call(SystemdCalls.enable(unit)))
    case "disable":
      return ignoringUnknown(on.call(SystemdCalls.disable(unit)))
    case "reset-failed":
      return ignoringUnknown(on.call(SystemdCalls.resetFailed(unit)))
  }
}

/** A unit that systemd does not know is stopped, disabled and has not failed. */
const ignoringUnknown = (effect: Effect.Effect<unknown, BusFailure>): Effect.Effect<void, BusFailure> =>
  Effect.catch(Effect.asVoid(effect), (failure) =>
    isUnknownUnit(failure) ? Effect.void : Effect.fail(failure),
  )

/**
 * The manager answers when it is through, and tells its clients too. Where reloading costs us the connection, an answer
 * on a new one proves the same: the manager does one thing at a time. A refusal comes as an answer.
 */
const reload = (talk: Talk): Effect.Effect<void, BusFailure> =>
  talk(
    Effect.fnUntraced(function* (on) {
      yield* on.call(SystemdCalls.subscribe)
      const isThrough = ({ body, member }: Message) => member === "Reloading" && body?.[0] === false
      yield* on.callUntil(SystemdCalls.reload, isThrough)
    }),
  ).pipe(
    Effect.catch((failure) =>
      failure.reason._tag === "Lost"
        ? talk((on) => Effect.asVoid(on.call(SystemdCalls.ping)))
        : Effect.fail(failure),
    ),
  )

const restart = Effect.fnUntraced(function* (on: Conversation, unit: string, takenOn: Effect.Effect<void>) {
  // Otherwise a start limit that was hit keeps a unit down whose configuration is repaired by now; which limit it
  // was cannot be told before systemd 253, where `Result` stays `exit-code`.
  yield* ignoringUnknown(on.call(SystemdCalls.resetFailed(unit)))
  yield* job(on, "RestartUnit", unit, takenOn)
  const down = UnitReading.notUp(yield* runOf(on, unit))
  if (down !== undefined) return yield* refused(`${down}; ${SystemdJob.whereToLook(unit)}`)
})

const refused = (text: string): BusFailure => new BusFailure({ reason: { _tag: "Said", name: "", text } })

/** Enqueues a job and waits for its end; what is to be done in between is done. */
const job = Effect.fnUntraced(function* (
  on: Conversation,
  member: "RestartUnit" | "StopUnit",
  unit: string,
  takenOn: Effect.Effect<void>,
) {
  // Before the job, or its end may come before anybody listens.
  yield* on.call(SystemdCalls.subscribe)
  const [path] = yield* on.call(SystemdCalls.job(member, unit))
  yield* takenOn
  const outcome = yield* on.awaitSignal(({ body = [], member: signal = "" }) => {
    const seen = SystemdJob.outcome(String(path), [
      { member: signal, job: String(body[1]), result: String(body[3]) },
    ])
    return seen._tag === "Running" ? undefined : seen
  }, SystemdJob.jobSeconds)
  if (outcome._tag === "Failed")
    return yield* refused(`${SystemdJob.describe(outcome.result)}; ${SystemdJob.whereToLook(unit)}`)
})

const unitPath = (on: Conversation, unit: string): Effect.Effect<string | undefined, BusFailure> =>
  on.call(SystemdCalls.unitPath(unit)).pipe(
    Effect.map(([path]) => String(path)),
    Effect.catch((failure) => (isUnknownUnit(failure) ? Effect.undefined : Effect.fail(failure))),
  )

const stateOf = Effect.fnUntraced(function* (on: Conversation, unit: string) {
  const path = yield* unitPath(on, unit)
  if (path === undefined) return UnitReading.unknownUnit.state
  const [state] = yield* on.call(SystemdCalls.property(path, SystemdCalls.unitInterface, "ActiveState"))
  return UnitReading.stateOf(String(state))
})

const runOf = Effect.fnUntraced(function* (on: Conversation, unit: string) {
  const path = yield* unitPath(on, unit)
  if (path === undefined) return UnitReading.unknownUnit
  const [ofUnit] = yield* on.call(SystemdCalls.properties(path, SystemdCalls.unitInterface))
  const hasProcess = unit.endsWith(".service")
  const [ofService] = hasProcess
    ? yield* on.call(SystemdCalls.properties(path, SystemdCalls.serviceInterface))
    : [{}]
  return UnitReading.runOf({ ...asProperties(ofUnit), ...asProperties(ofService) })
})

const asProperties = (value: unknown): UnitReading.Properties =>
  typeof value === "object" && value !== null ? (value as UnitReading.Properties) : {}
