/**
 * Answers: which actions and flags does the contract know that this release cannot carry out, and what is to be
 * used instead? They are refused by name, so that nobody takes them for typing errors.
 */
import type { Problem } from "@kata-deploy/core"

/** Actions of later releases, with what helps today. */
export const actions: Readonly<Record<string, string>> = {
  reset: "Take the labels away with kubectl label node, then restart the CRI runtime's unit.",
  rollback: "Run cleanup, or install --once with the settings of before.",
  snapshots: "Look at them on the node with: ctr -n k8s.io snapshots ls.",
  snapshotter: "Change SNAPSHOTTER_HANDLER_MAPPING and EXPERIMENTAL_FORCE_GUEST_PULL, then install again.",
  artifacts: "Look into an archive with: tar --zstd -tf FILE. A plan names the archives that are missing.",
  doctor: "Use status --verify for drift, and plan for what would be wrong before an install.",
  explain: "Use plan: every step comes with its reason.",
}

/** Actions that existed once in upstream and are never to be taken for others. Source: spec 01 §2. */
export const removedActions: Readonly<Record<string, string>> = {
  "install-stage-label": "Whoever dispatches the stages labels the node, after install-stage-cri.",
  "cleanup-stage-unlabel":
    "Whoever dispatches the stages takes the labels away, before cleanup-stage-revert-cri.",
}

/** Flags of later releases, with what helps today. */
export const flags: Readonly<Record<string, string>> = {
  "lock-timeout": "Leave it out, and run one kata-deploy on a node at a time.",
  plan: "Look at the plan action first; install --once stops where the host changed in between.",
  rollback: "Leave it out: a failed stage is undone, and cleanup takes a whole install back.",
  "when-in-use": "Leave it out, and drain the node before a cleanup.",
  "nydus-data": "Leave it out.",
  "restart-beside-others": "Leave it out: restarts are reported, not done.",
  apply: "Leave it out.",
  namespace: "Leave it out.",
  snapshotter: "Leave it out.",
  "public-key": "Leave it out, and check the archives before they are used.",
}

/** Flags of later releases that have no value. */
export const switches: ReadonlyArray<string> = ["apply"]

/** The problem of asking for something that a later release brings. */
export const problem = (what: string, instead: string): Problem.Problem => ({
  code: "E_NOT_IN_THIS_RELEASE",
  setting: what,
  message: `${what} is not in this release.`,
  remedy: instead,
})
