/**
 * Answers: which calls does systemd understand? The few that we need, as data. Source: spec 09 §10;
 * org.freedesktop.systemd1(5).
 */

/** A call without its number on a connection. */
export interface Call {
  readonly destination: string
  readonly path: string
  readonly interface: string
  readonly member: string
  /** Types of the arguments, as D-Bus writes them; empty for none. */
  readonly signature: string
  readonly args: ReadonlyArray<unknown>
}

const systemd = "org.freedesktop.systemd1"

/** The interface of a unit, for {@link property} and {@link properties}. */
export const unitInterface = "org.freedesktop.systemd1.Unit"

/** The interface of a service, for {@link properties}. */
export const serviceInterface = "org.freedesktop.systemd1.Service"

const manager = (member: string, signature = "", ...args: ReadonlyArray<unknown>): Call => ({
  destination: systemd,
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member,
  signature,
  args,
})

/** Asks for the manager's signals on this connection. */
export const subscribe = manager("Subscribe")

/** Reads all unit files again. */
export const reload = manager("Reload")

/** Enqueues a job; answers with its object path. */
export const job = (member: "RestartUnit" | "StopUnit", unit: string): Call =>
  manager(member, "ss", unit, "replace")

/** Forgets failures of a unit, and how often it was started. */
export const resetFailed = (unit: string): Call => manager("ResetFailedUnit", "s", unit)

/** Makes a unit start at boot. */
export const enable = (unit: string): Call => manager("EnableUnitFiles", "asbb", [unit], false, false)

/** Undoes {@link enable}. */
export const disable = (unit: string): Call => manager("DisableUnitFiles", "asb", [unit], false)

/** The object path of a unit that is loaded. */
export const unitPath = (unit: string): Call => manager("GetUnit", "s", unit)

const propertiesCall = (
  path: string,
  member: string,
  signature: string,
  ...args: ReadonlyArray<unknown>
) => ({
  ...manager(member, signature, ...args),
  path,
  interface: "org.freedesktop.DBus.Properties",
})

/** One property of the object at `path`. */
export const property = (path: string, of: string, name: string): Call =>
  propertiesCall(path, "Get", "ss", of, name)

/** All properties of the object at `path`. */
export const properties = (path: string, of: string): Call => propertiesCall(path, "GetAll", "s", of)

/** Does nothing but answer. */
export const ping: Call = { ...manager("Ping"), interface: "org.freedesktop.DBus.Peer" }

const bus = (member: string, signature = "", ...args: ReadonlyArray<unknown>): Call => ({
  ...manager(member, signature, ...args),
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
})

/** Introduces us to a bus, which has to come first. */
export const hello = bus("Hello")

/** Asks a bus to pass systemd's signals on. */
export const matchSignals = bus(
  "AddMatch",
  "s",
  `type='signal',sender='${systemd}',interface='org.freedesktop.systemd1.Manager'`,
)
