/** Answers: what is said of units that cannot be reached, or are not to be? The same reason for everything. */
import { type Fact, HostError } from "@kata-deploy/core"
import { Effect } from "effect"
import type { Units } from "./Units.ts"

/** What is said with `--systemd none`. */
export const notAsked = {
  _tag: "Unknown",
  how: "not-asked",
  why: "systemd is not to be asked (--systemd none)",
} as const satisfies Fact.Unknown

/** Units of which nothing is known, for this reason; verbs are refused with the detail. */
export const make = (reason: Fact.Unknown, detail: string): Units => {
  const refuse = (operation: string, unit: string): HostError.HostError =>
    new HostError.HostError({ operation, path: undefined, reason: { _tag: "Refused", detail }, unit })
  return {
    control: reason,
    route: reason.why,
    unitState: () => Effect.succeed(reason),
    unitRun: () => Effect.succeed(reason),
    unitLog: () => Effect.succeed(reason),
    unit: (verb, unit) => Effect.fail(refuse(verb === "reload" ? "reload systemd" : `${verb} ${unit}`, unit)),
    awaitActive: (unit) => Effect.fail(refuse(`wait for ${unit}`, unit)),
  }
}

/** The units with `--systemd none`. */
export const none: Units = make(notAsked, "units are not to be controlled (--systemd none)")
