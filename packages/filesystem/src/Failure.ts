/**
 * Answers: what does a failure of the operating system mean to the core? The inside of this package is synchronous and
 * throws `Refusal`s and system errors; only the edge, which is here, speaks in effects.
 */
import { HostError, type HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import { reasonOf } from "./Refusal.ts"

export { codeOf, errno, hasCode, notMounted, OutOfSight, reasonOf, Refusal } from "./Refusal.ts"

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
