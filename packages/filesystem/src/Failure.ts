/**
 * Answers: what does a failure of the operating system mean to the core? The one place where errno names become
 * reasons. The inside of this package is synchronous and throws; only the edge speaks in effects.
 */
import { HostError, type HostPath } from "@kata-deploy/core"
import { Effect, Predicate } from "effect"

/** Thrown inside this package for what the operating system did not refuse but we do. */
export class Refusal extends Error {
  override readonly name = "Refusal"
  readonly reason: HostError.HostErrorReason
  constructor(reason: HostError.HostErrorReason) {
    super(HostError.describe(reason))
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
  return Predicate.hasProperty(cause, "code") && typeof cause.code === "string" ? cause.code : undefined
}

/** Whether a thrown value carries one of the errno names. */
export const hasCode = (cause: unknown, ...codes: ReadonlyArray<string>): boolean => {
  const code = codeOf(cause)
  return code !== undefined && codes.includes(code)
}

/** An error that says what the operating system would say. */
export const errno = (code: string): Refusal => new Refusal({ _tag: "Io", code })

/** The reason behind a thrown value; rethrows what is a mistake of ours and no failure of the host. */
export const reasonOf = (cause: unknown): HostError.HostErrorReason => {
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

/** A thrown value as the port's error. */
export const toHostError =
  (operation: string, path: HostPath.HostPath | undefined) =>
  (cause: unknown): HostError.HostError =>
    cause instanceof HostError.HostError
      ? cause
      : new HostError.HostError({ operation, path, reason: reasonOf(cause) })

/** Runs synchronous work of this package as an effect with the port's error. */
export const attempt = <A>(
  operation: string,
  path: HostPath.HostPath | undefined,
  run: () => A,
): Effect.Effect<A, HostError.HostError> => Effect.try({ try: run, catch: toHostError(operation, path) })
