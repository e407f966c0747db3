/**
 * Answers: how does a person read a plan? Stages with numbered steps, each with its reason and the diff of its file;
 * what stays as it is takes one faint line.
 */
import { type Change, HostPath, Plan, PlanDocument, type SnapshotterData } from "@kata-deploy/core"
import * as DiffText from "./DiffText.ts"
import { isRestartLeft, labelled, noticeLines, restartLines } from "./Findings.ts"
import type { Style } from "./Paint.ts"
import * as KnownTexts from "./KnownTexts.ts"
import { count, hanging } from "./Prose.ts"

/** Steps that are shown together. */
type Block =
  | { readonly _tag: "Step"; readonly at: number; readonly step: Plan.Step }
  | { readonly _tag: "Directories"; readonly at: number; readonly steps: ReadonlyArray<Plan.Step> }
  | { readonly _tag: "Unchanged"; readonly steps: ReadonlyArray<Plan.Step> }

const isNewDirectory = ({ action }: Plan.Step): boolean =>
  action._tag === "Put" && action.change.before._tag === "Absent" && action.change.after._tag === "Directory"

/** Puts steps together; `start` is the number of the first one that changes something. */
const blocksOf = (steps: ReadonlyArray<Plan.Step>, start: number): ReadonlyArray<Block> => {
  const blocks: Array<Block> = []
  let at = start
  for (const step of steps) {
    const last = blocks.at(-1)
    if (!Plan.changes(step.action)) {
      if (last?._tag === "Unchanged") blocks[blocks.length - 1] = { ...last, steps: [...last.steps, step] }
      else blocks.push({ _tag: "Unchanged", steps: [step] })
    } else {
      if (!isNewDirectory(step)) blocks.push({ _tag: "Step", at, step })
      else if (last?._tag === "Directories")
        blocks[blocks.length - 1] = { ...last, steps: [...last.steps, step] }
      else blocks.push({ _tag: "Directories", at, steps: [step] })
      at += 1
    }
  }
  return blocks
}

const pathOf = ({ action }: Plan.Step): string => (action._tag === "Put" ? action.change.path : "")

/** Directories that are not above others of the same block; the ones above them need not be named. */
const lowest = (steps: ReadonlyArray<Plan.Step>): ReadonlyArray<string> => {
  const paths = steps.map((step) => pathOf(step) as HostPath.HostPath)
  return paths.filter((path) => !paths.some((other) => HostPath.isBelow(other, path)))
}

const modeChange = (change: Change.Change): string | undefined => {
  const { after, before } = change
  if (before._tag !== "File" || after._tag !== "File" || before.mode === after.mode) return undefined
  return `mode 0${before.mode.toString(8)} becomes 0${after.mode.toString(8)}`
}

const numberWidth = 5
const indent = " ".repeat(numberWidth)

/** How steps are laid out, and what their files are compared with. */
interface StepStyle extends Style {
  readonly known: KnownTexts.KnownTexts
}

const because = (text: string, { columns, paint }: Style): ReadonlyArray<string> =>
  text === "" ? [] : hanging(indent, text, columns).map((line) => paint("dim", line))

const numberOf = (at: number): string => `${`${at}.`.padStart(numberWidth - 1)} `

/** What a step does. A path stays in the line of its verb, however long it is; a list of components wraps. */
const summaryLines = (at: number, { action }: Plan.Step, { columns }: Style): ReadonlyArray<string> =>
  action._tag === "Extract"
    ? hanging(numberOf(at), PlanDocument.summary(action), columns)
    : [`${numberOf(at)}${PlanDocument.summary(action)}`]

/** Keys that are shown of a namespace; the JSON form has all. */
const mostKeys = 20

/** What goes from one namespace of containerd. */
const snapshotLines = (
  { images, namespace, order }: SnapshotterData.NamespacePurge,
  style: Style,
): ReadonlyArray<string> => [
  ...hanging(
    indent,
    `in ${namespace}${images.length === 0 ? "" : `, of ${images.length === 1 ? "the image" : "the images"} ${images.join(", ")}`}:`,
    style.columns,
  ),
  ...order.slice(0, mostKeys).map((key) => `${indent}${style.paint("red", key)}`),
  ...(order.length > mostKeys
    ? [`${indent}and ${order.length - mostKeys} more (--output json has all)`]
    : []),
]

