/** How a conformance case says what it expects, without a test framework: a mismatch is a defect. */
import { Effect, Equal, type Exit } from "effect"
import type { FileState } from "../model/FileState.ts"
import type { HostError, HostErrorReason } from "../ports/HostError.ts"

/** What an implementation answered is not what the contract says. */
export class Mismatch extends Error {
  override readonly name = "Mismatch"
}

const show = (value: unknown): string =>
  JSON.stringify(value instanceof Map ? Object.fromEntries(value) : value, undefined, 1) ?? String(value)

/** The two values are equal by structure. */
export const same = (what: string, actual: unknown, expected: unknown): Effect.Effect<void> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.die(new Mismatch(`${what}: expected ${show(expected)}, got ${show(actual)}`))

/** A state without its owner, which differs between a double and a real machine. */
export const plain = (state: FileState): FileState => {
  if (state._tag === "File") return { _tag: "File", text: state.text, mode: state.mode }
  return state._tag === "Directory" ? { _tag: "Directory", mode: state.mode } : state
}

/** The effect fails with a reason of this kind. */
export const failsWith = <A, R>(
  what: string,
  effect: Effect.Effect<A, HostError, R>,
  ...tags: ReadonlyArray<HostErrorReason["_tag"]>
): Effect.Effect<HostErrorReason, never, R> =>
  Effect.exit(effect).pipe(
    Effect.flatMap((exit) => {
      const reason = reasonOf(exit)
      return reason !== undefined && tags.includes(reason._tag)
        ? Effect.succeed(reason)
        : Effect.die(new Mismatch(`${what}: expected a failure with ${tags.join(" or ")}, got ${show(exit)}`))
    }),
  )

const reasonOf = (exit: Exit.Exit<unknown, HostError>): HostErrorReason | undefined => {
  if (exit._tag === "Success") return undefined
  const failure = exit.cause.reasons.find((reason) => reason._tag === "Fail")
  return failure?._tag === "Fail" ? failure.error.reason : undefined
}
