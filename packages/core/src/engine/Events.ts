/** Tells on the Node object how a run ended, for people who look with kubectl. Best effort (decisions §11). */
import { Effect } from "effect"
import { maskSecrets } from "../input/Masking.ts"
import type { ActionName } from "../plan/Plan.ts"
import { NodeApi } from "../ports/NodeApi.ts"
import type { Report } from "./Report.ts"

/** Longest message that the API takes, in characters. */
const longest = 1024

/** What everybody may read who may read events: a runtime's log may quote the line of a file that holds a secret. */
const open = (text: string): string => {
  const shown = maskSecrets(text)
  return shown.length <= longest ? shown : `${shown.slice(0, longest - 1)}…`
}

/** A run that changed something went well. */
export const finished = Effect.fn("Events.finished")(function* (report: Report) {
  const changed = report.stages.some((stage) => stage.steps.some((step) => step.outcome === "changed"))
  if (!changed) return
  const api = yield* NodeApi
  const isInstall = report.action.startsWith("install")
  const restarted = report.restarts.filter((r) => r.due === "ours").map((r) => r.unit)
  const parts = [
    isInstall
      ? `The handlers ${report.handlers.join(", ")} of the instance ${report.instance} are installed.`
      : `The action ${report.action} of the instance ${report.instance} is done.`,
    ...(restarted.length === 0 ? [] : [`${restarted.join(", ")} was restarted.`]),
  ]
  yield* api.emit({
    severity: "normal",
    reason: isInstall ? "KataInstalled" : report.action === "cleanup" ? "KataRemoved" : "KataChanged",
    message: open(parts.join(" ")),
  })
})

/** A run failed. */
export const failed = Effect.fn("Events.failed")(function* (
  action: ActionName,
  error: { readonly message: string },
) {
  const api = yield* NodeApi
  yield* api.emit({
    severity: "warning",
    reason: action.startsWith("install") ? "KataInstallFailed" : "KataActionFailed",
    message: open(`${action}: ${error.message}`),
  })
})
