/**
 * Answers: which actions does the contract know that this release cannot carry out, and what is to be
 * used instead? They are refused by name, so that nobody takes them for typing errors.
 */
import type { Problem } from "@kata-deploy/core"

/** Actions of later releases, with what helps today. */
export const actions: Readonly<Record<string, string>> = {
  doctor: "Use status --verify for drift, and plan for what would be wrong before an install.",
  explain: "Use plan: every step comes with its reason.",
}

/** Actions that existed once in upstream and are never to be taken for others. Source: spec 01 §2. */
export const removedActions: Readonly<Record<string, string>> = {
  "install-stage-label": "Whoever dispatches the stages labels the node, after install-stage-cri.",
  "cleanup-stage-unlabel":
    "Whoever dispatches the stages takes the labels away, before cleanup-stage-revert-cri.",
}

/** The problem of asking for something that a later release brings. */
export const problem = (what: string, instead: string): Problem.Problem => ({
  code: "E_NOT_IN_THIS_RELEASE",
  setting: what,
  message: `${what} is not in this release.`,
  remedy: instead,
})
