/**
 * Answers: what is a host of which only the files count? Every unit is *unknown, not asked*, restarts stay due, a plan
 * that wants a unit changed is refused, nobody else is there to lock out, and the machine is out of sight.
 */
import { HostShell } from "@kata-deploy/core"
import { Effect, Layer } from "effect"
import { noSight } from "./NoSight.ts"
import * as NoUnits from "./units/NoUnits.ts"

/** The port for a host tree that no program runs on. `NodeHostShell` with `none` locks, and sees the machine. */
export const layer: Layer.Layer<HostShell.HostShell> = Layer.succeed(
  HostShell.HostShell,
  HostShell.HostShell.of({ ...NoUnits.none, ...noSight, lock: () => Effect.void, keepLock: Effect.void }),
)
