/**
 * Answers: which steps lead from what is there to what should be? Compares three things: what is desired, what was
 * observed, and what we wrote last (the ledger). The result is steps and the ledger as it is after them.
 */
import { Result } from "effect"
import type * as Desired from "../decide/Desired.ts"
import * as Neighbours from "../decide/Neighbours.ts"
import * as Ownership from "../decide/Ownership.ts"
import type { Neighbour } from "../input/Facts.ts"
import { type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import type { Ledger, OwnedFile } from "./Ledger.ts"
import { put, type Step, step } from "./Plan.ts"

/** What a stage reconciles. */
export interface ReconcileInput {
  /** The stage that answers for the files. */
  readonly stage: OwnedFile["stage"]
  /** What should be, in the order in which it is to be written. */
  readonly desired: ReadonlyArray<Desired.Desired>
  readonly ledger: Ledger
  /** What is at a path now. */
  readonly look: (path: HostPath.HostPath) => FileState.FileState
  /** Files of ours that some other step of the stage takes over; they are neither kept nor removed here. */
  readonly takenOver?: ReadonlyArray<HostPath.HostPath>
  /** Other installs on the host; directories of theirs that we need as well become ours, too. */
  readonly neighbours?: ReadonlyArray<Neighbour>
  /** Links where a directory has to be, and that lead nowhere. */
  readonly deadEnds?: ReadonlyArray<HostPath.HostPath>
}

/** Steps by kind, to be carried out in this order, and the ledger after them. */
export interface Reconciled {
  /** Directories to create. */
  readonly directories: ReadonlyArray<Step<HostAction>>
  /** Files and links to write. */
  readonly puts: ReadonlyArray<Step<HostAction>>
  /** What is ours and no longer wanted: edits first, then files. Directories are left to `vacate`. */
  readonly removals: ReadonlyArray<Step<HostAction>>
  readonly ledger: Ledger
  readonly notices: ReadonlyArray<Notice>
}

/** Directories that have to exist for the desired paths, parents first, each once. */
const neededDirectories = (desired: ReadonlyArray<Desired.Desired>): ReadonlyArray<HostPath.HostPath> => {
  const needed = new Set<HostPath.HostPath>()
  for (const { path, state } of desired) {
    // What is above a directory that was seen before was seen with it.
    for (let at = HostPath.parent(path); at !== HostPath.root && !needed.has(at); at = HostPath.parent(at))
      needed.add(at)
    if (state._tag === "Directory") needed.add(path)
  }
  return [...needed].sort()
}

/** Every path whose state decides what reconciling does. */
export const pathsOfInterest = (
  desired: ReadonlyArray<Desired.Desired>,
  ledger: Ledger | undefined,
): ReadonlyArray<HostPath.HostPath> => [
  ...neededDirectories(desired),
  ...desired.map((d) => d.path),
  ...(ledger === undefined
    ? []
    : [...ledger.files.map((f) => f.path), ...ledger.edits.map((e) => e.path), ...ledger.directories]),
]

const inTheWay = (path: HostPath.HostPath, found: FileState.FileState, wanted: string): Problem =>
  found._tag === "Unreadable"
    ? {
        code: "E_PATH_UNREADABLE",
        path,
        message: `${path} cannot be looked at (${found.detail}), so it is not known whether it may be replaced.`,
        remedy: "Give this program permission, or repair the path.",
      }
    : {
        code: "E_PATH_TAKEN",
        path,
        message: `${path} is a ${found._tag.toLowerCase()}, where ${wanted} has to be.`,
        remedy: "Move it away and try again.",
      }

const leadsNowhere = (path: HostPath.HostPath, link: FileState.FileState): Problem => {
  const target = link._tag === "Link" ? link.target : "another place"
  return {
    code: "E_LINK_LEADS_NOWHERE",
    path,
    message: `${path} is a link to ${target}, where nothing is, and files of ours have to go below it.`,
    remedy: `Create ${target}, or remove the link, and try again.`,
  }
}

/** A file or link that is there already, is not what we would put there, and was put there by somebody else. */
const ofSomebodyElse = (path: HostPath.HostPath): Problem => ({
  code: "E_PATH_TAKEN",
  path,
  message: `${path} is there already, with a content that this install did not put there. Replacing it, and removing it at a cleanup, would lose it.`,
  remedy: "Move it away if it is needed, remove it if not, and try again.",
})

const directorySteps = (
  input: ReconcileInput,
  problems: Array<Problem>,
): {
  readonly steps: ReadonlyArray<Step<HostAction>>
  /** Directories that these steps create, or that another install created before. */
  readonly created: ReadonlyArray<HostPath.HostPath>
} => {
  const theirs = Neighbours.directories(input.neighbours ?? [])
  const steps: Array<Step<HostAction>> = []
  const created: Array<HostPath.HostPath> = []
  for (const path of neededDirectories(input.desired)) {
    const before = input.look(path)
    if (input.deadEnds?.includes(path) === true) problems.push(leadsNowhere(path, before))
    // A link to a directory is fine: on many hosts /opt or /var/lib is one.
    if (before._tag === "Directory" && theirs.has(path)) created.push(path)
    if (before._tag === "Directory" || before._tag === "Link") continue
    if (before._tag !== "Absent") {
      problems.push(inTheWay(path, before, "a directory"))
      continue
    }
    created.push(path)
    steps.push(put(Change.make(path, before, FileState.directory()), "files of ours go below it"))
  }
  return { steps, created }
}

/** Keeps mode and owner of a file that is only edited, so that nothing but its bytes changes. */
const keepingManners = (
  before: FileState.FileState,
  after: FileState.FileState,
  edit: boolean,
): FileState.FileState =>
  before._tag === "File" && after._tag === "File"
    ? {
        ...after,
        mode: edit ? before.mode : after.mode,
        ...(before.owner === undefined ? {} : { owner: before.owner }),
      }
    : after

const desiredSteps = (input: ReconcileInput, problems: Array<Problem>): ReadonlyArray<Step<HostAction>> => {
  const steps: Array<Step<HostAction>> = []
  const isOurs = Ownership.ours(input.ledger)
  for (const { because, edit, path, state } of input.desired) {
    if (state._tag === "Directory") continue
    const before = input.look(path)
    if (before._tag === "Directory" || before._tag === "Unreadable") {
      problems.push(inTheWay(path, before, "a file of ours"))
      continue
    }
    // Writing a file over a link would lose what the operator keeps behind it.
    if (before._tag === "Link" && edit !== undefined) {
      problems.push(inTheWay(path, before, "a file to be edited"))
      continue
    }
    if (edit === undefined && !isOurs(path, before, state)) {
      problems.push(ofSomebodyElse(path))
      continue
    }
    steps.push(put(Change.make(path, before, keepingManners(before, state, edit !== undefined)), because))
  }
  return steps
}

/**
 * Whole files that we wrote before and do not want any more. What cannot be looked at stays, and stays ours, so that a
 * later run finds it (law L5). Artifacts are only marked, since a handler may need them until the CRI runtime has
 * dropped it; not so a file in a directory that is still wanted, which would go on changing what a handler does.
 */
const staleFiles = (
  input: ReconcileInput,
): {
  readonly steps: ReadonlyArray<Step<HostAction>>
  readonly kept: ReadonlyArray<OwnedFile>
  readonly notices: ReadonlyArray<Notice>
} => {
  const before = input.ledger.files.filter((file) => file.stage === input.stage)
  if (before.length === 0) return { steps: [], kept: [], notices: [] }
  const wanted = new Set([...input.desired.map((d) => d.path), ...(input.takenOver ?? [])])
  const live = new Set(input.desired.flatMap((d) => (d.state._tag === "Directory" ? [d.path] : [])))
  const steps: Array<Step<HostAction>> = []
  const kept: Array<OwnedFile> = []
  const notices: Array<Notice> = []
  for (const owned of before) {
    if (wanted.has(owned.path)) continue
    const found = input.look(owned.path)
    if (input.stage === "artifacts" && !live.has(HostPath.parent(owned.path))) {
      if (found._tag !== "Absent") kept.push({ ...owned, unused: true })
      continue
    }
    if (found._tag === "Unreadable") kept.push(owned)
    if (found._tag !== "File" && found._tag !== "Link") continue
    notices.push(...Ownership.changedSince(owned, found))
    steps.push(put(Change.make(owned.path, found, FileState.absent), "the settings no longer ask for it"))
  }
  return { steps, kept, notices }
}

/** Edits in files of others that are no longer wanted there; the import goes before the file that it names. */
const staleEdits = (
  input: ReconcileInput,
  problems: Array<Problem>,
): { readonly steps: ReadonlyArray<Step<HostAction>>; readonly notices: ReadonlyArray<Notice> } => {
  const wanted = new Set(input.desired.flatMap((d) => (d.edit === undefined ? [] : [d.path])))
  const stale = input.stage === "cri" ? input.ledger.edits.filter((edit) => !wanted.has(edit.path)) : []
  const undone = stale.map((edit) => {
    const before = input.look(edit.path)
    if (before._tag !== "File" && before._tag !== "Absent") {
      problems.push(inTheWay(edit.path, before, "a file with an edit of ours"))
    }
    const { after, notices } = Ownership.undoEdit(before, edit, input.ledger.instance)
    return {
      step: put(Change.make(edit.path, before, after), "our drop-in is found without it now"),
      notices,
    }
  })
  return { steps: undone.map((u) => u.step), notices: undone.flatMap((u) => u.notices) }
}

/** Makes the steps of one stage, or says what is in the way. */
export const reconcile = (input: ReconcileInput): Result.Result<Reconciled, PrerequisiteError> => {
  const problems: Array<Problem> = []
  const directories = directorySteps(input, problems)
  const puts = desiredSteps(input, problems)
  const edits = staleEdits(input, problems)
  if (problems.length > 0) return Result.fail(new PrerequisiteError({ problems }))
  const stale = staleFiles(input)
  const otherStages = input.ledger.files.filter((f) => f.stage !== input.stage)
  const own = input.desired.flatMap((d): ReadonlyArray<OwnedFile> =>
    d.edit !== undefined || d.state._tag === "Directory"
      ? []
      : [{ path: d.path, stage: input.stage, digest: null }],
  )
  const standing = input.ledger.directories.filter((path) => input.look(path)._tag !== "Absent")
  const kept = [...new Set([...standing, ...directories.created])].sort()
  const files = [...otherStages, ...own, ...stale.kept].sort((a, b) => (a.path < b.path ? -1 : 1))
  return Result.succeed({
    directories: directories.steps,
    puts,
    removals: [...edits.steps, ...stale.steps],
    ledger: {
      ...input.ledger,
      files,
      // A directory that turns out not to be empty stays ours, so that a later run can take it away.
      directories: kept,
      edits:
        input.stage === "cri"
          ? input.desired.flatMap((d) => (d.edit === undefined ? [] : [d.edit]))
          : input.ledger.edits,
    },
    notices: [...edits.notices, ...stale.notices],
  })
}

/**
 * The step that takes away directories of ours around and beside removed paths, where nothing desired is below them.
 * Only those that are empty by then really go.
 */
export const vacate = (
  ledger: Pick<Ledger, "directories">,
  desired: ReadonlyArray<Pick<Desired.Desired, "path">>,
  removed: ReadonlyArray<HostPath.HostPath>,
): ReadonlyArray<Step<HostAction>> => {
  if (removed.length === 0) return []
  const wanted = new Set(desired.flatMap((d) => [d.path, ...HostPath.ancestors(d.path)]))
  const concerned = (directory: HostPath.HostPath): boolean =>
    removed.some(
      (path) => HostPath.isBelow(path, directory) || HostPath.isBelow(directory, HostPath.parent(path)),
    )
  const directories = ledger.directories.filter((d) => !wanted.has(d) && concerned(d)).toReversed()
  return directories.length === 0
    ? []
    : [step({ _tag: "Prune", directories } as const, "nothing of ours is in them any more")]
}

/** Paths that steps remove. */
export const removedBy = (steps: ReadonlyArray<Step<HostAction>>): ReadonlyArray<HostPath.HostPath> =>
  steps.flatMap(({ action }) => {
    if (action._tag === "Put") return action.change.after._tag === "Absent" ? [action.change.path] : []
    if (action._tag !== "RemoveTree" || action.entries === "everything") return []
    return action.entries.map((entry) => HostPath.join(action.root, entry.path))
  })
