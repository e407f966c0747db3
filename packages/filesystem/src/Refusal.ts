/**
 * Answers: why was something not done? What this package throws, and the one place where errno names become reasons.
 * Worker threads use it too, so nothing here needs `effect`.
 */
import type { HostError } from "@kata-deploy/core"

type HostErrorReason = HostError.HostErrorReason

/** Thrown inside this package for what the operating system did not refuse but we do. */
export class Refusal extends Error {
  override readonly name = "Refusal"
  readonly reason: HostErrorReason
  constructor(reason: HostErrorReason) {
    // People never read this: the port's error has the whole sentence.
    super("detail" in reason ? reason.detail : reason._tag)
    this.reason = reason
  }
}

/** Thrown inside this package for a path that no mount of the layout shows. */
export class OutOfSight extends Refusal {
  override readonly name = "Refusal"
  constructor() {
    super({ _tag: "Refused", detail: notMounted })
  }
}

/** What is said of a path that no mount shows. */
export const notMounted = "it is not mounted here"

/** The errno name of a thrown value, e.g. `ENOENT`. */
export const codeOf = (cause: unknown): string | undefined => {
  if (cause instanceof Refusal) return cause.reason._tag === "Io" ? cause.reason.code : undefined
  const code: unknown =
    typeof cause === "object" && cause !== null && "code" in cause ? cause.code : undefined
  return typeof code === "string" ? code : undefined
}

/** Whether a thrown value carries one of the errno names. */
export const hasCode = (cause: unknown, ...codes: ReadonlyArray<string>): boolean => {
  const code = codeOf(cause)
  return code !== undefined && codes.includes(code)
}

/** An error that says what the operating system would say. */
export const errno = (code: string): Refusal => new Refusal({ _tag: "Io", code })

/** The reason behind a thrown value; rethrows what is a mistake of ours and no failure of the host. */
export const reasonOf = (cause: unknown): HostErrorReason => {
  if (cause instanceof Refusal) return cause.reason
  const code = codeOf(cause)
  switch (code) {
    case undefined:
      throw cause
    case "EACCES":
    case "EPERM":
      return { _tag: "Denied" }
    case "ENOSPC":
    case "EDQUOT":
    case "EFBIG":
      return { _tag: "NoSpace" }
    case "EROFS":
      return { _tag: "ReadOnly" }
    default:
      return { _tag: "Io", code }
  }
}
