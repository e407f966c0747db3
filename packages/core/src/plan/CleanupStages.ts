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
import { type CleanupRestart, remembered } from "./CleanupRestart.ts"
import * as LeftAlone from "./LeftAlone.ts"
import * as Leftovers from "./Leftovers.ts"
import * as Ledger from "./Ledger.ts"
import type { DataSteps } from "./NydusData.ts"
import { put, type Step, step } from "./Plan.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** What a stage does, and what is worth telling about it. */
export interface StageResult {
  readonly steps: ReadonlyArray<Step<HostAction>>
  readonly notices: ReadonlyArray<Notice>
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

/** Directories of ours that hold nothing that stays, deepest first. */
const emptied = (
  ledger: Ledger.Ledger,
  stays: ReadonlyArray<HostPath.HostPath>,
): ReadonlyArray<HostPath.HostPath> =>
  deepestFirst(
    ledger.directories.filter((directory) => !stays.some((path) => HostPath.isWithin(path, directory))),
  )

const prune = (directories: ReadonlyArray<HostPath.HostPath>): ReadonlyArray<Step<HostAction>> =>
  directories.length === 0
    ? []
    : [step({ _tag: "Prune", directories } as const, "we created them and they are empty")]

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
  const ledger = FactsOf.ledgerOf(facts)!
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
  const stays = [facts.stateDir, ...rest.map((file) => file.path)]
  const directories = emptied(ledger, stays).filter(
    (directory) => !HostPath.isWithin(directory, facts.stateDir),
  )
  const parts: Partial<Record<CleanupPart, StageResult["steps"]>> = {
    snapshotters: [...data.removal, ...down.before, ...units.steps, ...down.after],
    configuration: [...edits.map((e) => e.step), ...files.steps],
    data: data.purge,
  }
  // An adopted ledger is nowhere on the host; the next stage adopts what is left by itself.
  const changed = facts.ledger._tag !== "Adopted" && Ledger.encode(after) !== Ledger.encode(ledger)
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...order.flatMap((part) => parts[part] ?? []),
      ...prune(directories),
      ...(changed
        ? [
            step(
              { _tag: "Record", path: Ledger.pathIn(facts.stateDir), ledger: after } as const,
              "the configuration is no longer ours",
            ),
          ]
        : []),
    ],
    notices: [...down.notices, ...units.notices, ...edits.flatMap((e) => e.notices), ...files.notices],
  }
}

/** Nothing of ours is left afterwards but what the CRI runtime still loads; the ledger goes as late as can be. */
export const removeArtifacts = (facts: FactsOf.Facts, instance: Instance): StageResult => {
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
  const last = Ledger.ownsNothing(left)
  const directories = emptied(
    ledger,
    last ? [] : [facts.stateDir, ...rest.map((f) => f.path), ...ledger.edits.map((e) => e.path)],
  )
  const path = Ledger.pathIn(facts.stateDir)
  // The ledger goes as late as can be: only the directories around and beside it are removed without it.
  const aroundLedger = directories.filter(
    (directory) =>
      HostPath.isWithin(facts.stateDir, directory) || Leftovers.ofState(facts.stateDir).includes(directory),
  )
  return {
    steps: [
      ...Leftovers.steps(facts),
      ...Leftovers.staging(facts),
      ...down.before,
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
      ...prune(directories.filter((directory) => !aroundLedger.includes(directory))),
      ...(facts.ledger._tag === "Adopted"
        ? []
        : [
            last
              ? step({ _tag: "Record", path, ledger: null } as const, "nothing is ours any more")
              : step({ _tag: "Record", path, ledger: left } as const, "the artifacts are no longer ours"),
          ]),
      // The state directory is ours by its name, also where an install died before it could write that down.
      ...prune(deepestFirst([...(last ? Leftovers.ofState(facts.stateDir) : []), ...aroundLedger])),
    ],
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
