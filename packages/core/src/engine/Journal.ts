/**
 * Keeps the journal of a stage on the host: written before its first change, gone (or kept for a rollback) when the
 * stage came to its end. Source: decisions §4, §11; law L10.
 */
import { Effect, Ref, Result } from "effect"
import type { Notice } from "../input/Problem.ts"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Action } from "../plan/Action.ts"
import * as Change from "../plan/Change.ts"
import * as Document from "../plan/Journal.ts"
import * as Ledger from "../plan/Ledger.ts"
import { changes, puts, type StageName, type Step } from "../plan/Plan.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import * as Removal from "./Removal.ts"
import { journalStep, remember, type StageState, type StageToApply } from "./StageState.ts"

const keepsJournal = (stage: StageName): stage is (typeof Document.stages)[number] =>
  Document.stages.some((name) => name === stage)

/** Makes one file of the state directory be `after`, whatever it is now. */
const put = Effect.fnUntraced(function* (
  stateDir: HostPath.HostPath,
  path: HostPath.HostPath,
  after: FileState.FileState,
): Effect.fn.Return<void, HostError, HostFiles> {
  const files = yield* HostFiles
  const change = Change.make(path, yield* files.look(path), after)
  if (!Change.isNoop(change)) yield* files.put(change, TemporaryPlace.staging(stateDir))
})

/** Whether an action replaces what lies on the host; the ledger and empty directories need no journal. */
const replacesBytes = ({ _tag }: Action): boolean =>
  _tag === "Put" || _tag === "Extract" || _tag === "RemoveTree"

/** The journal of a stage, where there is one that can be read. */
export const read = Effect.fn("Journal.read")(function* (
  stateDir: HostPath.HostPath,
  stage: StageName,
): Effect.fn.Return<Document.Journal | undefined, never, HostFiles> {
  const files = yield* HostFiles
  const text = FileState.textOf(yield* files.look(Document.pathIn(stateDir, stage)))
  return text === undefined ? undefined : Result.getOrUndefined(Document.decode(text))
})

/** The components are the artifact stage's alone; no other needs a copy of thousands of paths. */
const without = (ledger: Ledger.Ledger | null): Ledger.Ledger | null =>
  ledger === null ? null : { ...ledger, components: [] }

const ledgerAfter = (steps: ReadonlyArray<Step>): Ledger.Ledger | null =>
  steps.flatMap(({ action }) => (action._tag === "Record" ? [action.ledger] : []))[0] ?? null

const ledgerBefore = Effect.fnUntraced(function* (stateDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const text = FileState.textOf(yield* files.look(Ledger.pathIn(stateDir)))
  return text === undefined ? null : Result.getOrElse(Ledger.decode(text), () => null)
})

/** What a stage sets out to do. A journal of the same stage that was left half-done is continued, not forgotten. */
const make = Effect.fnUntraced(function* (
  { author, installDir, stage, stateDir, steps }: StageToApply,
  unfinished: Document.Journal | undefined,
) {
  const now = puts({ stages: [{ stage, steps: [...steps] }] }).filter((change) => !Change.isNoop(change))
  const changed = now.map((change) => {
    const first = unfinished?.changes.find((c) => c.path === change.path)
    return first === undefined ? change : { ...change, before: first.before }
  })
  const rest = (unfinished?.changes ?? []).filter((c) => !now.some((change) => change.path === c.path))
  const planned = ledgerAfter(steps)
  const earlier = unfinished?.after ?? null
  const after = planned === null || earlier === null ? planned : Document.withEntriesOf(planned, earlier)
  const journal: Document.Journal = {
    schemaVersion: 1,
    kind: "journal",
    ...author,
    stage,
    state: "begun",
    changes: [...rest, ...changed],
    before: unfinished?.before ?? without(yield* ledgerBefore(stateDir)),
    after: stage === "artifacts" ? after : without(after),
    temporaryIn: [...new Set(now.map((change) => TemporaryPlace.of(change.path, { installDir, stateDir })))],
  }
  return journal
})

/**
 * Writes the journal as soon as there is a place for it, i.e. before the first change on every host that has a state
 * directory, and right after that directory was made on one that has none.
 */
