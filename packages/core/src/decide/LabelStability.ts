/**
 * Answers: do the labels of a ready node hold? On k3s and RKE2 the kubelet restarts with the runtime and registers the
 * node with the labels that it had cached, so one write that is read back once proves nothing. Source: spec 08 §2.2.
 */

/** What a look at the labels gives: both as wanted, another value, or no answer. */
export type LabelLook = "ok" | "drift" | "error"

/** Attempts, looks in a row that have to be right, and seconds before each look and between attempts. */
export const pace = { attempts: 12, looks: 6, lookEverySeconds: 2, pauseSeconds: 2 } as const

/** What to do next; seconds are to be waited before it. */
export type LabelStep =
  | { readonly _tag: "Look"; readonly afterSeconds: number }
  | { readonly _tag: "Write"; readonly afterSeconds: number }
  | { readonly _tag: "Held" }
  /** The labels did not hold in any attempt (`E_LABEL_NOT_STABLE`). */
  | { readonly _tag: "NotStable" }

/** Where the machine stands. */
export interface Stability {
  /** Number of the attempt, from 1. */
  readonly attempt: number
  /** Looks in a row that were right. */
  readonly held: number
  readonly next: LabelStep
}

/** Before the first write. */
export const start: Stability = { attempt: 1, held: 0, next: { _tag: "Write", afterSeconds: 0 } }

const lookNext: LabelStep = { _tag: "Look", afterSeconds: pace.lookEverySeconds }

const failedAttempt = ({ attempt }: Stability): Stability =>
  attempt < pace.attempts
    ? { attempt: attempt + 1, held: 0, next: { _tag: "Write", afterSeconds: pace.pauseSeconds } }
    : { attempt, held: 0, next: { _tag: "NotStable" } }

/** After a write: a failed one costs the attempt, not the install (spec 12 W-22). */
export const written = (state: Stability, outcome: "done" | "failed"): Stability =>
  outcome === "done" ? { ...state, held: 0, next: lookNext } : failedAttempt(state)

/** After a look: a wrong value or no answer ends the attempt. */
export const looked = (state: Stability, look: LabelLook): Stability => {
  if (look !== "ok") return failedAttempt(state)
  const held = state.held + 1
  return { ...state, held, next: held < pace.looks ? lookNext : { _tag: "Held" } }
}

/** Whether the two labels are as a serving node has them. */
export const lookAt = (
  labels: Readonly<Record<string, string>> | undefined,
  keys: ReadonlyArray<string>,
): LabelLook =>
  labels === undefined ? "error" : keys.every((key) => labels[key] === "true") ? "ok" : "drift"
