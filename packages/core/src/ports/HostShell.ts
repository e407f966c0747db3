/**
 * The boundary to what runs on the host: systemd units, processes, the CRI runtime, and the node lock. Implemented by
 * `@kata-deploy/host` and by the in-memory double of `@kata-deploy/core/testing`; both pass the same conformance suite.
 *
 * Looking never fails: what cannot be seen is an answer.
 */
import { Context, type Effect, type Scope } from "effect"
import type { Fact } from "../input/Fact.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { ProbeFile } from "../model/ProbeFile.ts"
import type { HostError } from "./HostError.ts"
import type { CriStatus, Machine, RunningSandbox, TreeUser } from "./HostSight.ts"

/** What systemd says of a unit; `inactive` includes units that it does not know. */
export type UnitState = "active" | "inactive" | "activating" | "failed"

/** What can be asked of a unit. */
export type UnitVerb = "reload" | "restart" | "stop" | "enable" | "disable" | "reset-failed"

/** How a unit runs, beyond its state. */
export interface UnitRun {
  readonly state: UnitState
  /** The `SubState`, e.g. `running`, `auto-restart`. */
  readonly subState: string
  /** How its last run ended: `success`, `exit-code`, `start-limit-hit` and so on. */
  readonly result: string
  /** Process id of its main process; `undefined` while it has none. */
  readonly mainPid: number | undefined
  /** When it last became active, in milliseconds since the epoch; `undefined` when it has not in this boot. */
  readonly activeSince: number | undefined
  /** How often systemd started it again by itself. */
  readonly restarts: number
  /** Whether its unit file is newer than what the manager has loaded. */
  readonly needsReload: boolean
}

/** Units, processes and the CRI runtime of the host. */
export class HostShell extends Context.Service<
  HostShell,
  {
    /** Whether units can be controlled at all, and if not why (`--systemd none` is *not asked*). */
    readonly control: Fact<"systemd">
    /** How units are reached, and why that way, as a clause for logs. */
    readonly route: string
    /** The state of a unit; never fails. */
    readonly unitState: (unit: string) => Effect.Effect<Fact<UnitState>>
    /** How a unit runs; never fails. A unit that systemd does not know is `inactive` without a process. */
    readonly unitRun: (unit: string) => Effect.Effect<Fact<UnitRun>>
    /** Carries out a verb on a unit and waits for its job; `reload` reloads the manager and ignores the unit. */
    readonly unit: (
      verb: UnitVerb,
      unit: string,
      /**
       * For `restart`: done once systemd has taken the job on, which from then on comes to its end without this program.
       * Nobody does it where systemd refuses.
       */
      takenOn?: Effect.Effect<void>,
    ) => Effect.Effect<void, HostError>
    /** Waits until the unit is active, at most `seconds`. */
    readonly awaitActive: (unit: string, seconds: number) => Effect.Effect<void, HostError>
    /** The last lines of a unit's log that were written since a time (milliseconds since the epoch), oldest first. */
    readonly unitLog: (unit: string, since: number) => Effect.Effect<Fact<ReadonlyArray<string>>>
    /**
     * Holds the node lock (`flock` on `/run/lock/kata-deploy.lock`) until the scope closes; waits at most `seconds`
     * and then fails with `TimedOut`, naming the holder in the operation. Source: spec 09 §8; decisions §9.
     */
    readonly lock: (seconds: number) => Effect.Effect<void, HostError, Scope.Scope>
    /**
     * Makes sure that the node lock that was taken is still held, and takes it again where whoever held it for us ended;
     * fails with `LockLost` when somebody else was quicker. Nothing to be sure of while none was taken.
     */
    readonly keepLock: Effect.Effect<void, HostError>
    /** What the machine has: devices, kernel, SELinux, its id. */
    readonly machine: Effect.Effect<Machine>
    /**
     * What the filesystem that holds a directory, or its nearest existing ancestor, does with a file that is made to
     * try things on. The file has no name at any time and is gone before the answer, whatever happens: nothing that
     * anybody could see is changed. Never fails.
     */
    readonly probeFile: (directory: HostPath) => Effect.Effect<ProbeFile>
    /** Processes whose program or open files lie below a directory, other than this process. */
    readonly usersOf: (tree: HostPath) => Effect.Effect<Fact<ReadonlyArray<TreeUser>>>
    /** What the CRI runtime behind a socket says of itself. */
    readonly criStatus: (socket: HostPath) => Effect.Effect<Fact<CriStatus>>
    /** Pod sandboxes that the CRI runtime behind a socket has running. */
    readonly sandboxes: (socket: HostPath) => Effect.Effect<Fact<ReadonlyArray<RunningSandbox>>>
  }
>()("@kata-deploy/core/HostShell") {}
