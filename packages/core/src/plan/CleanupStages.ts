/**
 * Answers: what do the two stages of a cleanup do? One takes the configuration of the CRI runtime back, the other
 * removes the artifacts. Source: decisions §1, §3.
 */
import type { CleanupPart } from "../decide/CleanupOrder.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as ChangedFiles from "./ChangedFiles.ts"
import { type Books, type CleanupRestart, remembered } from "./CleanupRestart.ts"
import * as LeftAlone from "./LeftAlone.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Ledger from "./Ledger.ts"
import type { DataSteps } from "./NydusData.ts"
import { put, puts, type Step, step } from "./Plan.ts"
import * as Reconcile from "./Reconcile.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** What a stage does, and what is worth telling about it. */
export interface StageResult {
  readonly steps: ReadonlyArray<Step<HostAction>>
  readonly notices: ReadonlyArray<Notice>
}

/** The same of the stage that takes the last away. */
export interface RemovalResult extends StageResult {
  /** What has to stay until the restart is asked for, if anything. */
  readonly books: Books | undefined
}

const said = (
  facts: FactsOf.Facts,
  ledger: Ledger.Ledger,
  owned: Ledger.OwnedFile,
): ReadonlyArray<Notice> => {
  const why = LeftAlone.why(facts, ledger, owned.path)
  return why === undefined
    ? Ownership.changedSince(owned, FactsOf.at(facts, owned.path))
    : [LeftAlone.notice(owned.path, why)]
}

const removeFiles = (
  facts: FactsOf.Facts,
  ledger: Ledger.Ledger,
  stage: Ledger.OwnedFile["stage"],
): Removals =>
  removeThese(
    facts,
    ledger,
    ledger.files.filter((file) => file.stage === stage),
  )

interface Removals extends StageResult {
  readonly unseen: ReadonlyArray<Ledger.OwnedFile>
}

const removeThese = (
  facts: FactsOf.Facts,
  ledger: Ledger.Ledger,
  owned: ReadonlyArray<Ledger.OwnedFile>,
): Removals => ({
  steps: owned.flatMap(({ path }) =>
    LeftAlone.why(facts, ledger, path) === undefined
      ? [put(Change.make(path, FactsOf.at(facts, path), FileState.absent), "it is ours")]
      : [],
  ),
  // What could not be looked at may still be ours, so the ledger goes on naming it.
  unseen: owned.filter((file) => FactsOf.at(facts, file.path)._tag === "Unreadable"),
  notices: owned.flatMap((file) => said(facts, ledger, file)),
})

