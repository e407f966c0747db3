/**
 * Answers: what is installed on this host, and is it still as we left it? Reads every ledger that can be found and
 * compares each owned path with it.
 */
import { Effect } from "effect"
import * as NodeMarks from "../decide/NodeMarks.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as RestartNeed from "../decide/RestartNeed.ts"
import type { Facts, LedgerFact } from "../input/Facts.ts"
import { PrerequisiteError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as Distribution from "../model/Distribution.ts"
import type { FileState } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import * as Ledger from "../plan/Ledger.ts"
import type * as OwnedEntry from "../plan/OwnedEntry.ts"
import { type Fingerprint, HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import { NodeApi } from "../ports/NodeApi.ts"
import * as Neighbourhood from "./Neighbourhood.ts"
import * as Recovery from "./Recovery.ts"
import * as Observe from "./Observe.ts"
import type { InstanceStatus, Status } from "./Status.ts"

/** What to look at. */
export interface StatusRequest {
  readonly settings: Pick<Settings, "instance">
  /** State directory of the settings' instance; `undefined` for its own place. */
  readonly stateDir: HostPath.HostPath | undefined
  /** How closely unpacked files are compared; `contents` reads all of them. */
  readonly depth: OwnedEntry.Depth
}

/** State directories that may hold a ledger: the instance's own, and those of its neighbours in the same directory. */
const candidates = Effect.fnUntraced(function* (request: StatusRequest) {
  const { installDir } = request.settings.instance
  const beside = yield* Neighbourhood.beside(installDir)
  const own = request.stateDir ?? Instance.defaultStateDir(request.settings.instance)
  const found = beside.found.map((directory) => ({
    installDir: directory,
    stateDir: Instance.defaultStateDir({ suffix: undefined, installDir: directory }),
  }))
  return {
    places: [{ installDir, stateDir: own }, ...found.filter((f) => f.stateDir !== own)],
    unseen: beside.unlisted,
  }
})

/** What is installed here. Fails when a ledger is there but cannot be read. */
export const status = Effect.fn("StatusRun.status")(function* (
  request: StatusRequest,
): Effect.fn.Return<Status, PrerequisiteError, HostFiles | HostShell | NodeApi> {
  const api = yield* NodeApi
  const node = yield* api.node
  const instances: Array<InstanceStatus> = []
  const { places, unseen } = yield* candidates(request)
  for (const { installDir, stateDir } of places) {
    const { ledger: fact }: { readonly ledger: LedgerFact } = yield* Recovery.recover(
      stateDir,
      yield* Observe.ledger(stateDir),
    )
    if (fact._tag === "Unreadable") {
      return yield* Effect.fail(
        new PrerequisiteError({
          problems: [
            {
              code: "E_LEDGER_UNREADABLE",
              path: Ledger.pathIn(stateDir),
              message: `The ledger ${Ledger.pathIn(stateDir)} cannot be read (${fact.why}).`,
              remedy: Ledger.whenUnreadable,
            },
          ],
        }),
      )
    }
    if (fact._tag === "Read" || fact._tag === "Recovered")
      instances.push({
        ...(yield* instanceStatus(fact.ledger, fact.ledger.installDir ?? installDir, node, request.depth)),
        journal: fact._tag === "Recovered" ? (fact.stages[0] ?? null) : null,
      })
  }
  return {
    instances,
    ...(unseen.length === 0 ? {} : { unseen: unseen.map(({ detail, path }) => ({ path, why: detail })) }),
  }
})

const instanceStatus = Effect.fnUntraced(function* (
  ledger: Ledger.Ledger,
  installDir: HostPath.HostPath,
  node: Facts["node"],
  depth: OwnedEntry.Depth,
): Effect.fn.Return<Omit<InstanceStatus, "journal">, never, HostFiles | HostShell> {
  const reported = node._tag === "Known" ? node.value.runtimeHandlers : undefined
  const served = reported ?? (yield* loadedBy(ledger.runtime))
  const labels = node._tag === "Known" ? node.value.labels : undefined
  const ours = [NodeMarks.sharedLabel, NodeMarks.markOf(ledger.instance)]
  return {
    name: ledger.instance,
    release: ledger.release,
    runtime: ledger.runtime,
    handlers: {
      written: ledger.handlers,
      served: served === undefined ? null : served.filter((name) => ledger.handlers.includes(name)),
    },
    labels:
      labels === undefined
        ? null
        : Object.fromEntries(Object.entries(labels).filter(([key]) => ours.includes(key))),
    drift: yield* driftOf(ledger, installDir, depth),
    restartDue: yield* restartDue(ledger),
    ...(ledger.modes === undefined ? {} : { modes: ledger.modes }),
  }
})

/** Handlers that the runtime itself lists over CRI; `undefined` where it cannot be asked. */
const loadedBy = Effect.fnUntraced(function* (runtime: string) {
  const row = Distribution.lookup(runtime)
  if (row === undefined) return undefined
  const shell = yield* HostShell
  const cri = yield* shell.criStatus(row.socket)
  return cri._tag === "Known" ? cri.value.handlers : undefined
})

/** Whether the runtime's own files differ from what it was last seen started with; k0s needs no restart. */
const restartDue = Effect.fnUntraced(function* (ledger: Ledger.Ledger) {
  const row = Distribution.lookup(ledger.runtime)
  if (row?.restart === "reloads-itself") return false
  const shell = yield* HostShell
  if (row !== undefined && RestartNeed.isOwed(ledger.restartDue, yield* shell.unitRun(row.unit))) return true
  if (ledger.handlers.length === 0) return false
  const files = yield* HostFiles
  const loaded = ledger.loaded
  const states = new Map<HostPath.HostPath, FileState>()
  for (const path of loaded) states.set(path, yield* files.look(path))
  return RestartNeed.loadedDigest(loaded, (path) => states.get(path)!) !== ledger.startedWith
})

const words = (found: Fingerprint): string => {
  switch (found._tag) {
    case "Absent":
      return "absent"
    case "File":
      // Without a digest size or mode told already.
      return found.digest === "" ? `${found.size} bytes, mode ${octal(found.mode)}` : `sha256:${found.digest}`
    case "Link":
      return `link:${found.target}`
    case "Directory":
      return "directory"
    case "Unreadable":
      return `unreadable: ${found.detail}`
  }
}

const octal = (mode: number): string => mode.toString(8).padStart(4, "0")

const entryWords = (entry: Ledger.OwnedEntry, found: Fingerprint): string => {
  if (entry.type === "link") return `link:${entry.target}`
  if (entry.type === "directory") return "directory"
  return found._tag === "File" && found.digest === ""
    ? `${entry.size} bytes, mode ${octal(entry.mode)}`
    : `sha256:${entry.sha256}`
}

const digestWords = (digest: string): string => (digest.startsWith("link:") ? digest : `sha256:${digest}`)

const driftOf = Effect.fnUntraced(function* (
  ledger: Ledger.Ledger,
  installDir: HostPath.HostPath,
  depth: OwnedEntry.Depth,
) {
  const files = yield* HostFiles
  const recorded = ledger.files.flatMap(({ digest, path }) => (digest === null ? [] : [{ digest, path }]))
  const whole = yield* Effect.forEach(recorded, ({ digest, path }) =>
    Effect.map(files.fingerprint(path), (now) => ({ path, was: digestWords(digest), is: words(now) })),
  )
  const entries = ledger.components.flatMap((component) => component.entries)
  const { drifted: unpacked } = yield* files.drift(installDir, entries, depth)
  const edits = yield* Effect.forEach(ledger.edits, (edit) =>
    Effect.map(files.look(edit.path), (state) => ({ edit, intact: isIntact(state, edit) })),
  )
  return [
    ...whole.filter((each) => each.was !== each.is),
    ...unpacked.map(({ entry, found }) => ({
      path: HostPath.join(installDir, entry.path),
      was: entryWords(entry, found),
      is: words(found),
    })),
    ...edits
      .filter((each) => !each.intact)
      .map(({ edit }) => ({
        path: edit.path,
        was: edit.kind === "import" ? `imports ${edit.elements.join(", ")}` : "has our block",
        is: edit.kind === "import" ? "does not import it" : "has no block of ours",
      })),
  ]
})

/** Whether an edit of ours is still in its file. */
const isIntact = (state: FileState, edit: Ledger.Edit): boolean =>
  state._tag === "File" &&
  (edit.kind === "import"
    ? Ownership.stillImports(state.text, edit.elements)
    : edit.kind !== "block" || state.text.includes(edit.block))
