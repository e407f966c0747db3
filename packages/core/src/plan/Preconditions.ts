/**
 * Answers: may a plan be made at all? Not for another machine than the one that is meant, not with another's ledger,
 * and not where the Node has to change and cannot be seen.
 */
import { Result } from "effect"
import * as MachineId from "../decide/MachineId.ts"
import * as FactsOf from "../input/Facts.ts"
import { type DecisionError, PrerequisiteError, UnseenError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import { name as instanceName } from "../model/Instance.ts"
import type { PlanInput } from "./InstallPlan.ts"
import * as Ledger from "./Ledger.ts"
import type { ActionName } from "./Plan.ts"

const unreadableLedger = (path: string, why: string): PrerequisiteError =>
  new PrerequisiteError({
    problems: [
      {
        code: "E_LEDGER_UNREADABLE",
        path,
        message: `The ledger ${path} cannot be read (${why}), so it is not known what on this host is ours.`,
        remedy: Ledger.whenUnreadable,
      },
    ],
  })

/** What keeps every plan from being made: another machine than the one that is meant, or another's ledger. */
export const check = (
  input: Pick<PlanInput, "action" | "facts" | "settings">,
): Result.Result<void, DecisionError> =>
  nodeAnswers(input).pipe(
    Result.flatMap(() => rightMachine(input)),
    Result.flatMap(() => rightLedger(input)),
  )

/** Actions that change the Node object; without it they would end with a node that nobody schedules to, or from. */
const changesNode: ReadonlySet<ActionName> = new Set(["install", "cleanup", "reset"])

/** An API that was asked and did not answer is not the same as one that is not to be used. */
export const nodeAnswers = ({
  action,
  facts: { node, otherDaemonSets },
}: Pick<PlanInput, "action" | "facts">): Result.Result<void, UnseenError> => {
  if (!changesNode.has(action)) return Result.succeed(undefined)
  if (node._tag === "Unknown" && node.how === "failed")
    return unseen(
      "E_NODE_UNKNOWN",
      `The Node cannot be read, so its labels could not be kept right: ${node.why}.`,
    )
  // They speak for installs that are older than the marks, whose label would go with ours.
  if (otherDaemonSets._tag === "Unknown" && otherDaemonSets.how === "failed")
    return unseen(
      "E_DAEMONSETS_UNKNOWN",
      `It is not known whether another kata-deploy DaemonSet wants this node, so its label could not be given up: ${otherDaemonSets.why}.`,
    )
  return Result.succeed(undefined)
}

const unseen = (code: string, message: string): Result.Result<never, UnseenError> =>
  Result.fail(
    new UnseenError({
      problems: [
        {
          code,
          setting: "KATA_DEPLOY_KUBE",
          message,
          remedy:
            "Try again when the API answers, or pass --kube none and leave the labels to somebody else.",
        },
      ],
    }),
  )

/** A Job is bound to a node by name, and names are used again for other machines. */
const rightMachine = ({
  action,
  facts,
  settings,
}: Pick<PlanInput, "action" | "facts" | "settings">): Result.Result<void, PrerequisiteError> =>
  MachineId.check({
    action,
    expected: settings.machineId,
    file: facts.sight.machine?.machineId ?? FileState.absent,
  })

const rightLedger = ({
  facts,
  settings,
}: Pick<PlanInput, "facts" | "settings">): Result.Result<void, PrerequisiteError> => {
  const path = Ledger.pathIn(facts.stateDir)
  if (facts.ledger._tag === "Unreadable") return Result.fail(unreadableLedger(path, facts.ledger.why))
  const asked = instanceName(settings.instance)
  const ledger = FactsOf.ledgerOf(facts)
  const found = ledger?.instance ?? asked
  if (found === asked)
    return ledger === undefined ? Result.succeed(undefined) : ofThisPlace(path, ledger, settings)
  return Result.fail(
    new PrerequisiteError({
      problems: [
        {
          code: "E_LEDGER_OF_ANOTHER",
          setting: "KATA_DEPLOY_STATE_DIR",
          path,
          message: `The ledger ${path} is that of the instance ${found}, not of ${asked}; with it, what belongs to ${found} would be changed or removed.`,
          remedy: "Give each instance a state directory of its own, or leave --state-dir out.",
        },
      ],
    }),
  )
}

/** A ledger of the same name but of another install directory is that of another install. */
const ofThisPlace = (
  path: string,
  { installDir }: Ledger.Ledger,
  { instance }: Settings,
): Result.Result<void, PrerequisiteError> =>
  installDir === undefined || installDir === instance.installDir
    ? Result.succeed(undefined)
    : Result.fail(
        new PrerequisiteError({
          problems: [
            {
              code: "E_LEDGER_OF_ANOTHER",
              setting: "KATA_DEPLOY_STATE_DIR",
              path,
              message: `The ledger ${path} is that of the install in ${installDir}, not of the one in ${instance.installDir}; with it, the wrong files would be changed or removed.`,
              remedy: "Give each install a state directory of its own, or set INSTALLATION_PREFIX as it was.",
            },
          ],
        }),
      )
