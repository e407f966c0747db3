/**
 * Answers: what was a stage about to do, and what did it find? Written to the host before the first change of a stage,
 * so that a crash at any point leaves enough behind to go on, to go back, and to uninstall.
 * Source: decisions §4, §11; architecture "Failure", law L10.
 */
import { Schema } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { Change, PathSchema } from "./Change.ts"
import * as Ledger from "./Ledger.ts"
import { StageName } from "./Plan.ts"

/** What one stage set out to do. */
export const Journal = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  kind: Schema.Literal("journal"),
  /** Version of the program that wrote this. */
  release: Schema.String,
  /** Instance name: the suffix or `default`. */
  instance: Schema.String,
  stage: StageName,
  /** `begun`: the stage was left half-done, or is going on now. `done`: kept so that it can be rolled back. */
  state: Schema.Literals(["begun", "done"]),
  /** Every path that the stage changes, in order, with the bytes that it replaces. */
  changes: Schema.Array(Change),
  /** The ledger on the host before the stage; `null` when there was none. */
  before: Schema.NullOr(Ledger.Ledger),
  /** The ledger as the stage leaves it; `null` when it removes it. */
  after: Schema.NullOr(Ledger.Ledger),
  /** Directories in which the stage makes its temporary files. */
  temporaryIn: Schema.Array(PathSchema),
}).annotate({ identifier: "Journal" })
/** What one stage set out to do. */
export type Journal = typeof Journal.Type

const Text = Schema.fromJsonString(Journal)

/** Reads a journal from its text. */
export const decode = Schema.decodeUnknownResult(Text)

/** The journal as it is written to the host; it holds whole files, so only root may read it. */
export const encode = (journal: Journal): FileState.FileState =>
  FileState.file(`${JSON.stringify(Schema.encodeSync(Journal)(journal))}\n`, 0o600)

/** Where the journals of a state directory lie. */
export const directoryIn = (stateDir: HostPath.HostPath): HostPath.HostPath =>
  HostPath.join(stateDir, "journal")

/** Where the journal of a stage lies. */
export const pathIn = (stateDir: HostPath.HostPath, stage: StageName): HostPath.HostPath =>
  HostPath.join(directoryIn(stateDir), `${stage}.json`)

/** Stages that change the host and therefore keep a journal. */
export const stages = ["artifacts", "cri", "revert-cri", "remove-artifacts"] as const

/** The journals that have nothing more to say once a stage came to its end; its own one besides. */
export const settledBy: Readonly<Record<(typeof stages)[number], ReadonlyArray<StageName>>> = {
  artifacts: ["remove-artifacts"],
  cri: ["revert-cri"],
  "revert-cri": ["cri"],
  "remove-artifacts": ["artifacts", "cri", "revert-cri"],
}

/** Whether a name is that of a temporary file of ours, which only an interrupted stage leaves behind. */
export const isTemporary = (name: string): boolean => /^\.kata-deploy-.+\.tmp$/.test(name)

/** An archive that no real one equals: what is recorded with it has to be unpacked again. */
const unfinished: Ledger.ArchiveId = { sha256: Ledger.unfinished, size: 0, modifiedMs: 0 }

/** A component with those entries of another record of it, too, whose paths it does not have. */
const withEntries = (
  component: Ledger.OwnedComponent,
  other: Ledger.OwnedComponent | undefined,
): Ledger.OwnedComponent => {
  const names = new Set(component.entries.map((entry) => entry.path))
  const more = (other?.entries ?? []).filter((entry) => !names.has(entry.path))
  return more.length === 0 ? component : { ...component, entries: [...component.entries, ...more] }
}

/**
 * What a stage is to leave, with what an earlier run of it that died was putting down: until the stage comes to its end
 * nobody else knows whose that is.
 */
export const withEntriesOf = (ledger: Ledger.Ledger, earlier: Ledger.Ledger): Ledger.Ledger => ({
  ...ledger,
  components: ledger.components.map((component) =>
    withEntries(
      component,
      earlier.components.find((other) => other.name === component.name),
    ),
  ),
})

const isSameEntry = (a: Ledger.OwnedEntry, b: Ledger.OwnedEntry): boolean =>
  a.type === "file"
    ? b.type === "file" && a.sha256 === b.sha256
    : a.type === "link"
      ? b.type === "link" && a.target === b.target
      : b.type === "directory"

/** Whether nothing but what is recorded of a component can have been put down for it. */
const isAsRecorded = (had: Ledger.OwnedComponent, component: Ledger.OwnedComponent): boolean => {
  if (had.archive.sha256 !== component.archive.sha256) return false
  const recorded = new Map(had.entries.map((entry) => [entry.path, entry]))
  return component.entries.every((entry) => {
    const known = recorded.get(entry.path)
    return known !== undefined && isSameEntry(known, entry)
  })
}

