/**
 * Answers: what does a failure mean to the operator? Every error of the engine becomes problems with a remedy, each
 * in the form in which wrong settings are told.
 */
import type { HostError, Problem } from "@kata-deploy/core"
import type { NodeFailure } from "../ExitStatus.ts"
import { sentence } from "../render/Prose.ts"

const remedies: Readonly<Record<HostError.HostErrorReason["_tag"], string>> = {
  Drifted: "Something else changed it meanwhile. Run the action again: it looks afresh.",
  Denied:
    "Run it as root, or as a user who may read and write there. Where root is refused, look for the immutable flag (lsattr) and take it off (chattr -i).",
  NoSpace: "Free space on that filesystem, then run the action again.",
  ReadOnly: "Mount the filesystem for writing, or choose another INSTALLATION_PREFIX.",
  EscapesRoot: "Make the link point to somewhere below the host's root, or remove it.",
  BadArchive:
    "Fetch it again and compare its checksum with the publisher's; kata-deploy artifacts verify looks at all of them.",
  Taken: "Move away what is needed of it, remove the rest, and run the action again.",
  Refused: "Settle that, then run the action again.",
  NotLoaded: "Set the snapshotter up, or name one that containerd has (ctr plugins ls).",
  LockLost: "Wait until that one is done, then run the action again: it goes on from what this one left.",
  TimedOut: "See what the host is busy with, then run the action again.",
  Io: "Look into the kernel's log (dmesg) for the device below, then run the action again.",
}

const codes: Readonly<Record<HostError.HostErrorReason["_tag"], string>> = {
  Drifted: "E_HOST_DRIFTED",
  Denied: "E_HOST_DENIED",
  NoSpace: "E_HOST_NO_SPACE",
  ReadOnly: "E_HOST_READ_ONLY",
  EscapesRoot: "E_HOST_ESCAPES_ROOT",
  BadArchive: "E_BAD_ARCHIVE",
  Taken: "E_PATH_TAKEN",
  Refused: "E_HOST_REFUSED",
  NotLoaded: "E_PLUGIN_NOT_LOADED",
  LockLost: "E_HOST_LOCK_LOST",
  TimedOut: "E_HOST_TIMED_OUT",
  Io: "E_HOST_IO",
}

/** What is about a path and not about the device below it. */
const aboutPaths = new Set(["ENOENT", "ENOTDIR", "EISDIR", "EEXIST", "ENAMETOOLONG"])

/** What to do; where it is about a unit, its log says more than we can. */
const remedyOf = ({ reason, unit }: HostError.HostError): string => {
  if (unit !== undefined && (reason._tag === "Refused" || reason._tag === "TimedOut"))
    return `See what it says of itself (journalctl -u ${unit}), then run the action again.`
  return reason._tag === "Io" && aboutPaths.has(reason.code)
    ? "See to it that the path is right and what it needs is there, then run the action again."
    : remedies[reason._tag]
}

/** The problems that a failure stands for. */
export const problemsOf = (failure: NodeFailure): ReadonlyArray<Problem.Problem> => {
  switch (failure._tag) {
    case "SettingsError":
    case "PrerequisiteError":
    case "UnseenError":
    case "InUseError":
    case "PlanDriftError":
      return failure.problems
    case "ApplyError":
      return problemsOf(failure.cause)
    case "HostError":
      return [
        {
          code: codes[failure.reason._tag],
          ...(failure.path === undefined ? {} : { path: failure.path }),
          message: sentence(failure.message),
          remedy: remedyOf(failure),
        },
      ]
    case "ClusterError":
      return [{ code: "E_CLUSTER", message: sentence(failure.message), remedy: failure.remedy }]
  }
}

/** The problem of something that nobody expected: one line, without anything that only helps developers. */
export const unexpected = (defect: unknown): Problem.Problem => {
  const message = defect instanceof Error ? defect.message : String(defect)
  return {
    code: "E_UNEXPECTED",
    message: `Something went wrong that never should: ${message.split("\n")[0] || "no more is known"}`,
    remedy: "Please report it with the output of the same command and --log-level debug.",
  }
}
