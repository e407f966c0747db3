/**
 * Answers: what do systemd's properties say about a unit? Pure; the same for D-Bus and for `systemctl show`, which
 * name them alike. Source: org.freedesktop.systemd1(5).
 */
import type { Fact, HostShell } from "@kata-deploy/core"

/** Properties by name, as far as they were told. */
export type Properties = Readonly<Record<string, unknown>>

/** Properties that {@link runOf} reads; a unit that is no service has fewer. */
export const properties = [
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "MainPID",
  "NRestarts",
  "ActiveEnterTimestamp",
  "NeedDaemonReload",
]

const text = (value: unknown): string => (typeof value === "string" ? value : "")

const count = (value: unknown): number => {
  const number = typeof value === "bigint" || typeof value === "string" ? Number(value) : value
  return typeof number === "number" && Number.isFinite(number) ? number : 0
}

/**
 * The state behind an `ActiveState`. What is on its way, down too, is `activating`: it must not be taken for a unit
 * that nobody uses (12 W-08). While it reloads, a unit is active.
 */
export const stateOf = (activeState: string): HostShell.UnitState => {
  switch (activeState) {
    case "active":
    case "reloading":
    case "refreshing":
      return "active"
    case "activating":
    case "deactivating":
    case "maintenance":
      return "activating"
    case "failed":
      return "failed"
    default:
      return "inactive"
  }
}

/** How a unit runs; `activeSince` in milliseconds since the epoch, from a time in microseconds. */
export const runOf = (properties: Properties): HostShell.UnitRun => {
  const mainPid = count(properties["MainPID"])
  const since = count(properties["ActiveEnterTimestamp"])
  const needsReload = properties["NeedDaemonReload"]
  return {
    state: stateOf(text(properties["ActiveState"])),
    subState: text(properties["SubState"]) || "dead",
    result: text(properties["Result"]) || "success",
    mainPid: mainPid === 0 ? undefined : mainPid,
    activeSince: since === 0 ? undefined : Math.floor(since / 1000),
    restarts: count(properties["NRestarts"]),
    needsReload: needsReload === true || needsReload === "yes",
  }
}

/** A unit that systemd does not know. */
export const unknownUnit: HostShell.UnitRun = runOf({})

/** How a unit runs, as a clause for people: `activating (auto-restart, exit-code)`. */
export const describe = (run: HostShell.UnitRun): string => {
  const details = run.result === "success" ? run.subState : `${run.subState}, ${run.result}`
  return `${run.state} (${details})`
}

/**
 * Why a unit whose start was reported as a success is not up after all, as a clause; `undefined` where nothing
 * speaks against it.
 */
export const notUp = (run: HostShell.UnitRun): string | undefined => {
  const isDown =
    run.state === "failed" || (run.state === "activating" && run.subState.startsWith("auto-restart"))
  return isDown ? `it was started and ended again: ${describe(run)}` : undefined
}

/** Why a unit was not restarted, as far as two looks tell, one before and one after its job; a clause. */
export const notRestarted = (
  before: Fact.Fact<HostShell.UnitRun>,
  after: Fact.Fact<HostShell.UnitRun>,
): string | undefined => {
  if (after._tag !== "Known") return undefined
  const { activeSince, mainPid, state } = after.value
  if (state === "inactive") return `it is down: ${describe(after.value)}`
  const isAsBefore =
    before._tag === "Known" &&
    state === "active" &&
    mainPid !== undefined &&
    before.value.mainPid === mainPid &&
    before.value.activeSince === activeSince
  return isAsBefore
    ? "it still runs as before, so another job took the place of ours; try again"
    : notUp(after.value)
}
