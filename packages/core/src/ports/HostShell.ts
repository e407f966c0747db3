/**
 * The boundary to what runs on the host: systemd units. Implemented by `@kata-deploy/host` and by the in-memory
 * double of `@kata-deploy/core/testing`.
 */
import { Context, type Effect } from "effect"
import type { Fact } from "../input/Fact.ts"
import type { HostError } from "./HostError.ts"

/** What systemd says of a unit; `inactive` includes units that it does not know. */
export type UnitState = "active" | "inactive" | "activating" | "failed"

/** What can be asked of a unit. */
export type UnitVerb = "reload" | "restart" | "stop" | "enable" | "disable" | "reset-failed"

/** Units and processes of the host. */
export class HostShell extends Context.Service<
  HostShell,
  {
    /** Whether units can be controlled at all, and if not why (`--systemd none` is *not asked*). */
    readonly control: Fact<"systemd">
    /** The state of a unit; never fails. */
    readonly unitState: (unit: string) => Effect.Effect<Fact<UnitState>>
    /** Carries out a verb on a unit and waits for its job; `reload` reloads the manager and ignores the unit. */
    readonly unit: (verb: UnitVerb, unit: string) => Effect.Effect<void, HostError>
    /** Waits until the unit is active, at most `seconds`. */
    readonly awaitActive: (unit: string, seconds: number) => Effect.Effect<void, HostError>
  }
>()("@kata-deploy/core/HostShell") {}
