/**
 * The double of `HostShell`: units with states. Verbs change the states as systemd would, are recorded, and fail
 * where a test wants them to.
 */
import { Effect, Layer } from "effect"
import * as Fact from "../input/Fact.ts"
import { HostError, type HostErrorReason } from "../ports/HostError.ts"
import { HostShell, type UnitState, type UnitVerb } from "../ports/HostShell.ts"
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
  /** Verbs in the order in which they were asked for (`reload` has the subject `""`), and planted faults. */
  readonly faults: MemoryFaults<HostErrorReason>
}

/** A double that starts as `options` say. */
export const make = (options: Options = {}): HostShellMemory => {
  const units = new Map<string, UnitState>(Object.entries(options.units ?? {}))
  const afterRestart = new Map<string, UnitState>(Object.entries(options.afterRestart ?? {}))
  const enabled = new Set(options.enabled ?? [])
  const faults = new MemoryFaults<HostErrorReason>()
  const control = options.control ?? Fact.known<"systemd">("systemd")

  const failure =
    (operation: string) =>
    (reason: HostErrorReason): HostError =>
      new HostError({ operation, path: undefined, reason })

  const carryOut = (verb: UnitVerb, unit: string): HostErrorReason | undefined => {
    switch (verb) {
      case "reload":
        return undefined
      case "restart": {
        const state = afterRestart.get(unit) ?? "active"
        units.set(unit, state)
        return state === "failed"
          ? { _tag: "Refused", detail: `the job of ${unit} ended with failed` }
          : undefined
      }
      case "stop":
        units.set(unit, "inactive")
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
    unitState: (unit) =>
      Effect.sync(() => (control._tag === "Unknown" ? control : Fact.known(units.get(unit) ?? "inactive"))),
    unit: (verb, unit) => {
      const subject = verb === "reload" ? "" : unit
      const toError = failure(`${verb} ${unit}`)
      const run = Effect.suspend(() => {
        const reason = control._tag === "Unknown" ? refusedBy(control.why) : carryOut(verb, unit)
        return reason === undefined ? Effect.void : Effect.fail(toError(reason))
      })
      return faults.around({ verb, subject }, toError, run)
    },
    awaitActive: (unit, seconds) => {
      const toError = failure(`wait for ${unit}`)
      const run = Effect.suspend(() =>
        units.get(unit) === "active" ? Effect.void : Effect.fail(toError({ _tag: "TimedOut", seconds })),
      )
      return faults.around({ verb: "await", subject: unit }, toError, run)
    },
  })

  return { layer: Layer.succeed(HostShell, service), units, afterRestart, enabled, faults }
}

const refusedBy = (why: string): HostErrorReason => ({ _tag: "Refused", detail: why })
