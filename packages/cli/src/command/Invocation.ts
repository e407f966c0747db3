/**
 * Answers: what was the program asked to do? Finds the action, holds flags against it, and collects every problem.
 */
import { MachineId, NearestName, type Plan, type Problem, SettingsGrammar } from "@kata-deploy/core"
import { Result } from "effect"
import { waitAction } from "../supervisor/CommandLine.ts"
import type { Errand } from "../supervisor/Life.ts"
import type { Surroundings } from "../Surroundings.ts"
import * as ArtifactsJob from "../artifacts/ArtifactsJob.ts"
import * as ActionTable from "./ActionTable.ts"
import type { Arguments } from "./Arguments.ts"
import * as Conduct from "./Conduct.ts"
import * as FlagTable from "./FlagTable.ts"
import * as NodeOptions from "./NodeOptions.ts"
import * as NotYet from "./NotYet.ts"
import * as SetModeJob from "./SetModeJob.ts"
import * as SnapshotsJob from "./SnapshotsJob.ts"

/** What is done on a node. */
export type NodeJob =
  | {
      readonly _tag: "Plan"
      readonly action: Plan.ActionName
      readonly whenChanges: 0 | 10
      readonly conduct: Conduct.Conduct
    }
  | { readonly _tag: "Run"; readonly action: Plan.ActionName; readonly conduct: Conduct.Conduct }
  | { readonly _tag: "Status"; readonly verify: "metadata" | "contents" }
  | { readonly _tag: "Snapshots"; readonly wish: SnapshotsJob.SnapshotsWish }
  | {
      readonly _tag: "SetMode"
      readonly wish: SetModeJob.SetModeWish
      readonly conduct: Conduct.Conduct
    }

/** What the program was asked to do. */
export type Invocation =
  | { readonly _tag: "Help"; readonly action: ActionTable.ActionRow | undefined }
  | { readonly _tag: "Version" }
  | { readonly _tag: "Schema"; readonly name: (typeof ActionTable.schemaNames)[number] }
  | { readonly _tag: "Completions"; readonly shell: (typeof ActionTable.shells)[number] }
  | {
      readonly _tag: "Try"
      readonly distribution: string | undefined
      readonly containerd: string | undefined
      readonly shims: string | undefined
      readonly afterwards: "remove" | "keep"
    }
  | { readonly _tag: "Supervise"; readonly errand: Errand }
  | { readonly _tag: "Artifacts"; readonly job: ArtifactsJob.ArtifactsJob }
  | { readonly _tag: "OnNode"; readonly job: NodeJob; readonly options: NodeOptions.NodeOptions }

/** The invocation, or `undefined` where it cannot be told; problems forbid to carry it out. */
export interface Decoded {
  readonly invocation: Invocation | undefined
  readonly problems: ReadonlyArray<Problem.Problem>
}

const helpRemedy = "kata-deploy --help lists the actions."

/** Words that other programs have for what ours calls otherwise; `install` is what looks most like the first. */
const otherWords: Readonly<Record<string, string>> = {
  uninstall: "cleanup",
  remove: "cleanup",
  delete: "cleanup",
  undo: "rollback",
  upgrade: "install",
  help: "--help",
  version: "--version",
}

const didYouMean = (word: string): string =>
  Object.hasOwn(otherWords, word)
    ? ` Did you mean ${otherWords[word]}?`
    : NearestName.didYouMean(word, ActionTable.names)

const noAction = (word: string | undefined): Problem.Problem => {
  if (word === undefined) {
    return {
      code: "E_NO_ACTION",
      message: "No action is named, so there is nothing to do.",
      remedy: `${helpRemedy} kata-deploy try shows the whole thing on a sample host.`,
    }
  }
  const later = Object.hasOwn(NotYet.actions, word) ? NotYet.actions[word] : undefined
  if (later !== undefined) return NotYet.problem(word, later)
  const removed = Object.hasOwn(NotYet.removedActions, word) ? NotYet.removedActions[word] : undefined
  return {
    code: "E_UNKNOWN_ACTION",
    value: word,
    message: `${JSON.stringify(word)} is no action of this program${removed === undefined ? `.${didYouMean(word)}` : " any more."}`,
    remedy: removed ?? helpRemedy,
  }
}

/** Names of the other actions that take a flag. */
const othersWith = (action: ActionTable.ActionRow, flag: FlagTable.FlagRow): ReadonlyArray<string> =>
  ActionTable.rows.filter((row) => row !== action && ActionTable.takes(row, flag)).map((row) => row.name)

