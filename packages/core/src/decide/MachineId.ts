/**
 * Answers: is this the machine that the job was made for? A Job is bound to a node by name, and names get reused.
 * Only the staged actions ask. Source: spec 09 §9; 12 W-27.
 */
import { Result } from "effect"
import { PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { FileState } from "../model/FileState.ts"
import type { ActionName } from "../plan/Plan.ts"

/** Whether an action runs as a container of a Job that a dispatcher made for one machine. */
export const isStaged = (action: ActionName): boolean => /^(?:install|cleanup)-stage-/.test(action)

const fail = (
  problem: Pick<Problem, "code" | "message" | "remedy">,
): Result.Result<never, PrerequisiteError> =>
  Result.fail(
    new PrerequisiteError({
      problems: [{ setting: "NODE_MACHINE_ID", path: "/etc/machine-id", ...problem }],
    }),
  )

/** Compares the machine that is meant with the one that this is; without an expectation every machine is right. */
export const check = (facts: {
  readonly action: ActionName
  /** `NODE_MACHINE_ID`. */
  readonly expected: string | undefined
  /** The host's `/etc/machine-id`. */
  readonly file: FileState
}): Result.Result<void, PrerequisiteError> => {
  const expected = (facts.expected ?? "").trim()
  if (expected === "" || !isStaged(facts.action)) return Result.succeed(undefined)
  if (facts.file._tag !== "File") {
    return fail({
      code: "E_MACHINE_ID_UNREADABLE",
      message: `The job is meant for the machine ${expected}, but this machine's id cannot be read, so nothing is touched.`,
      remedy: "Mount the host's /etc/machine-id at /host-machine-id, or leave NODE_MACHINE_ID out.",
    })
  }
  const found = facts.file.text.trim()
  if (found === expected) return Result.succeed(undefined)
  return fail({
    code: "E_WRONG_NODE",
    message: `The job is meant for the machine ${expected}, but this is ${found}: another machine has taken over the node's name.`,
    remedy: "Delete the Job; a dispatcher makes a new one for the machine that is there now.",
  })
}
