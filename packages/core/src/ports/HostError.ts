/**
 * Answers: why could the host not be changed or seen? One outer error with a tagged reason inside, so that callers
 * branch on reasons and people read one message.
 */
import { Data } from "effect"
import { shown } from "../model/ArchiveEntry.ts"
import type { HostPath } from "../model/HostPath.ts"

/** Why an operation on the host failed. */
export type HostErrorReason =
  /** The path is no longer what the plan was made for. */
  | { readonly _tag: "Drifted"; readonly expected: string; readonly found: string }
  /** No permission for the operation. */
  | { readonly _tag: "Denied" }
  /** The filesystem is full (or a quota is used up). */
  | { readonly _tag: "NoSpace" }
  /** The filesystem is mounted read-only. */
  | { readonly _tag: "ReadOnly" }
  /** A link would lead the write out of the root that we are confined to. */
  | { readonly _tag: "EscapesRoot"; readonly via: string }
  /** A component archive is damaged or holds something that we refuse; `entry` names it where there is one. */
  | {
      readonly _tag: "BadArchive"
      readonly archive: string
      readonly entry: string | undefined
      readonly detail: string
    }
  /** Somebody else's files are where ours have to go: the first of the paths, sorted, and how many there are. */
  | { readonly _tag: "Taken"; readonly paths: ReadonlyArray<HostPath>; readonly count: number }
  /** systemd or a host program said no. */
  | { readonly _tag: "Refused"; readonly detail: string }
  /** containerd has no plugin of that name loaded, so that nothing can be asked of it. */
  | { readonly _tag: "NotLoaded"; readonly detail: string }
  /** The node lock was ours and is not any more; `holder` has it now, a noun phrase. */
  | { readonly _tag: "LockLost"; readonly holder: string }
  /** It took longer than allowed. */
  | { readonly _tag: "TimedOut"; readonly seconds: number }
  /** Any other failure of the operating system; `code` is the errno name. */
  | { readonly _tag: "Io"; readonly code: string }

/** An operation on the host failed. */
export class HostError extends Data.TaggedError("HostError")<{
  /** What we were doing: a verb phrase such as `write` or `unpack kernel`. */
  readonly operation: string
  /** The host path concerned, if there is one. */
  readonly path: HostPath | undefined
  readonly reason: HostErrorReason
  /** The systemd unit concerned, if there is one: its log says more. */
  readonly unit?: string
}> {
  override get message(): string {
    const what = this.path === undefined ? this.operation : `${this.operation} ${this.path}`
    return `Could not ${what}: ${describe(this.reason)}`
  }
}

/** What people rather read than the name of an errno; mostly a path that somebody has typed is behind it. */
const words: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or directory",
  ENOTDIR: "something in its path is no directory",
  EISDIR: "it is a directory",
  EEXIST: "it is there already",
  ENAMETOOLONG: "its name is too long",
}

/** A reason as a clause. */
export const describe = (reason: HostErrorReason): string => {
  switch (reason._tag) {
    case "Drifted":
      return `it changed since it was looked at (expected ${reason.expected}, found ${reason.found})`
    case "Denied":
      return "no permission"
    case "NoSpace":
      return "no space left on the filesystem"
    case "ReadOnly":
      return "the filesystem is read-only"
    case "EscapesRoot":
      return `the link ${reason.via} leads out of the host's root`
    case "BadArchive":
      return `${reason.archive} is refused${reason.entry === undefined ? "" : ` at entry ${shown(reason.entry)}`}: ${shown(reason.detail)}`
    case "Taken":
      return taken(reason)
    case "Refused":
    case "NotLoaded":
      return reason.detail
    case "LockLost":
      return `the program that held it for us has ended, and ${reason.holder} has it now`
    case "TimedOut":
      return `no answer within ${reason.seconds} s`
    case "Io":
      return words[reason.code] ?? `the operating system says ${reason.code}`
  }
}

const taken = ({ count, paths }: Extract<HostErrorReason, { readonly _tag: "Taken" }>): string => {
  const more = count > paths.length ? ` and ${count - paths.length} more` : ""
  const are = count === 1 ? "is" : "are"
  return `${paths.join(", ")}${more} ${are} there already, with a content that this install did not put there; replacing it, and removing it at a cleanup, would lose it`
}