const mergedComponents = (
  before: ReadonlyArray<Ledger.OwnedComponent>,
  after: ReadonlyArray<Ledger.OwnedComponent>,
): ReadonlyArray<Ledger.OwnedComponent> => {
  const intended = after.map((component) => {
    const had = before.find((other) => other.name === component.name)
    if (had !== undefined && isAsRecorded(had, component)) return had
    return { ...withEntries(component, had), archive: unfinished }
  })
  return [...intended, ...before.filter((b) => !after.some((a) => a.name === b.name))]
}

/** Files of either ledger; where they disagree nobody knows which bytes are there, and both are ours. */
const mergedFiles = (
  before: ReadonlyArray<Ledger.OwnedFile>,
  after: ReadonlyArray<Ledger.OwnedFile>,
): ReadonlyArray<Ledger.OwnedFile> => [
  ...before.map((file) => {
    const other = after.find((a) => a.path === file.path)
    return other === undefined || other.digest === file.digest ? file : { ...file, digest: null }
  }),
  ...after
    .filter((file) => !before.some((b) => b.path === file.path))
    .map((file) => ({ ...file, digest: null })),
]

/** An edit counts as made when its file is what the stage makes of it; before that, the earlier edit counts. */
const mergedEdits = (
  journal: Journal,
  before: ReadonlyArray<Ledger.Edit>,
  look: (path: HostPath.HostPath) => FileState.FileState,
): ReadonlyArray<Ledger.Edit> => {
  const after = journal.after?.edits ?? []
  const paths = [...new Set([...before, ...after].map((edit) => edit.path))]
  return paths.flatMap((path) => {
    const earlier = before.filter((edit) => edit.path === path)
    const later = after.filter((edit) => edit.path === path)
    const change = journal.changes.findLast((c) => c.path === path)
    const untouched = change !== undefined && FileState.equals(change.before, look(path))
    return later.length === 0 || (untouched && earlier.length > 0) ? earlier : later
  })
}

/**
 * Whether a stage was to change what the runtime had loaded, and nobody saw the runtime start since. It may have, e.g. by
 * the restart of that very cleanup, so that what it was started with before says nothing.
 */
const isUnloaded = (base: Ledger.Ledger, { before, stage }: Journal): boolean =>
  (stage === "cri" || stage === "revert-cri") &&
  base.startedWith === (before?.startedWith ?? null) &&
  base.restarting?.with === before?.restarting?.with &&
  base.restarting?.since === before?.restarting?.since

const unloaded = (ledger: Ledger.Ledger): Ledger.Ledger => {
  const { restarting: _, ...rest } = ledger
  return { ...rest, startedWith: null }
}

/**
 * What a stage was to leave, without what other stages answer for: that is in the ledger on the host and in journals of
 * their own, and a cleanup may have taken it back since.
 */
const ownPart = (ledger: Ledger.Ledger | undefined, stage: StageName, after: Ledger.Ledger): Ledger.Ledger =>
  ledger === undefined || stage !== "artifacts"
    ? after
    : {
        ...after,
        files: after.files.filter((file) => file.stage === "artifacts"),
        handlers: ledger.handlers,
        loaded: ledger.loaded,
        edits: ledger.edits,
      }

/**
 * What is ours on a host where a stage was left half-done: all that the ledger names, and all that the stage may have
 * put there. `look` says what is at the paths that the journal names.
 */
export const recovered = (
  ledger: Ledger.Ledger | undefined,
  journal: Journal,
  look: (path: HostPath.HostPath) => FileState.FileState,
): Ledger.Ledger | undefined => {
  if (journal.after === null) return ledger
  const after = ownPart(ledger, journal.stage, journal.after)
  const base = ledger ??
    journal.before ?? { ...after, components: [], files: [], edits: [], startedWith: null }
  return {
    ...(isUnloaded(base, journal) ? unloaded(base) : base),
    runtime: after.runtime,
    handlers: [...new Set([...base.handlers, ...after.handlers])],
    loaded: after.loaded,
    ...(after.restarting === undefined ? {} : { restarting: after.restarting }),
    ...(after.restartDue === undefined ? {} : { restartDue: after.restartDue }),
    components:
      journal.stage === "artifacts" ? mergedComponents(base.components, after.components) : base.components,
    files: mergedFiles(base.files, after.files),
    directories: [...new Set([...base.directories, ...after.directories])].sort(),
    edits: mergedEdits({ ...journal, after }, base.edits, look),
  }
}