const stepLines = (at: number, step: Plan.Step, style: StepStyle): ReadonlyArray<string> => {
  const { action } = step
  const mode = action._tag === "Put" ? modeChange(action.change) : undefined
  return [
    ...summaryLines(at, step, style),
    ...because(step.because, style),
    ...(mode === undefined ? [] : [`${indent}${mode}`]),
    ...(action._tag === "Prune"
      ? action.directories.map((path) => `${indent}${style.paint("red", path)}`)
      : []),
    ...(action._tag === "RemoveSnapshots"
      ? action.namespaces.flatMap((namespace) => snapshotLines(namespace, style))
      : []),
    ...(action._tag === "Put"
      ? DiffText.lines(action.change, style.paint, style.known).map((line) => `${indent}${line}`)
      : []),
  ]
}

const directoryLines = (
  at: number,
  steps: ReadonlyArray<Plan.Step>,
  style: StepStyle,
): ReadonlyArray<string> => {
  const [first] = steps
  if (steps.length === 1 && first !== undefined) return stepLines(at, first, style)
  const reasons = [...new Set(steps.map((step) => step.because))]
  return [
    `${numberOf(at)}create ${steps.length} directories (steps ${at} to ${at + steps.length - 1}), down to`,
    ...lowest(steps).map((path) => `${indent}${style.paint("green", path)}`),
    ...reasons.slice(0, 1).flatMap((reason) => because(reason, style)),
  ]
}

const blockLines = (block: Block, style: StepStyle): ReadonlyArray<string> => {
  switch (block._tag) {
    case "Step":
      return stepLines(block.at, block.step, style)
    case "Directories":
      return directoryLines(block.at, block.steps, style)
    case "Unchanged": {
      const [first] = block.steps
      const what =
        block.steps.length === 1 && first !== undefined
          ? `${PlanDocument.summary(first.action)}: ${first.because}`
          : `${block.steps.length} things stay as they are`
      return hanging("   = ", what, style.columns).map((line) => style.paint("dim", line))
    }
  }
}

const stageLines = (stage: Plan.StagePlan, start: number, style: StepStyle): ReadonlyArray<string> => {
  const changing = Plan.changingSteps(stage).length
  const size = changing === 0 ? "nothing to do" : count(changing, "step")
  return [
    "",
    `${style.paint("bold", stage.stage)} ${style.paint("dim", `(${size})`)}`,
    ...blocksOf(stage.steps, start).flatMap((block) => blockLines(block, style)),
  ]
}

const heading = (plan: Plan.Plan, style: Style): ReadonlyArray<string> => {
  const goes = plan.action.startsWith("cleanup")
  return [
    `${style.paint("bold", `Plan of ${plan.action}`)}: instance ${plan.instance}, CRI runtime ${plan.runtime}`,
    ...(plan.handlers.length === 0
      ? []
      : labelled(goes ? "Handlers that go" : "Handlers afterwards", plan.handlers.join(", "), style)),
  ]
}

const sandboxLines = (plan: Plan.Plan, style: Style): ReadonlyArray<string> => {
  // Only what removes the files asks; replacing them puts no sandbox at risk.
  if (plan.action !== "cleanup" && plan.action !== "cleanup-stage-remove-artifacts") return []
  if (plan.sandboxes === null) {
    // The warning says it with the reason.
    return plan.notices.some(({ code }) => code === "use-not-checked")
      ? []
      : labelled("Kata sandboxes", "could not be looked at from here", style)
  }
  return plan.sandboxes.length === 0
    ? []
    : labelled("Kata sandboxes at risk", plan.sandboxes.join(", "), style)
}

/** The whole plan for people, with a final newline. */
export const render = (plan: Plan.Plan, style: Style): string => {
  const stepStyle: StepStyle = { ...style, known: KnownTexts.of(plan) }
  let start = 1
  const stages: Array<string> = []
  for (const stage of plan.stages) {
    stages.push(...stageLines(stage, start, stepStyle))
    start += Plan.changingSteps(stage).length
  }
  const changes = start - 1
  const residues =
    plan.residues.length === 0 ? [] : labelled("Stays behind on purpose", plan.residues.join(", "), style)
  const outlook = [
    ...restartLines(plan.restarts, "planned", style),
    ...sandboxLines(plan, style),
    ...residues,
    ...noticeLines(plan.notices, style),
  ]
  const touched = plan.stages.filter((stage) => Plan.changingSteps(stage).length > 0).length
  const verdict =
    changes === 0
      ? isRestartLeft(plan.restarts)
        ? "Nothing to do from here; the restart is still due."
        : "Nothing to do: the node is as it should be."
      : `${count(changes, "step")} in ${count(touched, "stage")}. Nothing has been changed.`
  return `${[
    ...heading(plan, style),
    ...stages,
    ...(outlook.length === 0 ? [] : ["", ...outlook]),
    "",
    style.paint("bold", verdict),
  ].join("\n")}\n`
}
