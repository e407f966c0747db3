/** Answers: how does a person read what a run did, what it took back and what it left? */
import type { Report } from "@kata-deploy/core"
import { isRestartLeft, labelled, noticeLines, restartLines } from "./Findings.ts"
import type { Style, Tone } from "./Paint.ts"
import { count, hanging } from "./Prose.ts"

type StageReport = Report.Report["stages"][number]
type Outcome = StageReport["steps"][number]["outcome"]

const tones: Readonly<Record<StageReport["outcome"], Tone>> = {
  done: "green",
  failed: "red",
  undone: "yellow",
  "not-reached": "dim",
}

const words: Readonly<Record<Outcome, string>> = {
  changed: "changed",
  unchanged: "unchanged",
  failed: "failed",
  undone: "undone",
  "not-reached": "not reached",
}

const tally = ({ outcome, steps }: StageReport): string => {
  if (outcome === "not-reached") return ""
  const counts = (Object.keys(words) as ReadonlyArray<Outcome>)
    .map((outcome) => ({ outcome, number: steps.filter((step) => step.outcome === outcome).length }))
    .filter(({ number }) => number > 0)
    .map(({ number, outcome }) => `${number} ${words[outcome]}`)
  return counts.length === 0 ? "nothing to do" : counts.join(", ")
}

/** Steps in a row that made a directory and came to the same end are one line. */
const folded = (
  steps: StageReport["steps"],
): ReadonlyArray<{ readonly outcome: Outcome; readonly summary: string }> => {
  const lines: Array<{ readonly outcome: Outcome; readonly summary: string; readonly directories: number }> =
    []
  for (const { outcome, summary } of steps) {
    const last = lines.at(-1)
    const isDirectory = summary.startsWith("create directory ")
    if (isDirectory && last !== undefined && last.directories > 0 && last.outcome === outcome) {
      const directories = last.directories + 1
      lines[lines.length - 1] = { outcome, summary: `create ${directories} directories`, directories }
    } else {
      lines.push({ outcome, summary, directories: isDirectory ? 1 : 0 })
    }
  }
  return lines
}

/** What is worth naming of a stage: everything when it went wrong, else nothing. Paths stay in one piece. */
const stepLines = ({ outcome, steps }: StageReport, { paint }: Style): ReadonlyArray<string> =>
  outcome === "done" || outcome === "not-reached"
    ? []
    : folded(steps.filter((step) => step.outcome !== "unchanged")).map((step) => {
        const line = `    ${words[step.outcome].padEnd(11)} ${step.summary}`
        return step.outcome === "failed" ? paint("red", line) : line
      })

/** What was seen of the handlers after an install. */
const servedLines = ({ confirmed, handlers, stages }: Report.Report, style: Style): ReadonlyArray<string> => {
  // Without this stage nothing was to be served by now.
  const isAwaited = stages.some(({ stage }) => stage === "cri")
  if (confirmed === null || handlers.length === 0 || !isAwaited) return []
  const told = {
    served: "all of them",
    partly: `not ${confirmed.missing.join(", ")}`,
    "not-served": "none of them",
    unknown: `not known, ${confirmed.because}`,
  }[confirmed.handlers]
  return labelled("Served by the node", told, style)
}

const stageLines = (stages: ReadonlyArray<StageReport>, style: Style): ReadonlyArray<string> => {
  const width = Math.max(0, ...stages.map(({ stage }) => stage.length))
  return stages.flatMap((stage) => [
    `  ${stage.stage.padEnd(width)}  ${style.paint(tones[stage.outcome], stage.outcome.replace("-", " ").padEnd(11))} ${tally(stage)}`.trimEnd(),
    ...stepLines(stage, style),
  ])
}

/** How a cleanup that failed stands; one that is refused demotes the node, and no more. */
const failedCleanup = ({ stages }: Report.Report): string =>
  stages.every(({ stage }) => stage === "demote")
    ? "Failed. Nothing was removed; run it again when the reason above is gone."
    : "Failed. What could be removed is gone; run it again when the reason above is."

/** A run that found nothing to write may leave a restart to somebody else all the same. */
const doneText = ({ restarts }: Report.Report, changed: number): string => {
  if (changed > 0) return `Done: ${count(changed, "step")} changed the node.`
  return isRestartLeft(restarts)
    ? "Nothing was changed; the restart is still due."
    : "Nothing had to be changed."
}

const verdict = (report: Report.Report, style: Style): ReadonlyArray<string> => {
  const changed = report.stages
    .flatMap((stage) => stage.steps)
    .filter((step) => step.outcome === "changed").length
  switch (report.outcome) {
    case "done":
      return [style.paint("green", doneText(report, changed))]
    case "failed":
      return hanging(
        "",
        report.action.startsWith("cleanup")
          ? failedCleanup(report)
          : "Failed. What the failed stage had done was taken back; stages before it stand.",
        style.columns,
      )
    case "incomplete":
      return hanging(
        "",
        report.notices.some(({ code }) => code === "configuration-kept")
          ? "Failed, and kept as --rollback never asks: somebody has to look at what is named above."
          : "Failed, and not everything could be taken back: somebody has to look at what is named above.",
        style.columns,
      ).map((line) => style.paint("red", line))
  }
}

/** So many paths that stay are named; somebody may have put thousands of files into a directory of ours. */
const mostLeft = 20

const leftLines = ({ left }: Report.Report, style: Style): ReadonlyArray<string> => [
  ...left.slice(0, mostLeft).flatMap(({ path, why }) => labelled("Left behind", `${path} (${why})`, style)),
  ...(left.length > mostLeft
    ? labelled(
        "Left behind",
        `${count(left.length - mostLeft, "more path")}; --output json names them`,
        style,
      )
    : []),
]

/** The whole report for people, with a final newline. */
export const render = (report: Report.Report, style: Style): string => {
  const goes = report.action.startsWith("cleanup")
  const tail = [
    ...report.failures.flatMap((failure) => labelled("Failure", failure, style)),
    ...leftLines(report, style),
    ...restartLines(report.restarts, "reported", style),
    ...noticeLines(report.notices, style),
  ]
  return `${[
    `${style.paint("bold", report.action)}: instance ${report.instance}, CRI runtime ${report.runtime}`,
    ...(report.handlers.length === 0
      ? []
      : labelled(goes ? "Handlers that went" : "Handlers", report.handlers.join(", "), style)),
    ...stageLines(report.stages, style),
    ...(goes ? [] : servedLines(report, style)),
    ...tail,
    ...verdict(report, style),
  ].join("\n")}\n`
}