const deepestFirst = (directories: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<HostPath.HostPath> =>
  [...new Set(directories)].toSorted().toReversed()

const prune = (directories: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<Step<HostAction>> =>
  directories.length === 0
    ? []
    : [
        step(
          { _tag: "Prune", directories: deepestFirst(directories) } as const,
          "we created them and they are empty",
        ),
      ]

/** The ledger, and the directories around and beside it, which are the only ones that are removed without it. */
const booksOf = ({ stateDir }: FactsOf.Facts, { directories }: Ledger.Ledger): Books => {
  // The state directory is ours by its name, also where an install died before it could write that down.
  const own = Leftovers.ofState(stateDir)
  const around = directories.filter((directory) => HostPath.isWithin(stateDir, directory))
  return { ledger: Ledger.pathIn(stateDir), directories: deepestFirst([...own, ...around]) }
}

/** A ledger that owns nothing, with the directories that go with it. */
const onlyBooks = (ledger: Ledger.Ledger, { directories }: Books): Ledger.Ledger => ({
  ...ledger,
  directories: ledger.directories.filter((directory) => directories.includes(directory)),
})

const closed = ({ ledger: path }: Books): Step<HostAction> =>
  step({ _tag: "Record", path, ledger: null }, "nothing is ours any more")

/** What is ours before and after a stage. */
interface Ledgers {
  readonly before: Ledger.Ledger
  readonly after: Ledger.Ledger
}

/** Takes away directories around what these steps remove, unless something of ours stays below them. */
const vacate = (
  { stateDir }: FactsOf.Facts,
  { after, before }: Ledgers,
  steps: ReadonlyArray<Step<HostAction>>,
): ReadonlyArray<Step<HostAction>> => {
  const { adopted, components, edits, files, installDir } = after
  const unpacked =
    installDir === undefined
      ? []
      : components.flatMap(({ entries }) => entries.map(({ path }) => HostPath.join(installDir, path)))
  const written = puts({ stages: [{ stage: "revert-cri", steps: [...steps] }] }).filter(
    (change) => change.after._tag !== "Absent",
  )
  const stays = [
    ...Leftovers.ofState(stateDir),
    ...[...files, ...edits, ...written].map(({ path }) => path),
    ...unpacked,
    ...(adopted === undefined || installDir === undefined ? [] : [installDir]),
  ]
  return Reconcile.vacate(
    before,
    stays.map((path) => ({ path })),
    Reconcile.removedBy(steps),
  )
}

/** The step that writes the ledger, where it changes; an adopted one is nowhere on the host. */
const record = (
  { ledger, stateDir }: FactsOf.Facts,
  { after, before }: Ledgers,
  because: string,
): ReadonlyArray<Step<HostAction>> =>
  ledger._tag === "Adopted" || (ledger._tag === "Read" && Ledger.isSame(before, after, () => undefined))
    ? []
    : [step({ _tag: "Record", path: Ledger.pathIn(stateDir), ledger: after } as const, because)]

/**
 * What is ours, and the steps that write it down where nobody did. An install that was taken over has no ledger, and is told
 * by what lies on the host; what goes from there would tell nobody of the restart that is due then.
 */
const beginning = (
  facts: FactsOf.Facts,
  { installDir }: Instance,
  restart: CleanupRestart,
): StageBeginning => {
  const found = FactsOf.ledgerOf(facts)!
  if (facts.ledger._tag !== "Adopted" || !restart.restarts.some(({ due }) => due === "ours"))
    return { ledger: found, steps: [], facts }
  const { stateDir } = facts
  const isMissing = (path: HostPath.HostPath) => FactsOf.at(facts, path)._tag === "Absent"
  const create = (path: HostPath.HostPath) =>
    put(Change.make(path, FileState.absent, FileState.directory()), "what is ours is written down here first")
  const around = [...HostPath.ancestors(stateDir), stateDir].filter(isMissing)
  const within = Leftovers.ofState(stateDir).filter((path) => path !== stateDir && isMissing(path))
  const directories = [...around, ...within].toSorted()
  const ledger = remembered({ ...found, installDir, directories }, restart, facts)
  return {
    ledger,
    // The ledger before the journal, which goes by it.
    steps: [
      ...around.map(create),
      step(
        { _tag: "Record", path: Ledger.pathIn(stateDir), ledger } as const,
        "an install without one left this",
      ),
      ...within.map(create),
    ],
    facts: { ...facts, ledger: { _tag: "Read", ledger } },
  }
}

interface StageBeginning {
  readonly ledger: Ledger.Ledger
  readonly steps: ReadonlyArray<Step<HostAction>>
  /** With the ledger, where it is written down. */
  readonly facts: FactsOf.Facts
}

/** What is in the stage beside the configuration, in which order it goes, and what follows. */
export interface RevertOrder {
  readonly order: ReadonlyArray<CleanupPart>
  readonly data: DataSteps
  /** The restart that is due when it is done. */
  readonly restart: CleanupRestart
}

/** Our part goes out of files of others first: an import of a missing file would keep the runtime from starting. */
export const revertCri = (
  facts: FactsOf.Facts,
  instance: Instance,
  { data, order, restart }: RevertOrder,
): StageResult => {
  const begun = beginning(facts, instance, restart)
  const { ledger } = begun
  const down = SnapshotterSteps.takeDown(facts, ledger.files, instance)
  const unitFiles = ledger.files.filter(({ path }) => down.unitFiles.includes(path))
  const units = removeThese(facts, ledger, unitFiles)
  const edits = ledger.edits.map((edit) => {
    const before = FactsOf.at(facts, edit.path)
    const { after, notices } = Ownership.undoEdit(before, edit, ledger.instance)
    return { edit, step: put(Change.make(edit.path, before, after), "only our part goes"), notices }
  })
  const files = removeFiles(facts, ledger, "cri")
  const rest = [
    ...ledger.files.filter((file) => file.stage !== "cri" && !unitFiles.includes(file)),
    ...units.unseen,
    ...files.unseen,
  ]
  const { restarting: _, ...settled } = ledger
  const reverted = {
    // Modes go with the handlers that they were chosen for.
    ...Ledger.withModes(settled, []),
    files: rest,
    edits: [],
    handlers: [],
    loaded: [],
    startedWith: null,
  }
  const after = remembered(reverted, restart, facts)
  const parts: Partial<Record<CleanupPart, StageResult["steps"]>> = {
    snapshotters: [...data.removal, ...down.before, ...units.steps, ...down.after],
    configuration: [...edits.map((e) => e.step), ...files.steps],
    data: data.purge,
  }
  const steps = order.flatMap((part) => parts[part] ?? [])
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...begun.steps,
      ...steps,
      ...vacate(facts, { before: ledger, after }, steps),
      ...record(begun.facts, { before: ledger, after }, "the configuration is no longer ours"),
    ],
    notices: [...down.notices, ...units.notices, ...edits.flatMap((e) => e.notices), ...files.notices],
  }
}

