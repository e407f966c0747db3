/**
 * Answers: why did systemd not do what it was asked for, as far as its connection tells? Turned into the port's error
 * in this one place.
 */
import { HostError } from "@kata-deploy/core"
import { Data } from "effect"

/** What went wrong on a connection. */
export type BusReason =
  /** Nobody listens there, or we may not connect; `code` is the errno name. */
  | { readonly _tag: "NotReached"; readonly code: string }
  /** The handshake was refused, or was none. */
  | { readonly _tag: "NotAccepted"; readonly detail: string }
  /** The other side said nothing for so long. */
  | { readonly _tag: "Silent"; readonly seconds: number }
  /** The connection ended, or what came over it was no message. */
  | { readonly _tag: "Lost"; readonly detail: string }
  /** An error reply, with its D-Bus name. */
  | { readonly _tag: "Said"; readonly name: string; readonly text: string }

/** A conversation with systemd failed. */
export class BusFailure extends Data.TaggedError("BusFailure")<{ readonly reason: BusReason }> {
  override get message(): string {
    return describe(this.reason)
  }
}

/** A reason as a clause for people. */
export const describe = (reason: BusReason): string => {
  switch (reason._tag) {
    case "NotReached":
      return reason.code === "EACCES" || reason.code === "EPERM"
        ? "this user may not connect; run as root"
        : `nothing answers there (${reason.code})`
    case "NotAccepted":
      return `the connection was not accepted: ${reason.detail}`
    case "Silent":
      return `systemd said nothing for ${reason.seconds} s; look whether it hangs (systemctl is-system-running)`
    case "Lost":
      return `the connection broke: ${reason.detail}`
    case "Said":
      return `${reason.text.replace(/\.$/, "")}${adviceFor(reason.name)}`
  }
}

const advice: Readonly<Record<string, string>> = {
  "org.freedesktop.systemd1.UnitMasked": "; somebody masked it, systemctl unmask takes that back",
  "org.freedesktop.systemd1.NoSuchUnit": "; look at its name with systemctl list-units",
  "org.freedesktop.DBus.Error.ServiceUnknown": "; systemd is not on this bus",
}

const adviceFor = (name: string): string => advice[name] ?? ""

const denials = ["org.freedesktop.DBus.Error.AccessDenied", "org.freedesktop.DBus.Error.AuthFailed"]

/** Whether systemd says that it does not know the unit, or its file. */
export const isUnknownUnit = ({ reason }: BusFailure): boolean =>
  reason._tag === "Said" &&
  (reason.name === "org.freedesktop.systemd1.NoSuchUnit" ||
    reason.name === "org.freedesktop.DBus.Error.FileNotFound")

/** The failure as the port's error about `operation`, a verb phrase, and the unit that it concerns. */
export const toHostError =
  (operation: string, about: { readonly unit?: string }) =>
  ({ reason }: BusFailure): HostError.HostError => {
    if (reason._tag === "Silent") {
      const what = `${operation}, for systemd may hang (look at systemctl list-jobs)`
      return new HostError.HostError({
        operation: what,
        path: undefined,
        reason: { _tag: "TimedOut", seconds: reason.seconds },
        ...about,
      })
    }
    return new HostError.HostError({
      operation,
      path: undefined,
      reason:
        reason._tag === "Said" && denials.includes(reason.name)
          ? { _tag: "Denied" }
          : { _tag: "Refused", detail: describe(reason) },
      ...about,
    })
  }