/** A plan takes flags of several actions, of which those count that it is made for. */
const hasEffect = (
  action: ActionTable.ActionRow,
  operand: string | undefined,
  flag: FlagTable.FlagRow,
): boolean => {
  if (!ActionTable.takes(action, flag)) return false
  if (action.name !== "plan" || operand === undefined || flag.scope !== "action") return true
  const others = othersWith(action, flag)
  return others.length === 0 || others.includes(operand)
}

const misplaced = (
  action: ActionTable.ActionRow,
  operand: string | undefined,
  flag: FlagTable.FlagRow,
): Problem.Problem => {
  const what = action.name === "plan" && operand !== undefined ? `plan ${operand}` : action.name
  return {
    code: "E_FLAG_MISPLACED",
    setting: `--${flag.name}`,
    message: `--${flag.name} has no effect with ${what}.`,
    remedy:
      flag.scope === "action"
        ? `Leave it out; it belongs to ${othersWith(action, flag).join(", ")}.`
        : "Leave it out; it is for actions on a node.",
  }
}

/** What follows on a stop is a question to an install that ends by itself. */
const staysAnyway: Problem.Problem = {
  code: "E_FLAGS_CONTRADICT",
  setting: "--when-stopped",
  message:
    "--when-stopped has no effect without --once: an install that stays decides on a cleanup in any case.",
  remedy: "Add --once, or leave --when-stopped out.",
}

/** A word that is a boolean stands behind a flag that takes none. */
const booleanRemedy = (word: string | undefined): string | undefined =>
  word !== undefined && Result.isSuccess(SettingsGrammar.boolean(word))
    ? `Write the value of a boolean flag with =, e.g. --debug=${word}.`
    : undefined

const noDocument: Problem.Problem = {
  code: "E_FLAGS_CONTRADICT",
  setting: "--output",
  message: "try is a show for people, of which there is no document.",
  remedy: "Leave --output out, or look at a sample host of your own: try --keep leaves one.",
}

/** The word behind an action, checked against its choices. */
const operandOf = (
  action: ActionTable.ActionRow,
  words: ReadonlyArray<string>,
  problems: Array<Problem.Problem>,
): string | undefined => {
  const { operand } = action
  // Of the words behind `artifacts` its own decoder takes care.
  const taken =
    action.name === "artifacts" ? 2 : operand === undefined ? 0 : 1 + (operand.further?.length ?? 0)
  const surplus = words.slice(taken)
  for (const word of surplus) {
    problems.push({
      code: "E_SURPLUS_WORD",
      value: word,
      message: `${JSON.stringify(word)} stands behind ${action.name}, which takes no ${operand === undefined ? "such" : "further"} word.`,
      remedy: booleanRemedy(word) ?? "Leave it out, or quote a value that holds blanks.",
    })
  }
  if (operand === undefined) return undefined
  const word = words[0] ?? operand.fallback
  if (word !== undefined && operand.choices.includes(word)) return word
  problems.push({
    code: word === undefined ? "E_NO_OPERAND" : "E_OPERAND",
    ...(word === undefined ? {} : { value: word }),
    message:
      word === undefined
        ? `${action.name} needs a word behind it that says what.`
        : `${JSON.stringify(word)} is nothing that ${action.name} can take.${NearestName.didYouMean(word, operand.choices)}`,
    remedy: booleanRemedy(word) ?? `It is one of ${operand.choices.join(", ")}.`,
  })
  return undefined
}

const jobOf = (
  action: ActionTable.ActionRow,
  operand: string | undefined,
  { given }: Arguments,
  conduct: Conduct.Conduct,
): NodeJob => {
  switch (action.name) {
    case "plan":
      return {
        _tag: "Plan",
        action: (operand ?? "install") as Plan.ActionName,
        whenChanges: given.get("detailed-exitcode") === "true" ? 10 : 0,
        conduct,
      }
    case "status":
      return { _tag: "Status", verify: given.get("verify") === "true" ? "contents" : "metadata" }
    default:
      return { _tag: "Run", action: action.name as Plan.ActionName, conduct }
  }
}

/** What an install stays for; `undefined` where it ends by itself and leaves everything when it is stopped. */
const errandOf = ({ given }: Arguments): Errand | undefined => {
  if (given.get("once") !== "true") return "install-and-stay"
  return given.get("when-stopped") === "cleanup" ? "install-and-leave" : undefined
}