/**
 * Nothing of ours is left afterwards but what the CRI runtime still loads. The ledger goes as late as can be; where a
 * restart is still to come it stays until then, since nothing else would tell the next run of it.
 */
export const removeArtifacts = (
  facts: FactsOf.Facts,
  instance: Instance,
  { restarts }: Pick<CleanupRestart, "restarts">,
): RemovalResult => {
  const { installDir } = instance
  const ledger = FactsOf.ledgerOf(facts)!
  // The stage may be all that is run; after the one before it nothing of this is left.
  const down = SnapshotterSteps.takeDown(facts, ledger.files, instance)
  const files = removeFiles(facts, ledger, "artifacts")
  const entries = ledger.adopted ?? [
    ...ledger.components.flatMap((component) => component.entries),
    ...ledger.directories
      .filter((path) => HostPath.isBelow(path, installDir) && !HostPath.isWithin(path, facts.stateDir))
      .map((path): Ledger.OwnedEntry => ({ type: "directory", path: HostPath.relativeTo(path, installDir) })),
  ]
  const rest = [...ledger.files.filter((file) => file.stage !== "artifacts"), ...files.unseen]
  // What the CRI runtime still loads stays until its own stage has taken it back.
  const loaded = [
    ...rest.map((file) => file.path),
    ...ledger.edits.flatMap((edit) => (edit.kind === "import" ? edit.elements.map(HostPath.make) : [])),
  ].filter((path) => FactsOf.at(facts, path)._tag !== "Absent")
  const reserved = [facts.stateDir, ...loaded].filter((path) => HostPath.isWithin(path, installDir))
  const { adopted: _, ...own } = ledger
  const left: Ledger.Ledger = { ...own, components: [], files: rest }
  const removals = [
    ...files.steps,
    ...down.after,
    ...(ledger.components.length === 0 && ledger.adopted === undefined
      ? []
      : [
          step(
            { _tag: "RemoveTree", root: installDir, entries, reserved } as const,
            ledger.adopted === undefined
              ? "it came out of our archives"
              : "an install without a ledger left it here",
          ),
        ]),
  ]
  const last = Ledger.ownsNothing(left)
  const books = booksOf(facts, ledger)
  const isWritten = facts.ledger._tag !== "Adopted"
  const isLeft = ledger.restartDue?.leftTo !== undefined
  const isOwed = isWritten && !isLeft && restarts.some(({ due }) => due === "ours")
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...Leftovers.staging(facts),
      ...down.before,
      ...removals,
      ...(last
        ? prune(ledger.directories.filter((directory) => !books.directories.includes(directory)))
        : vacate(facts, { before: ledger, after: left }, removals)),
      ...(last && !isOwed
        ? [...(isWritten ? [closed(books)] : []), ...prune(books.directories)]
        : record(
            facts,
            { before: ledger, after: last ? onlyBooks(left, books) : left },
            "the artifacts are no longer ours",
          )),
    ],
    books: last && isOwed ? books : undefined,
    notices: [
      ...down.notices,
      ...files.notices,
      ...ChangedFiles.notices(
        facts.unpacked,
        ledger.components.map((component) => component.name),
        installDir,
        "removed",
      ),
    ],
  }
}
