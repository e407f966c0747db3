/** Answers: how does a person read what a change of mode comes to, and what became of it? */
import type { ModeReport } from "@kata-deploy/core"
import * as Findings from "./Findings.ts"
import type { Style } from "./Paint.ts"
import { hanging } from "./Prose.ts"
import * as ReportText from "./ReportText.ts"

type Change = ModeReport.ModeReport["changes"][number]

const value = (text: string | null): string => text ?? "not set"

const changeLines = (
  { after, before, variable }: Change,
  { columns, paint }: Style,
): ReadonlyArray<string> => [
  `  ${paint("bold", variable)}`,
  ...hanging("    before  ", value(before), columns),
  ...hanging("    after   ", value(after), columns),
]

/** The change for people, with a final newline; behind one that was carried out, what was done. */
export const render = (mode: ModeReport.ModeReport, style: Style): string => {
  const { applied, changes, from, handlers, notices, report, restarts, shim } = mode
  const isSaid = changes.length === 0
  const head = `${shim} in ${mode.mode}, so far ${from === null ? "without a snapshotter of its own" : `with ${from}`}:`
  const lines = [
    ...hanging("", head, style.columns),
    ...(isSaid
      ? ["The settings, as they hold on this node, say so already."]
      : ["Settings that change:", ...changes.flatMap((change) => changeLines(change, style))]),
    ...(isSaid ? [] : Findings.labelled("Handlers that pull anew", handlers.join(", "), style)),
    ...(applied ? [] : Findings.restartLines(restarts, "planned", style)),
    ...Findings.noticeLines(notices, style),
    ...(restarts.length === 0 || applied
      ? []
      : ["With --apply it is carried out, and recorded on this node."]),
  ]
  const done = report === null ? "" : `\n${ReportText.render(report, style)}`
  return `${lines.join("\n")}\n${done}`
}
