/** Answers: how are restarts, notices and lists of names shown, in plans, reports and status alike? */
import type { Plan, Problem } from "@kata-deploy/core"
import type { Style } from "./Paint.ts"
import { hanging } from "./Prose.ts"

type Restart = Plan.Plan["restarts"][number]

/** `Label: text`, wrapped below the text's first column. */
export const labelled = (label: string, text: string, { columns, paint }: Style): ReadonlyArray<string> =>
  hanging(`${label}: `, text, columns).map((line, at) =>
    at === 0 ? `${paint("bold", label)}${line.slice(label.length)}` : line,
  )

const restartText = ({ due, unit }: Restart, when: "planned" | "reported"): string => {
  switch (due) {
    case "ours":
      return when === "planned" ? `${unit} is restarted` : `${unit} was restarted`
    case "not-ours":
      return `${unit} has to be restarted to load this; systemd is not controlled from here`
    case "reloads-itself":
      return `${unit} loads the change by itself`
  }
}

/** Whether a restart is left to somebody else. */
export const isRestartLeft = (restarts: ReadonlyArray<Restart>): boolean =>
  restarts.some(({ due }) => due === "not-ours")

/** What becomes of the units; before it is done and afterwards. */
export const restartLines = (
  restarts: ReadonlyArray<Restart>,
  when: "planned" | "reported",
  style: Style,
): ReadonlyArray<string> =>
  restarts.flatMap((restart) =>
    labelled(restart.due === "not-ours" ? "Restart due" : "Restart", restartText(restart, when), style),
  )

/** Notices, warnings first. */
export const noticeLines = (notices: ReadonlyArray<Problem.Notice>, style: Style): ReadonlyArray<string> => {
  const warnings = notices.filter((notice) => notice.severity === "warning")
  const others = notices.filter((notice) => notice.severity !== "warning")
  return [...warnings, ...others].flatMap(({ message, remedy, severity }) => {
    const label = severity === "warning" ? "Warning" : "Note"
    const text = remedy === undefined ? message : `${message} ${remedy}`
    return hanging(`${label}: `, text, style.columns).map((line, at) =>
      at === 0 && severity === "warning"
        ? `${style.paint("yellow", label)}${line.slice(label.length)}`
        : line,
    )
  })
}
