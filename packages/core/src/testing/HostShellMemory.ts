/**
 * The double of `HostShell`: units with states. Verbs change the states as systemd would, are recorded, and fail
 * where a test wants them to.
 */
import { Effect, Layer } from "effect"
import * as Fact from "../input/Fact.ts"
import * as ProbeFile from "../model/ProbeFile.ts"
import { HostError, type HostErrorReason } from "../ports/HostError.ts"
import { HostShell, type UnitRun, type UnitState, type UnitVerb } from "../ports/HostShell.ts"
import {
  type CriStatus,
  type Machine,
  machineOutOfSight,
  type RunningSandbox,
  type TreeUser,
} from "../ports/HostSight.ts"
import { MemoryFaults } from "./MemoryFaults.ts"

/** What a double starts with; everything may be left out. */
export interface Options {
  /** Units that systemd knows, with their states; others are `inactive`. */
  readonly units?: Readonly<Record<string, UnitState>>
  /** Whether units can be controlled; systemd when left out. */
  readonly control?: Fact.Fact<"systemd">
  /** What a unit becomes when it is restarted; `active` when left out. */
  readonly afterRestart?: Readonly<Record<string, UnitState>>
  /** Units that are enabled. */
  readonly enabled?: ReadonlyArray<string>
}

/** What is seen of the host besides its units; tests change it as they go. */
export interface Sight {
  machine: Machine
  /** What becomes of a probe file, in any directory. */
  probeFile: ProbeFile.ProbeFile
  /** Processes that use any tree that is asked for. */
  users: Fact.Fact<ReadonlyArray<TreeUser>>
  cri: Fact.Fact<CriStatus>
  sandboxes: Fact.Fact<ReadonlyArray<RunningSandbox>>
  /** Lines of the log of any unit. */
  log: Fact.Fact<ReadonlyArray<string>>
  /** Who holds the node lock besides the program under test; it never lets go by itself. */
  lockHolder: string | undefined
  /** Who took the lock away from the program under test, while it believes that it holds it. */
  lockLostTo: string | undefined
}

/** A double with its controls. */
export interface HostShellMemory {
  /** The port, for a program under test. */
  readonly layer: Layer.Layer<HostShell>
  /** States by unit; tests change them behind the program's back. */
  readonly units: Map<string, UnitState>
  /** What each unit becomes at its next restart; `active` for those that are not in here. */
  readonly afterRestart: Map<string, UnitState>
  /** Units that are enabled. */
  readonly enabled: Set<string>
  /** What is seen besides units; out of sight at the start, as in a pod without further mounts. */
  readonly sight: Sight
  /** Whether the program under test holds the node lock now. */
  readonly holdsLock: () => boolean
  /** Verbs in the order in which they were asked for (`reload` has the subject `""`), and planted faults. */
  readonly faults: MemoryFaults<HostErrorReason>
}

const outOfSight = Fact.unknown("out-of-sight", "this process does not see it")

const nothingInSight = (): Sight => ({
  machine: machineOutOfSight(outOfSight.why),
  probeFile: ProbeFile.untried(outOfSight.why),
  users: outOfSight,
  cri: outOfSight,
  sandboxes: outOfSight,
  log: outOfSight,
  lockHolder: undefined,
  lockLostTo: undefined,
})

/** Milliseconds from one start of a unit to the next. */
const minute = 60_000

