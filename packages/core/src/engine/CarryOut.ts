/**
 * Carries out one action through the ports: the interpreter of plans. A case that is missing here does not compile.
 */
import { Clock, Effect, Ref, Result } from "effect"
import * as NodeMarks from "../decide/NodeMarks.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as Taints from "../decide/Taints.ts"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Action } from "../plan/Action.ts"
import * as Change from "../plan/Change.ts"
import * as Ledger from "../plan/Ledger.ts"
import type { HostError } from "../ports/HostError.ts"
import { HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import { NodeApi } from "../ports/NodeApi.ts"
import * as Evidence from "./Evidence.ts"
import * as Journal from "./Journal.ts"
import * as NodeWaits from "./NodeWaits.ts"
import * as OwnUnit from "./OwnUnit.ts"
import { Progress } from "./Progress.ts"
import * as PurgeData from "./PurgeData.ts"
import * as Removal from "./Removal.ts"
import { remember, type StageState, type StageToApply, type StepError } from "./StageState.ts"

/** What an action needs. */
export type Ports = HostFiles | HostShell | NodeApi

type Of<Tag extends Action["_tag"]> = Extract<Action, { readonly _tag: Tag }>

/** The stage that an action is carried out in. */
export interface Within {
  readonly request: StageToApply
  readonly state: Ref.Ref<StageState>
  /** Which step, counted from 0. */
  readonly at: number
}

/** Carries out an action and remembers how it is taken back. */
export const action = Effect.fnUntraced(function* (
  within: Within,
  wanted: Action,
): Effect.fn.Return<void, StepError, Ports> {
  switch (wanted._tag) {
    case "Put":
      return yield* put(within, wanted)
    case "Extract":
      return yield* extract(within, wanted)
    case "RemoveTree":
      return yield* removeTree(within, wanted)
    case "Prune":
      return yield* prune(within, wanted)
    case "RemoveSnapshots":
      return yield* PurgeData.removeSnapshots(within, wanted)
    case "PurgeData":
      return yield* PurgeData.purge(within, wanted)
    case "KeepData":
      return yield* PurgeData.keep(within, wanted)
    case "Unit":
      return yield* unit(within, wanted)
    case "AwaitUnit": {
      const shell = yield* HostShell
      yield* explained(within, shell.awaitActive(wanted.unit, wanted.seconds))
      // It came back without what is gone, so no restart is owed any more.
      return yield* Ref.update(within.state, (s) => ({ ...s, forgotten: undefined }))
    }
    case "AwaitServed": {
      const testimony = yield* explained(within, Evidence.awaitServed(wanted))
      return yield* Ref.update(within.state, (s) => ({ ...s, testimony }))
    }
    case "Record":
      return yield* record(within, wanted)
    case "Mark": {
      const api = yield* NodeApi
      return yield* api.updateLabels((labels) =>
        NodeMarks.decide(wanted.intent, labels, wanted.instance, wanted.beside),
      )
    }
    case "HoldMarks":
      return yield* NodeWaits.holdMarks(wanted.instance)
    case "Untaint":
      return yield* untaint(within, wanted)
    case "AwaitReady":
      return yield* awaitReady(wanted)
  }
})

const put = Effect.fnUntraced(function* (within: Within, { change }: Of<"Put">) {
  if (!Change.isNoop(change)) yield* make(within, change)
})

/**
 * Makes a change and remembers how it is taken back. One may fail although it was made, when its directory could not
 * be synced: what is there decides.
 */
const make = Effect.fnUntraced(function* ({ at, request, state }: Within, change: Change.Change) {
  const files = yield* HostFiles
  const place = TemporaryPlace.of(change.path, request)
  const back = files.put(Change.invert(change), place)
  yield* Effect.tapError(files.put(change, place), () =>
    Effect.flatMap(files.look(change.path), (found) =>
      FileState.equals(found, change.after) ? remember(state, at, back) : Effect.void,
    ),
  )
  yield* remember(state, at, back)
})

/** What was moved into place is remembered whoever interrupts; only the unpacking before it can be. */
const extract = (within: Within, wanted: Of<"Extract">) =>
  wanted.components.length === 0 ? Effect.void : Effect.uninterruptible(extracted(within, wanted))

const extracted = Effect.fnUntraced(function* ({ at, request, state }: Within, wanted: Of<"Extract">) {
  const files = yield* HostFiles
  const progress = yield* Progress
  const extraction = yield* files.extract(
    wanted,
    (p) => progress.tell({ _tag: "Extracting", progress: p }),
    ({ entries }) => Effect.provideService(Journal.extracting(request, state, entries), HostFiles, files),
  )
  yield* remember(state, at, extraction.revert)
  yield* Ref.update(state, (s) => ({
    ...s,
    settled: {
      ...s.settled,
      extracted: new Map([...s.settled.extracted, ...extraction.entries]),
      digests: new Map([...s.settled.digests, ...extraction.digests]),
      created: [
        ...s.settled.created,
        ...extraction.createdDirectories.map((relative) => HostPath.join(wanted.into, relative)),
      ],
    },
    commits: [...s.commits, extraction.commit],
  }))
})

const removeTree = Effect.fnUntraced(function* ({ request, state }: Within, wanted: Of<"RemoveTree">) {
  const files = yield* HostFiles
  const { settled } = yield* Ref.get(state)
  const fresh = new Set([...settled.extracted.values()].flatMap((entries) => entries.map((e) => e.path)))
  const entries =
    wanted.entries === "everything" ? wanted.entries : wanted.entries.filter((e) => !fresh.has(e.path))
  // Even a removal that fails may have removed a part.
  yield* Ref.update(state, (s) => ({ ...s, irreversible: true }))
  const removal = yield* files.removeTree({ ...wanted, entries })
  const ours = Removal.oursAmong(removal.left, request)
  const left = removal.left.filter(({ path }) => !ours.has(path))
  yield* Ref.update(state, (s) => ({ ...s, left: [...s.left, ...Removal.leftBy({ ...removal, left })] }))
  const failure = Removal.failureOf(removal)
  if (failure !== undefined) return yield* Effect.fail(failure)
})

const prune = Effect.fnUntraced(function* ({ at, request, state }: Within, wanted: Of<"Prune">) {
  const files = yield* HostFiles
  const are = (tag: FileState.FileState["_tag"]) => (path: HostPath.HostPath) =>
    Effect.map(files.look(path), (found) => found._tag === tag)
  const remembered = (gone: ReadonlyArray<HostPath.HostPath>) => {
    const back = gone.toReversed().map((path) => Change.make(path, FileState.absent, FileState.directory()))
    return remember(
      state,
      at,
      Effect.forEach(back, (change) => files.put(change, TemporaryPlace.of(change.path, request)), {
        discard: true,
      }),
    )
  }
  const there = yield* Effect.filter(wanted.directories, are("Directory"))
  // Even one that fails may have removed a part.
  const gone = yield* Effect.tapError(files.prune(wanted.directories), () =>
    Effect.flatMap(Effect.filter(there, are("Absent")), remembered),
  )
  yield* Ref.update(state, (s) => ({
    ...s,
    settled: { ...s.settled, gone: [...s.settled.gone, ...gone] },
  }))
  yield* remembered(gone)
})

const unit = Effect.fnUntraced(function* (within: Within, wanted: Of<"Unit">) {
  const { unit: name, verb } = wanted
  const shell = yield* HostShell
  if (wanted.whenUndone === "as-it-was") return yield* OwnUnit.ask(within, wanted)
  if (wanted.onFailure === "ignore") return yield* Effect.ignore(shell.unit(verb, name))
  if (verb !== "restart") return yield* shell.unit(verb, name)
  const since = yield* Clock.currentTimeMillis
  yield* Ref.update(within.state, (s) => ({ ...s, restarted: { unit: name, since } }))
  if (wanted.forgets === undefined) return yield* explained(within, shell.unit(verb, name))
  const files = yield* HostFiles
  const forgetting = Effect.provideService(Effect.result(forget(within, wanted.forgets)), HostFiles, files)
  let forgot: Result.Result<void, HostError> = Result.void
  const takenOn = Effect.map(forgetting, (result) => void (forgot = result))
  yield* explained(within, shell.unit(verb, name, takenOn))
  yield* Effect.fromResult(forgot)
})

/** From here on the restart comes to pass without us, so nobody has to remember that it is due. */
const forget = Effect.fnUntraced(function* (
  within: Within,
  { directories, ledger: path }: Required<Of<"Unit">>["forgets"],
) {
  const files = yield* HostFiles
  const found = Ledger.from(yield* files.look(path))
  // What a stage before this one had to leave is for the next cleanup to find.
  if (found._tag !== "Read" || !Ledger.ownsNothing(found.ledger)) return
  yield* record(within, { _tag: "Record", path, ledger: null })
  yield* prune(within, { _tag: "Prune", directories })
})

/** A failure after a restart says what the runtime's log says, so that people see which line of which file it was. */
const explained = <A, R>(
  { state }: Within,
  effect: Effect.Effect<A, HostError, R>,
): Effect.Effect<A, HostError, R | HostShell> =>
  Effect.catch(effect, (error) =>
    Effect.gen(function* () {
      const { restarted } = yield* Ref.get(state)
      return yield* Effect.fail(
        restarted === undefined ? error : yield* Evidence.withLog(error, restarted.unit, restarted.since),
      )
    }),
  )

const record = Effect.fnUntraced(function* (within: Within, wanted: Of<"Record">) {
  const { request, state } = within
  const { failures, settled } = yield* Ref.get(state)
  // What could not be removed has to be found by the next cleanup, so the ledger stays when something failed.
  if (failures.length > 0) return
  const files = yield* HostFiles
  if (wanted.ledger === null) yield* Journal.forget(request.stateDir)
  const before = yield* files.look(wanted.path)
  const text =
    wanted.ledger === null
      ? undefined
      : Ledger.encode(
          Ledger.withDigests(Ledger.settle(wanted.ledger, settled), Ownership.digestAfter(request.steps)),
        )
  const after = text === undefined ? FileState.absent : FileState.file(text)
  // Before it goes: that may fail although it went.
  if (wanted.ledger === null) yield* Ref.update(state, (s) => ({ ...s, forgotten: s.done.length }))
  yield* make(within, Change.make(wanted.path, before, after))
})

/** Best effort: a taint that stays keeps pods away, which is the safe side. */
const untaint = Effect.fnUntraced(function* ({ state }: Within, { matchers }: Of<"Untaint">) {
  const api = yield* NodeApi
  yield* Effect.catch(Effect.asVoid(api.removeTaints(matchers)), (error) =>
    Ref.update(state, (s) => ({ ...s, notices: [...s.notices, Taints.notRemoved(error.message)] })),
  )
})

const awaitReady = Effect.fnUntraced(function* (wanted: Of<"AwaitReady">) {
  const shell = yield* HostShell
  const run = yield* shell.unitRun(wanted.unit)
  const since = run._tag === "Known" ? run.value.activeSince : undefined
  yield* NodeWaits.awaitReady(wanted.seconds, since)
})
