/**
 * What every implementation of `HostShell` has to do with units and the node lock: named cases that the double and the
 * real adapter both pass. A test file of an implementation runs each case's effect; the cases know no test framework.
 */
import { Effect, type Layer } from "effect"
import * as HostPath from "../model/HostPath.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostShell } from "../ports/HostShell.ts"
import { failsWith, Mismatch, same } from "./Expectation.ts"
import type { Case } from "./HostFilesConformance.ts"

/** What an implementation starts with in a case; every unit is a service that is down. */
export interface Fixture {
  /** Services by name, and what becomes of them when they are started. */
  readonly units: Readonly<Record<string, "stays up" | "ends with an error">>
}

/** What all cases start with. */
export const fixture: Fixture = {
  units: { "kd-steady.service": "stays up", "kd-broken.service": "ends with an error" },
}

const steady = "kd-steady.service"
const broken = "kd-broken.service"
const nobody = "kd-nobody.service"

interface OpenCase {
  readonly name: string
  readonly body: Effect.Effect<void, HostError, HostShell>
}

/** All cases, for the implementation that `provide` makes over a fixture whose units can be controlled. */
export const cases = (provide: (fixture: Fixture) => Layer.Layer<HostShell, unknown>): ReadonlyArray<Case> =>
  [...lookCases, ...sightCases, ...verbCases, ...lockCases].map(({ body, name }) => ({
    name,
    effect: Effect.suspend(() => Effect.provide(body, provide(fixture))),
  }))

/** How a unit runs; anything unknown is a mismatch. */
const runOf = Effect.fnUntraced(function* (unit: string) {
  const shell = yield* HostShell
  const run = yield* shell.unitRun(unit)
  return run._tag === "Known"
    ? run.value
    : yield* Effect.die(new Mismatch(`how ${unit} runs is unknown: ${run.why}`))
})

const stateIs = Effect.fnUntraced(function* (unit: string, state: string) {
  const shell = yield* HostShell
  yield* same(`state of ${unit}`, yield* shell.unitState(unit), { _tag: "Known", value: state })
  yield* same(`how ${unit} runs`, (yield* runOf(unit)).state, state)
})

const lookCases: ReadonlyArray<OpenCase> = [
  {
    name: "units can be controlled, and the way there has a name",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      yield* same("control", shell.control, { _tag: "Known", value: "systemd" })
      yield* same("route is told", shell.route !== "", true)
    }),
  },
  {
    name: "a unit that nobody knows is inactive and has no process",
    body: Effect.gen(function* () {
      yield* stateIs(nobody, "inactive")
      const run = yield* runOf(nobody)
      yield* same("its process", run.mainPid, undefined)
      yield* same("since when", run.activeSince, undefined)
    }),
  },
]

const sightCases: ReadonlyArray<OpenCase> = [
  {
    name: "a probe file is answered for in every directory, also where there is none, and with reasons",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      for (const path of ["/kd-nowhere/at/all", "/proc", "/"]) {
        const { fsverity, immutable } = yield* shell.probeFile(HostPath.make(path))
        for (const tried of [fsverity, immutable])
          yield* same(`an answer for ${path}`, tried._tag === "Accepted" || tried.why !== "", true)
      }
    }),
  },
]

const verbCases: ReadonlyArray<OpenCase> = [
  {
    name: "a restart brings a unit up, and another one brings another process",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      yield* stateIs(steady, "inactive")
      yield* shell.unit("restart", steady)
      yield* stateIs(steady, "active")
      const first = yield* runOf(steady)
      yield* same(
        "it has a process and a time",
        [first.mainPid, first.activeSince].includes(undefined),
        false,
      )
      yield* shell.unit("restart", steady)
      const second = yield* runOf(steady)
      yield* same("another process", first.mainPid === second.mainPid, false)
      yield* same("a later time", second.activeSince! >= first.activeSince!, true)
    }),
  },
  {
    name: "what is to be done once a restart is taken on is done, once",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      let done = 0
      yield* shell.unit(
        "restart",
        steady,
        Effect.sync(() => void done++),
      )
      yield* same("how often", done, 1)
    }),
  },
  {
    name: "a unit that is stopped is inactive and has no process, and may be stopped again",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      yield* shell.unit("restart", steady)
      yield* shell.unit("stop", steady)
      yield* stateIs(steady, "inactive")
      yield* same("its process", (yield* runOf(steady)).mainPid, undefined)
      yield* shell.unit("stop", steady)
    }),
  },
  {
    name: "a unit that nobody knows is stopped, disabled and without failure already",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      for (const verb of ["stop", "disable", "reset-failed"] as const) yield* shell.unit(verb, nobody)
    }),
  },
  {
    name: "a unit that does not come up fails its restart until its failure is forgotten",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      yield* failsWith("restart", shell.unit("restart", broken), "Refused")
      yield* stateIs(broken, "failed")
      yield* same("its result is told", (yield* runOf(broken)).result, "exit-code")
      yield* shell.unit("reset-failed", broken)
      yield* stateIs(broken, "inactive")
    }),
  },
  {
    name: "a unit may be restarted more often than systemd starts a failing one",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      for (let times = 0; times < 7; times++)
        yield* failsWith("restart", shell.unit("restart", broken), "Refused")
      for (let times = 0; times < 7; times++) yield* shell.unit("restart", steady)
      yield* stateIs(steady, "active")
    }),
  },
  {
    name: "units are enabled and disabled, twice as well as once, and unit files are read again",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      for (const verb of ["enable", "enable", "disable", "disable"] as const) yield* shell.unit(verb, steady)
      yield* shell.unit("reload", "")
      yield* same("nothing is to be read", (yield* runOf(steady)).needsReload, false)
    }),
  },
  {
    name: "an active unit is waited for no longer; one that stays down is given up",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      yield* shell.unit("restart", steady)
      yield* shell.awaitActive(steady, 30)
      const reason = yield* failsWith("wait", shell.awaitActive(nobody, 1), "TimedOut")
      yield* same("the reason", reason, { _tag: "TimedOut", seconds: 1 })
    }),
  },
]

const lockCases: ReadonlyArray<OpenCase> = [
  {
    name: "the node lock is held until the scope closes, and can be had again then",
    body: Effect.gen(function* () {
      const shell = yield* HostShell
      const second = Effect.scoped(shell.lock(0))
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* shell.lock(0)
          yield* shell.keepLock
          const reason = yield* failsWith("a second lock", second, "TimedOut")
          yield* same("the reason", reason, { _tag: "TimedOut", seconds: 0 })
        }),
      )
      yield* second
    }),
  },
]