/** The waiting half of an install stands in no list, as only older pods and their like ask for it. */
const waits = (args: Arguments): Decoded => ({
  invocation: { _tag: "Supervise", errand: "wait" },
  problems: args.problems,
})

/** Whether a job is one of the actions that have a plan. */
export const isAction = (job: NodeJob): job is Extract<NodeJob, { readonly _tag: "Plan" | "Run" }> =>
  job._tag === "Plan" || job._tag === "Run"

/** The staged actions run without credentials: whoever dispatches them asks the API (spec 08 §1). */
const withoutCredentials = (job: NodeJob, options: NodeOptions.NodeOptions): NodeOptions.NodeOptions =>
  isAction(job) && MachineId.isStaged(job.action) ? { ...options, kube: "none" } : options

/** Finds out what is to be done. */
export const decode = (args: Arguments, surroundings: Surroundings): Decoded => {
  const [name, ...words] = args.words
  const action = name === undefined ? undefined : ActionTable.lookup(name)
  if (
    args.given.get("help") === "true" &&
    (name === undefined || name === waitAction || action !== undefined)
  )
    return { invocation: { _tag: "Help", action }, problems: [] }
  if (args.given.get("version") === "true") return { invocation: { _tag: "Version" }, problems: [] }
  const problems = [...args.problems]
  if (name === waitAction) return waits(args)
  // The word behind an unknown flag may have been the action.
  if (name === undefined && problems.length > 0) return { invocation: undefined, problems }
  if (action === undefined) return { invocation: undefined, problems: [noAction(name), ...problems] }
  const operand = operandOf(action, words, problems)
  for (const flag of args.given.keys()) {
    const row = FlagTable.lookup(flag)
    if (row !== undefined && !hasEffect(action, operand, row)) problems.push(misplaced(action, operand, row))
  }
  if (args.given.has("when-stopped") && args.given.get("once") !== "true" && action.name === "install")
    problems.push(staysAnyway)
  if (action.name === "try" && args.given.get("output") === "json") problems.push(noDocument)
  return { invocation: invocationOf(action, operand, args, surroundings, problems), problems }
}

const invocationOf = (
  action: ActionTable.ActionRow,
  operand: string | undefined,
  args: Arguments,
  surroundings: Surroundings,
  problems: Array<Problem.Problem>,
): Invocation | undefined => {
  const { given } = args
  switch (action.name) {
    case "schema":
      return operand === undefined
        ? undefined
        : { _tag: "Schema", name: operand as (typeof ActionTable.schemaNames)[number] }
    case "completions":
      return operand === undefined
        ? undefined
        : { _tag: "Completions", shell: operand as (typeof ActionTable.shells)[number] }
    case "artifacts": {
      const job =
        operand === undefined ? undefined : ArtifactsJob.decode(args, operand, surroundings, problems)
      return job === undefined ? undefined : { _tag: "Artifacts", job }
    }
    case "try":
      return {
        _tag: "Try",
        distribution: given.get("distribution"),
        containerd: given.get("containerd"),
        shims: given.get("shims"),
        afterwards: given.get("keep") === "true" ? "keep" : "remove",
      }
    default: {
      const decoded = NodeOptions.decode(args, surroundings)
      const { conduct, problems: wrong } = Conduct.decode(args, surroundings)
      problems.push(...decoded.problems, ...wrong)
      const errand = action.name === "install" ? errandOf(args) : undefined
      if (errand !== undefined) return { _tag: "Supervise", errand }
      if (action.name === "snapshots") {
        const wish = SnapshotsJob.decode(args, operand, conduct, surroundings, problems)
        return wish === undefined
          ? undefined
          : {
              _tag: "OnNode",
              job: { _tag: "Snapshots", wish },
              // Nothing of it is the cluster's business.
              options: { ...decoded.options, kube: "none" },
            }
      }
      if (action.name === "snapshotter") {
        const wish = operand === undefined ? undefined : SetModeJob.decode(args, problems)
        return wish === undefined
          ? undefined
          : { _tag: "OnNode", job: { _tag: "SetMode", wish, conduct }, options: decoded.options }
      }
      const job = jobOf(action, operand, args, conduct)
      return { _tag: "OnNode", job, options: withoutCredentials(job, decoded.options) }
    }
  }
}
