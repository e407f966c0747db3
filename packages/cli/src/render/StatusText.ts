/** Answers: how does a person read what is installed here? */
import type { Status } from "@kata-deploy/core"
import type { Style } from "./Paint.ts"
import { count, hanging } from "./Prose.ts"

const labelsText = (labels: Status.InstanceStatus["labels"]): string => {
  if (labels === null) return "not known, the API is not used"
  const entries = Object.entries(labels)
  return entries.length === 0 ? "none" : entries.map(([key, value]) => `${key}=${value}`).join(", ")
}

const names = (list: ReadonlyArray<string> | null): string =>
  list === null ? "not known, the node cannot be asked" : list.length === 0 ? "none" : list.join(", ")

/** The beginning of a digest tells two apart; the document has them whole. */
const short = (text: string): string => text.replace(/(sha256:[0-9a-f]{12})[0-9a-f]+/, "$1…")

const driftLines = (instance: Status.InstanceStatus, { columns, paint }: Style): ReadonlyArray<string> =>
  instance.drift.flatMap(({ is, path, was }) => [
    `    ${paint("yellow", path)}`,
    ...hanging("      ", `was ${short(was)}, is ${short(is)}`, columns),
  ])

const instanceLines = (instance: Status.InstanceStatus, style: Style): ReadonlyArray<string> => {
  const { paint } = style
  const rows: ReadonlyArray<readonly [label: string, text: string]> = [
    ["CRI runtime", instance.runtime],
    ["handlers written", names(instance.handlers.written)],
    ["handlers served", names(instance.handlers.served)],
    ["labels", labelsText(instance.labels)],
    ...(instance.modes ?? []).map(
      ({ mode, shim }) => ["chosen mode", `${shim} in ${mode}, by set-mode over the settings`] as const,
    ),
    ["restart", instance.restartDue ? "due: the CRI runtime has not loaded this yet" : "none due"],
    ["half-done stage", instance.journal ?? "none"],
    ["drift", instance.drift.length === 0 ? "none" : count(instance.drift.length, "path")],
  ]
  return [
    paint("bold", `Instance ${instance.name}, release ${instance.release}`),
    ...rows.flatMap(([label, text]) => {
      const stands =
        (label === "drift" && text !== "none") || (label === "half-done stage" && text !== "none")
      return hanging(`  ${label.padEnd(16)}  `, text, style.columns).map((line) =>
        stands ? paint("yellow", line) : line,
      )
    }),
    ...driftLines(instance, style),
  ]
}

const unseenLines = ({ unseen = [] }: Status.Status): ReadonlyArray<string> =>
  unseen.map(({ path, why }) => `Other instances may be in ${path}, which cannot be listed: ${why}.`)

/** The whole status for people, with a final newline. */
export const render = (status: Status.Status, style: Style): string => {
  const instances =
    status.instances.length === 0
      ? ["Nothing of ours is installed here."]
      : [status.instances.map((instance) => instanceLines(instance, style).join("\n")).join("\n\n")]
  return `${[...instances, ...unseenLines(status)].join("\n")}\n`
}
