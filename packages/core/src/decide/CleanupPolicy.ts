/**
 * Answers: may this instance be taken away, and how much goes with it? Three answers: leave everything (`skip`),
 * take this instance and leave what others share (`instance`), take all (`everything`). Source: decisions §1, §2;
 * spec 09 §7.
 */
import { Context, Layer, Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import { UnseenError } from "../input/Problem.ts"

/** What the verdict goes by. */
export interface CleanupFacts {
  /** Whether our own DaemonSet still selects this node; *not asked* counts as no. */
  readonly ownDaemonSet: Fact<boolean>
  /** Names of other instances on this node, as marks or the host show them. */
  readonly otherInstances: ReadonlyArray<string>
}

/** How much is taken away, and why. */
export interface CleanupVerdict {
  readonly scope: "skip" | "instance" | "everything"
  readonly because: string
}

/** Decides; a question to the API that failed destroys nothing. */
export const decide = (facts: CleanupFacts): Result.Result<CleanupVerdict, UnseenError> => {
  const own = facts.ownDaemonSet
  if (own._tag === "Unknown" && own.how === "failed") {
    return Result.fail(
      new UnseenError({
        problems: [
          {
            code: "E_DAEMONSET_UNKNOWN",
            message: `It is not known whether our DaemonSet still selects this node: ${own.why}. An update must not take Kata away from running pods.`,
            remedy: "Try again when the API answers, or pass --kube none to clean up in any case.",
          },
        ],
      }),
    )
  }
  if (own._tag === "Known" && own.value) {
    return Result.succeed({
      scope: "skip",
      because: "our DaemonSet still selects this node, so this is an update",
    })
  }
  return Result.succeed(
    facts.otherInstances.length === 0
      ? { scope: "everything", because: "no other instance is on this node" }
      : { scope: "instance", because: `the instances ${facts.otherInstances.join(", ")} stay on this node` },
  )
}

/** The replaceable policy behind `decide`. */
export class CleanupPolicy extends Context.Service<
  CleanupPolicy,
  {
    readonly decide: (facts: CleanupFacts) => Result.Result<CleanupVerdict, UnseenError>
  }
>()("@kata-deploy/core/CleanupPolicy") {
  /** The verdict as this module gives it. */
  static readonly layer = Layer.succeed(CleanupPolicy, CleanupPolicy.of({ decide }))
}
