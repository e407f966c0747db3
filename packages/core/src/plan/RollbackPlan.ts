/**
 * Answers: how is the last CRI stage taken back by hand? By its journal: every path gets the bytes that the stage
 * replaced, provided that nobody changed it since. The artifacts stay; they are repaired by installing another
 * release. Source: decisions §11.
 */
import { Result } from "effect"
import * as NydusMode from "../decide/NydusMode.ts"
import * as RestartNeed from "../decide/RestartNeed.ts"
import * as FactsOf from "../input/Facts.ts"
import { type DecisionError, type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import * as Distribution from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as CleanupMarks from "./CleanupMarks.ts"
import { restartSteps } from "./CriStage.ts"
import type { PlanInput } from "./InstallPlan.ts"
import * as Journal from "./Journal.ts"
import * as Ledger from "./Ledger.ts"
import * as Preconditions from "./Preconditions.ts"
import { changes, type Plan, put, type Restart, type Step, step } from "./Plan.ts"

/** Every path that planning a rollback compares. */
export const pathsOfInterest = (journal: Journal.Journal): ReadonlyArray<HostPath> => [
  ...journal.changes.map((change) => change.path),
  ...(journal.before?.loaded ?? []),
]

/** Plans a rollback. */
export const make = (input: PlanInput): Result.Result<Plan, DecisionError> =>
  Result.flatMap(Preconditions.check(input), () => {
    const journal = input.facts.lastCriStage
    const ledger = FactsOf.ledgerOf(input.facts)
    if (journal === undefined || ledger === undefined) return fail([nothing(input)])
    const problems = changedSince(input.facts, journal)
    return problems.length > 0 ? fail(problems) : Result.succeed(makeWith(input, journal, ledger))
  })

const fail = (problems: ReadonlyArray<Problem>): Result.Result<never, PrerequisiteError> =>
  Result.fail(new PrerequisiteError({ problems }))

const nothing = ({ facts }: PlanInput): Problem => ({
  code: "E_NOTHING_TO_ROLL_BACK",
  path: Journal.pathIn(facts.stateDir, "cri"),
  message:
    "There is no journal of a stage that changed the CRI runtime's configuration, so there is nothing to take back.",
  remedy: "Use cleanup to remove the installation, or install to change it.",
})

/** First and last state of each path that the stage changed, directories apart. */
const spans = (journal: Journal.Journal): ReadonlyArray<Change.Change> => {
  const byPath = new Map<HostPath, Change.Change>()
  for (const change of journal.changes) {
    if (change.after._tag === "Directory") continue
    const first = byPath.get(change.path)
    byPath.set(change.path, first === undefined ? change : { ...change, before: first.before })
  }
  return [...byPath.values()]
}

const changedSince = (facts: FactsOf.Facts, journal: Journal.Journal): ReadonlyArray<Problem> =>
  spans(journal).flatMap(({ after, before, path }) => {
    const now = FactsOf.at(facts, path)
    if (FileState.equals(now, after) || FileState.equals(now, before)) return []
    return [
      {
        code: "E_CHANGED_SINCE",
        path,
        message: `${path} is not as the stage left it: somebody changed it since, and taking the stage back would lose that.`,
        remedy: `Edit it by hand; what it was before is in ${Journal.pathIn(facts.stateDir, "cri")}.`,
      },
    ]
  })

/** The ledger with the configuration as it was, and the artifacts as they are. */
const restored = (
  ledger: Ledger.Ledger,
  before: Ledger.Ledger | null,
  gone: ReadonlyArray<HostPath>,
): Ledger.Ledger => {
  const { restartDue: _due, restarting: _, ...rest } = ledger
  return {
    ...Ledger.withModes(rest, before?.modes ?? []),
    handlers: before?.handlers ?? [],
    loaded: before?.loaded ?? [],
    startedWith: null,
    edits: before?.edits ?? [],
    files: [
      ...ledger.files.filter((file) => file.stage !== "cri"),
      ...(before?.files ?? []).filter((file) => file.stage === "cri"),
    ],
    directories: ledger.directories.filter((directory) => !gone.includes(directory)),
  }
}

/** Handlers that come back although their programs may have gone when they were dropped. */
const broughtBack = (ledger: Ledger.Ledger, after: Ledger.Ledger): ReadonlyArray<Notice> => {
  const handlers = after.handlers.filter((handler) => !ledger.handlers.includes(handler))
  if (handlers.length === 0) return []
  return [
    {
      code: "handlers-brought-back",
      severity: "warning",
      message: `The configuration of before names ${handlers.join(", ")}, whose programs may have been removed since.`,
      remedy: "Install with the shims of before to have them again.",
    },
  ]
}

/** Snapshotters of ours that the configuration of before names, and that were taken away since. */
const snapshottersGone = (
  journal: Journal.Journal,
  ledger: Ledger.Ledger,
  { instance }: PlanInput["settings"],
): ReadonlyArray<Notice> => {
  const texts = spans(journal).flatMap(({ before }) => FileState.textOf(before) ?? [])
  const gone = NydusMode.all
    .map((mode) => NydusMode.paths(mode, instance))
    .filter(({ unitFile }) => !ledger.files.some(({ path }) => path === unitFile))
    .map(({ name }) => name)
    .filter((name) => texts.some((text) => text.includes(`"${name}"`)))
  if (gone.length === 0) return []
  return [
    {
      code: "snapshotters-brought-back",
      severity: "warning",
      message: `The configuration of before names ${gone.join(", ")}, which was taken away since; pods whose handlers are mapped to it cannot start.`,
      remedy: "Install with the settings of before to have it again.",
    },
  ]
}

/** Modes that were chosen go back with the handlers, but what Kata's own configuration says for them does not. */
const modesBack = (ledger: Ledger.Ledger, after: Ledger.Ledger): ReadonlyArray<Notice> => {
  const [were = [], are = []] = [ledger.modes, after.modes]
  if (JSON.stringify(were) === JSON.stringify(are)) return []
  const now = are.map(({ mode, shim }) => `${shim} in ${mode}`)
  return [
    {
      code: "modes-rolled-back",
      severity: "warning",
      message: `What set-mode chose on this node goes back as well; recorded is then ${now.length === 0 ? "no mode" : now.join(", ")}. Kata's own configuration, which may force guest pull, stays as it is until the next install.`,
      remedy: "Install once more, e.g. by restarting the pod of the DaemonSet.",
    },
  ]
}

const makeWith = (input: PlanInput, journal: Journal.Journal, ledger: Ledger.Ledger): Plan => {
  const { action, facts, settings } = input
  const instance = instanceName(settings.instance)
  const puts = spans(journal)
    .toReversed()
    .map(({ before, path }) =>
      put(Change.make(path, FactsOf.at(facts, path), before), "it was so before the stage"),
    )
  const created = journal.changes
    .flatMap((c) => (c.before._tag === "Absent" && c.after._tag === "Directory" ? [c.path] : []))
    .filter((directory) => ledger.directories.includes(directory))
    .toReversed()
  const settled = restored(ledger, journal.before, created)
  const isDue =
    puts.some((each) => changes(each.action)) ||
    RestartNeed.isOwed(ledger.restartDue, facts.sight.runtimeRun) ||
    RestartNeed.mayHaveLoaded(facts, facts.sight.runtimeRun)
  const row = Distribution.lookup(ledger.runtime)
  const restart: typeof Restart.Type | undefined =
    row === undefined || !isDue ? undefined : RestartNeed.of(row, facts.control)
  // Without handlers nothing else would tell that the runtime still offers some.
  const after =
    restart === undefined || restart.due === "reloads-itself"
      ? settled
      : { ...settled, restartDue: RestartNeed.owedSince(facts.sight.runtimeRun) }
  const states = new Map(spans(journal).map(({ before, path }) => [path, before]))
  const digest = RestartNeed.loadedDigest(after.loaded, (path) => states.get(path) ?? FactsOf.at(facts, path))
  const record = (last: Ledger.Ledger): Step<HostAction> =>
    step(
      { _tag: "Record", path: Ledger.pathIn(facts.stateDir), ledger: last } as const,
      "the configuration is what it was",
    )
  return {
    action,
    instance,
    runtime: ledger.runtime,
    handlers: after.handlers,
    stages: [
      ...(after.handlers.length === 0 ? CleanupMarks.demotionOfRollback(input) : []),
      {
        stage: "revert-cri",
        steps: [
          ...puts,
          ...(created.length === 0
            ? []
            : [step({ _tag: "Prune", directories: created } as const, "the stage created them")]),
          record(after),
          ...(restart?.due === "ours"
            ? [
                ...restartSteps(restart.unit, "it has loaded what was taken back"),
                ...(after.loaded.length === 0 ? [] : [record({ ...settled, startedWith: digest })]),
              ]
            : []),
        ],
      },
    ],
    restarts: restart === undefined ? [] : [restart],
    sandboxes: null,
    refused: null,
    notices: [
      ...broughtBack(ledger, after),
      ...modesBack(ledger, after),
      ...snapshottersGone(journal, ledger, settings),
    ],
    residues: [],
  }
}
