/** Generated parts of plans: states, changes, actions, ledgers. */
import * as fc from "fast-check"
import {
  type Action,
  type Change,
  FileState,
  HostPath,
  Ledger,
  type ModeChoice,
  type Plan,
} from "../../src/index.ts"

const text = fc.string({ maxLength: 8, unit: "grapheme" })
const number = fc.nat(0o777)

/** A host path of a few components. */
export const path: fc.Arbitrary<HostPath.HostPath> = fc
  .array(fc.constantFrom("etc", "opt", "kata", "a b", "config.toml", "ü"), { minLength: 1, maxLength: 4 })
  .map((parts) => HostPath.make(parts.join("/")))

const optional = <A>(name: string, value: fc.Arbitrary<A>) =>
  fc.option(value, { nil: undefined }).map((v) => (v === undefined ? {} : { [name]: v }))

const owner = optional("owner", fc.record({ uid: number, gid: number }))

/** Any state of a path. */
export const state: fc.Arbitrary<FileState.FileState> = fc.oneof(
  fc.constant(FileState.absent),
  fc
    .tuple(text, number, owner)
    .map(([t, mode, o]): FileState.FileState => ({ _tag: "File", text: t, mode, ...o })),
  text.map(FileState.link),
  fc.tuple(number, owner).map(([mode, o]): FileState.FileState => ({ _tag: "Directory", mode, ...o })),
  fc
    .tuple(fc.constantFrom("denied", "io", "not-utf8"), text)
    .map(([why, detail]): FileState.FileState => ({ _tag: "Unreadable", why, detail })),
)

/** Any change of a path. */
export const change: fc.Arbitrary<Change.Change> = fc.record({ path, before: state, after: state })

const entry: fc.Arbitrary<Ledger.OwnedEntry> = fc.oneof(
  fc.record({ type: fc.constant("file" as const), path: text, sha256: text, mode: number, size: fc.nat() }),
  fc.record({ type: fc.constant("link" as const), path: text, target: text }),
  fc.record({ type: fc.constant("directory" as const), path: text }),
)

const archiveId = fc.record({ sha256: text, size: fc.nat(), modifiedMs: fc.integer() })

const edit: fc.Arbitrary<Ledger.Edit> = fc.oneof(
  fc.record({
    kind: fc.constant("import" as const),
    path,
    elements: fc.array(text, { maxLength: 2 }),
    createdFile: fc.boolean(),
    region: fc
      .tuple(text, text, optional("createdKey", fc.constant(true as const)))
      .map(([before, after, key]) => ({ before, after, ...key })),
  }),
  fc.record({ kind: fc.constant("block" as const), path, createdFile: fc.boolean(), block: text }),
)

const modes: fc.Arbitrary<ReadonlyArray<ModeChoice.ModeChoice>> = fc.array(
  fc.record({
    shim: text,
    mode: fc.constantFrom("guest-pull", "host-share"),
    said: fc.record(
      { snapshotter: text, pullType: text, forcesGuestPull: fc.constant(true as const) },
      { requiredKeys: [] },
    ),
  }),
  { maxLength: 2 },
)

const ledgerWithoutModes: fc.Arbitrary<Ledger.Ledger> = fc.record({
  schemaVersion: fc.constant(1 as const),
  kind: fc.constant("ledger" as const),
  instance: text,
  release: text,
  runtime: text,
  handlers: fc.array(text, { maxLength: 2 }),
  startedWith: fc.option(text),
  loaded: fc.array(path, { maxLength: 2 }),
  components: fc.array(
    fc.record({ name: text, archive: archiveId, entries: fc.array(entry, { maxLength: 3 }) }),
    { maxLength: 2 },
  ),
  files: fc.array(fc.record({ path, stage: fc.constantFrom("artifacts", "cri"), digest: text }), {
    maxLength: 3,
  }),
  directories: fc.array(path, { maxLength: 3 }),
  edits: fc.array(edit, { maxLength: 2 }),
})

/** Any ledger. */
export const ledger: fc.Arbitrary<Ledger.Ledger> = fc
  .tuple(ledgerWithoutModes, modes)
  .map(([without, chosen]) => Ledger.withModes(without, chosen))

/** Any action. */
export const action: fc.Arbitrary<Action.Action> = fc.oneof(
  change.map((c): Action.Action => ({ _tag: "Put", change: c })),
  fc.record({
    _tag: fc.constant("Extract" as const),
    into: path,
    staging: path,
    components: fc.array(
      fc.record({ name: text, archive: text, id: archiveId, replaces: fc.array(entry, { maxLength: 2 }) }),
      { maxLength: 2 },
    ),
    except: fc.array(text, { maxLength: 2 }),
    owned: fc.oneof(fc.constant("everything" as const), fc.array(text, { maxLength: 2 })),
  }),
  fc.record({
    _tag: fc.constant("RemoveTree" as const),
    root: path,
    entries: fc.oneof(fc.constant("everything" as const), fc.array(entry, { maxLength: 2 })),
    reserved: fc.array(path, { maxLength: 1 }),
  }),
  fc.record({ _tag: fc.constant("Prune" as const), directories: fc.array(path, { maxLength: 2 }) }),
  fc.record({
    _tag: fc.constant("Unit" as const),
    verb: fc.constantFrom("reload", "restart", "stop"),
    unit: text,
  }),
  fc.record({ _tag: fc.constant("AwaitUnit" as const), unit: text, seconds: fc.nat(600) }),
  fc.record({
    _tag: fc.constant("AwaitServed" as const),
    unit: text,
    socket: path,
    handlers: fc.array(text, { maxLength: 2 }),
  }),
  fc.record({ _tag: fc.constant("AwaitReady" as const), unit: text, seconds: fc.nat(600) }),
  fc.record({ _tag: fc.constant("HoldMarks" as const), instance: text }),
  fc.record({ _tag: fc.constant("Untaint" as const), matchers: fc.array(text, { maxLength: 2 }) }),
  fc.record({ _tag: fc.constant("Record" as const), path, ledger: fc.option(ledger) }),
  fc.record({
    _tag: fc.constant("Mark" as const),
    intent: fc.constantFrom("claim", "promote", "demote", "release"),
    instance: text,
  }),
)

const notice = fc
  .tuple(text, fc.constantFrom("warning", "info"), text, optional("remedy", text))
  .map(([code, severity, message, rest]) => ({ code, severity, message, ...rest }))

/** Any plan, whatever sense it makes. */
export const plan: fc.Arbitrary<Plan.Plan> = fc.record({
  action: fc.constantFrom("install", "cleanup", "install-stage-cri"),
  instance: text,
  runtime: text,
  handlers: fc.array(text, { maxLength: 2 }),
  stages: fc.array(
    fc.record({
      stage: fc.constantFrom("artifacts", "cri", "label", "restart"),
      steps: fc.array(fc.record({ action, because: text }), { maxLength: 4 }),
    }),
    { maxLength: 3 },
  ),
  restarts: fc.array(fc.record({ unit: text, due: fc.constantFrom("ours", "not-ours", "reloads-itself") }), {
    maxLength: 2,
  }),
  sandboxes: fc.option(fc.array(text, { maxLength: 2 })),
  refused: fc.option(fc.record({ code: text, message: text, remedy: text })),
  notices: fc.array(notice, { maxLength: 2 }),
  residues: fc.array(text, { maxLength: 2 }),
})