export const begin = Effect.fn("Journal.begin")(function* (
  request: StageToApply,
  state: Ref.Ref<StageState>,
  at: number,
): Effect.fn.Return<void, HostError, HostFiles> {
  const { journal } = yield* Ref.get(state)
  const { stage, stateDir } = request
  if (journal !== undefined || !keepsJournal(stage)) return
  if (!request.steps.some(({ action }) => replacesBytes(action) && changes(action))) return
  const files = yield* HostFiles
  const places = [Document.directoryIn(stateDir), TemporaryPlace.staging(stateDir)]
  const found = yield* Effect.forEach(places, (path) => files.look(path))
  if (found.some((place) => place._tag !== "Directory")) return
  const earlier = yield* read(stateDir, stage)
  const interrupted = earlier?.state === "begun" ? earlier : undefined
  const made = yield* make(request, interrupted)
  const before = interrupted === undefined ? FileState.absent : Document.encode(interrupted)
  const takenBack = Effect.gen(function* () {
    const { done: left } = yield* Ref.get(state)
    // What could not be taken back has to be found by the next run.
    if (!left.some((each) => each.at >= at)) yield* put(stateDir, Document.pathIn(stateDir, stage), before)
  })
  // Remembered first: a write may fail although it was made.
  yield* remember(state, journalStep, Effect.provideService(takenBack, HostFiles, files))
  yield* put(stateDir, Document.pathIn(stateDir, stage), Document.encode(made))
  yield* Ref.update(state, (s) => ({ ...s, journal: made }))
})

/** Directories that have to be made for the entries. */
const missingDirectories = Effect.fnUntraced(function* (
  installDir: HostPath.HostPath,
  extracted: Ledger.Settled["extracted"],
) {
  const files = yield* HostFiles
  const paths = [...extracted.values()].flatMap((entries) =>
    entries.flatMap((entry) => {
      const path = HostPath.join(installDir, entry.path)
      return entry.type === "directory" ? [path, ...HostPath.ancestors(path)] : HostPath.ancestors(path)
    }),
  )
  const below = [...new Set(paths)].filter((path) => HostPath.isBelow(path, installDir))
  return yield* Effect.filter(below, (path) =>
    Effect.map(files.look(path), (state) => state._tag === "Absent"),
  )
})

/** Adds what the components are about to put down, before the first of it is moved into place. */
export const extracting = Effect.fn("Journal.extracting")(function* (
  { installDir, stage, stateDir }: StageToApply,
  state: Ref.Ref<StageState>,
  extracted: Ledger.Settled["extracted"],
): Effect.fn.Return<void, HostError, HostFiles> {
  const { journal, settled } = yield* Ref.get(state)
  if (journal === undefined || journal.after === null) return
  const created = [...settled.created, ...(yield* missingDirectories(installDir, extracted))]
  const after = Ledger.settle(journal.after, { ...settled, created, extracted })
  const next = { ...journal, after: Document.withEntriesOf(after, journal.after) }
  yield* put(stateDir, Document.pathIn(stateDir, stage), Document.encode(next))
  yield* Ref.update(state, (s) => ({ ...s, journal: next }))
})

/** Removes the journals of these stages. */
const drop = (
  stateDir: HostPath.HostPath,
  stages: ReadonlyArray<StageName>,
): Effect.Effect<void, HostError, HostFiles> =>
  Effect.forEach(stages, (stage) => put(stateDir, Document.pathIn(stateDir, stage), FileState.absent), {
    discard: true,
  })

/** Removes every journal: nothing of the instance is left that one could be about. */
export const forget = (stateDir: HostPath.HostPath): Effect.Effect<void, HostError, HostFiles> =>
  drop(stateDir, Document.stages)

/** What was kept for going back, where dropping it was cut off or failed. */
const clearStaging = Effect.fnUntraced(function* (stateDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const root = TemporaryPlace.staging(stateDir)
  const listing = yield* files.list(root)
  if (listing._tag === "Names" && listing.names.length === 0) return
  const action = { _tag: "RemoveTree", root, entries: "everything", reserved: [] } as const
  const failure = Removal.failureOf(yield* files.removeTree(action))
  if (failure !== undefined) return yield* Effect.fail(failure)
})

/**
 * The stage came to its end. That of the CRI configuration keeps its journal for a rollback by hand; the others have
 * nothing more to say. What was begun by an earlier run is settled as well.
 */
export const done = Effect.fn("Journal.done")(function* (
  { stage, stateDir }: StageToApply,
  state: Ref.Ref<StageState>,
): Effect.fn.Return<void, HostError, HostFiles> {
  if (!keepsJournal(stage)) return
  const own = (yield* Ref.get(state)).journal ?? (yield* read(stateDir, stage))
  if (stage === "artifacts" && own !== undefined) yield* clearStaging(stateDir)
  if (stage === "cri" && own !== undefined) {
    const path = Document.pathIn(stateDir, stage)
    if (own.state === "begun") yield* put(stateDir, path, Document.encode({ ...own, state: "done" }))
  } else if (own !== undefined) yield* drop(stateDir, [stage])
  yield* drop(stateDir, Document.settledBy[stage])
})

/** What is said when the work is done and its journal could not be closed: the next run does that. */
export const notClosed = (stage: StageName, error: HostError): Notice => ({
  code: "journal-not-closed",
  severity: "warning",
  message: `The stage ${stage} is done, but its journal could not be closed: ${error.message}.`,
  remedy: "Run the same action again; it finds nothing to do and closes the journal.",
})