/** A double that starts as `options` say. */
export const make = (options: Options = {}): HostShellMemory => {
  const units = new Map<string, UnitState>(Object.entries(options.units ?? {}))
  const afterRestart = new Map<string, UnitState>(Object.entries(options.afterRestart ?? {}))
  const enabled = new Set(options.enabled ?? [])
  const faults = new MemoryFaults<HostErrorReason>()
  const control = options.control ?? Fact.known<"systemd">("systemd")

  const runs = new Map<string, UnitRun>()
  let processes = 1000
  let clock = 0
  let locks = 0

  /** A unit that was started is another process; nothing else tells a restart from none. */
  const ran = (unit: string, state: UnitState): void => {
    runs.set(unit, {
      state,
      subState: state === "active" ? "running" : state === "failed" ? "failed" : "dead",
      result: state === "failed" ? "exit-code" : "success",
      mainPid: state === "active" ? ++processes : undefined,
      activeSince: state === "active" ? (clock += minute) : undefined,
      restarts: 0,
      needsReload: false,
    })
  }
  for (const [unit, state] of units) ran(unit, state)
  const sight = nothingInSight()

  const failure =
    (operation: string, unit: string) =>
    (reason: HostErrorReason): HostError =>
      new HostError({ operation, path: undefined, reason, unit })

  const carryOut = (verb: UnitVerb, unit: string): HostErrorReason | undefined => {
    switch (verb) {
      case "reload":
        return undefined
      case "restart": {
        const state = afterRestart.get(unit) ?? "active"
        units.set(unit, state)
        ran(unit, state)
        return state === "failed"
          ? { _tag: "Refused", detail: `the job of ${unit} ended with failed` }
          : undefined
      }
      case "stop":
        units.set(unit, "inactive")
        ran(unit, "inactive")
        return undefined
      case "reset-failed":
        if (units.get(unit) === "failed") units.set(unit, "inactive")
        return undefined
      case "enable":
        enabled.add(unit)
        return undefined
      case "disable":
        enabled.delete(unit)
        return undefined
    }
  }

  const service = HostShell.of({
    control,
    route: control._tag === "Known" ? "the double" : control.why,
    unitState: (unit) =>
      Effect.sync(() => (control._tag === "Unknown" ? control : Fact.known(units.get(unit) ?? "inactive"))),
    unitRun: (unit) =>
      Effect.sync(() => {
        if (control._tag === "Unknown") return control
        const state = units.get(unit) ?? "inactive"
        if (runs.get(unit)?.state !== state) ran(unit, state)
        return Fact.known(runs.get(unit)!)
      }),
    unit: (verb, unit, takenOn = Effect.void) => {
      const subject = verb === "reload" ? "" : unit
      const toError = failure(`${verb} ${unit}`, unit)
      const run = Effect.suspend(() => {
        const reason = control._tag === "Unknown" ? refusedBy(control.why) : carryOut(verb, unit)
        const ended = reason === undefined ? Effect.void : Effect.fail(toError(reason))
        // As with systemd, what was taken on comes to its end, whatever becomes of whoever asked.
        return verb === "restart" && control._tag === "Known" ? Effect.andThen(takenOn, ended) : ended
      })
      return faults.around({ verb, subject }, toError, run)
    },
    awaitActive: (unit, seconds) => {
      const toError = failure(`wait for ${unit}`, unit)
      const run = Effect.suspend(() =>
        units.get(unit) === "active" ? Effect.void : Effect.fail(toError({ _tag: "TimedOut", seconds })),
      )
      return faults.around({ verb: "await", subject: unit }, toError, run)
    },
    unitLog: () => Effect.sync(() => sight.log),
    lock: (seconds) =>
      Effect.acquireRelease(
        Effect.suspend(() => {
          const lockHolder = locks > 0 ? "this process" : sight.lockHolder
          if (lockHolder === undefined) return Effect.sync(() => void locks++)
          return Effect.fail(
            new HostError({
              operation: `take the node lock, which ${lockHolder} holds`,
              path: undefined,
              reason: { _tag: "TimedOut", seconds },
            }),
          )
        }),
        () => Effect.sync(() => void locks--),
      ),
    keepLock: Effect.suspend(() => {
      const { lockLostTo: holder } = sight
      return holder === undefined || locks === 0
        ? Effect.void
        : Effect.fail(
            new HostError({
              operation: "keep the node lock",
              path: undefined,
              reason: { _tag: "LockLost", holder },
            }),
          )
    }),
    machine: Effect.sync(() => sight.machine),
    probeFile: () => Effect.sync(() => sight.probeFile),
    usersOf: () => Effect.sync(() => sight.users),
    criStatus: () => Effect.sync(() => sight.cri),
    sandboxes: () => Effect.sync(() => sight.sandboxes),
  })

  return {
    layer: Layer.succeed(HostShell, service),
    units,
    afterRestart,
    enabled,
    sight,
    holdsLock: () => locks > 0,
    faults,
  }
}

const refusedBy = (why: string): HostErrorReason => ({ _tag: "Refused", detail: why })
