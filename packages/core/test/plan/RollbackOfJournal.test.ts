import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  type Change,
  Fact,
  type Facts,
  FileState,
  HostPath,
  Journal,
  Ledger,
  NodeMarks,
  NydusMode,
  type Plan,
  Policies,
  RestartNeed,
  RollbackPlan,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const path = HostPath.make
const main = path("/etc/containerd/config.toml")
const conf = path("/opt/kata/containerd/config.d")
const dropIn = path(`${conf}/kata-deploy.toml`)
const { absent } = FileState
const text = FileState.file
const directory = FileState.directory()

const nothingOurs = Ledger.empty("default", "1.2.3", "containerd")

/** A journal of the last CRI stage, the ledger as it is now, and what lies on the host. */
interface Given {
  readonly changes?: ReadonlyArray<
    readonly [path: string, before: FileState.FileState, after: FileState.FileState]
  >
  readonly before?: Ledger.Ledger | null
  readonly ledger?: Ledger.Ledger
  readonly tree?: Node.Tree
  readonly facts?: Partial<Facts.Facts>
}

/** An import in the main config and the drop-in that it names, as a first install leaves them. */
const installed = {
  changes: [
    [dropIn, absent, text("ours")],
    [main, text("theirs"), text("theirs, ours")],
  ],
  tree: { [dropIn]: "ours", [main]: "theirs, ours" },
} as const

const journalOf = ({ before = null, changes = installed.changes }: Given): Journal.Journal => ({
  schemaVersion: 1,
  kind: "journal",
  release: "1.2.3",
  instance: "default",
  stage: "cri",
  state: "done",
  changes: changes.map(([at, was, is]): Change.Change => ({ path: path(at), before: was, after: is })),
  before,
  after: null,
  temporaryIn: [],
})

const made = (given: Given = {}) =>
  RollbackPlan.make({
    action: "rollback",
    settings: settings(),
    policies: Policies.standard,
    facts: Node.facts(given.tree ?? installed.tree, {
      lastCriStage: journalOf(given),
      ledger: Node.recorded(given.ledger ?? nothingOurs),
      ...given.facts,
    }),
  })
const plan = (given?: Given): Plan.Plan => Result.getOrThrow(made(given))
const problems = (given: Given) => {
  const error = Result.getOrThrow(Result.flip(made(given)))
  return error._tag === "PrerequisiteError" ? error.problems : assert.fail(error._tag)
}

const actions = (given?: Given) =>
  plan(given).stages.flatMap(({ steps }) => steps.map(({ action }) => action))
const puts = (given?: Given) =>
  actions(given).flatMap((action) => (action._tag === "Put" ? [action.change] : []))
const pruned = (given?: Given) =>
  actions(given).flatMap((action) => (action._tag === "Prune" ? [action.directories] : []))
/** What is written down before a restart, and after it. */
const records = (given?: Given) =>
  actions(given).flatMap((action) =>
    action._tag === "Record" && action.ledger !== null ? [action.ledger] : [],
  )
const verbs = (given?: Given) =>
  actions(given).flatMap((action) => (action._tag === "Unit" ? [action.verb] : []))

describe("a rollback compares", () => {
  it("what the stage changed, and what the runtime loads when it is taken back", () => {
    const imported = path("/etc/containerd/conf.d/one.toml")
    const before = { ...nothingOurs, loaded: [main, imported] }
    assert.deepStrictEqual(RollbackPlan.pathsOfInterest(journalOf({ before })), [
      dropIn,
      main,
      main,
      imported,
    ])
    assert.deepStrictEqual(RollbackPlan.pathsOfInterest(journalOf({})), [dropIn, main])
  })
})

describe("a rollback gives each path", () => {
  it("what the first change of it found, the newest path first", () => {
    const changes = [
      [dropIn, absent, text("one")],
      [main, text("theirs"), text("theirs, ours")],
      [dropIn, text("one"), text("two")],
    ] as const
    assert.deepStrictEqual(puts({ changes, tree: { [dropIn]: "two", [main]: "theirs, ours" } }), [
      { path: main, before: text("theirs, ours"), after: text("theirs") },
      { path: dropIn, before: text("two"), after: absent },
    ])
  })

  it("nothing where the stage never got to it", () => {
    const tree = { [dropIn]: "ours", [main]: "theirs" }
    assert.deepStrictEqual(puts({ tree }), [
      { path: main, before: text("theirs"), after: text("theirs") },
      { path: dropIn, before: text("ours"), after: absent },
    ])
  })
})

describe("a rollback is refused", () => {
  it("for each path that is neither what the stage made of it nor what it found; the journal has the latter", () => {
    const found = problems({ tree: { [dropIn]: "ours, edited", [main]: "theirs, ours, edited" } })
    assert.deepStrictEqual(
      found.map(({ code, path: at }) => [code, at]),
      [
        ["E_CHANGED_SINCE", dropIn],
        ["E_CHANGED_SINCE", main],
      ],
    )
    for (const { remedy } of found) assert.include(remedy, Journal.pathIn(Node.stateDir, "cri"))
  })

  it("where there is a journal and no ledger, or a ledger and no journal", () => {
    for (const facts of [{ ledger: { _tag: "None" } }, { lastCriStage: undefined }] as const)
      assert.deepStrictEqual(
        problems({ facts }).map(({ code, path: at }) => [code, at]),
        [["E_NOTHING_TO_ROLL_BACK", Journal.pathIn(Node.stateDir, "cri")]],
      )
  })
})

describe("the ledger after a rollback", () => {
  const component = (name: string): Ledger.OwnedComponent => ({
    name,
    archive: { sha256: name, size: 1, modifiedMs: 1 },
    entries: [],
  })
  const cri = (name: string): Ledger.OwnedFile => ({
    path: path(`${conf}/${name}`),
    stage: "cri",
    digest: name,
  })
  const artifact = (name: string): Ledger.OwnedFile => ({
    path: path(`/opt/kata/${name}`),
    stage: "artifacts",
    digest: name,
  })
  const edit = (element: string): Ledger.Edit => ({
    kind: "import",
    path: main,
    elements: [element],
    createdFile: false,
    region: { before: "", after: element },
  })
  const before: Ledger.Ledger = {
    ...nothingOurs,
    handlers: ["kata-qemu"],
    loaded: [main],
    startedWith: "before",
    components: [component("old")],
    files: [artifact("old"), cri("old")],
    edits: [edit("old")],
    modes: [{ shim: "qemu", mode: "guest-pull", said: {} }],
  }
  const ledger: Ledger.Ledger = {
    ...nothingOurs,
    handlers: ["kata-qemu", "kata-clh"],
    loaded: [main, dropIn],
    startedWith: "now",
    restartDue: { since: 1 },
    restarting: { with: "now", since: 1 },
    components: [component("new")],
    files: [artifact("new"), cri("new")],
    edits: [edit("new")],
  }

  it("has the configuration of before and the artifacts of now", () => {
    const [last] = records({ before, ledger })
    assert.deepStrictEqual(last, {
      ...nothingOurs,
      handlers: before.handlers,
      loaded: before.loaded,
      edits: before.edits,
      files: [artifact("new"), cri("old")],
      components: ledger.components,
      modes: before.modes!,
      restartDue: { since: null },
    })
  })

  it("has artifacts alone where there was none before the stage", () => {
    const [last] = records({ ledger })
    assert.deepStrictEqual(last, {
      ...nothingOurs,
      files: [artifact("new")],
      components: ledger.components,
      restartDue: { since: null },
    })
  })

  it("says what the runtime was started with once it is, by the files as they are then", () => {
    const given = { before: { ...before, loaded: [main, path("/etc/containerd/other.toml")] }, ledger }
    const tree = { ...installed.tree, "/etc/containerd/other.toml": "other" }
    const digest = RestartNeed.loadedDigest(given.before.loaded, (at) =>
      text(at === main ? "theirs" : "other"),
    )
    const [due, started] = records({ ...given, tree })
    assert.deepStrictEqual([due!.startedWith, started!.startedWith], [null, digest])
    assert.isUndefined(started!.restartDue)
  })

  it("leaves it to the runtime's next start where nothing of it is loaded any more", () => {
    assert.lengthOf(records({ ledger }), 1)
  })
})

describe("directories that the stage made", () => {
  const shared = path("/etc/containerd/certs.d")
  const changes = [
    ["/opt/kata/containerd", absent, directory],
    [conf, absent, directory],
    [shared, directory, directory],
    [dropIn, absent, text("ours")],
  ] as const
  const above = path("/opt/kata/containerd")
  const elsewhere = path("/opt/kata/share")

  it("go when they are empty, the inner ones first, and are recorded no more", () => {
    const ledger = { ...nothingOurs, directories: [above, conf, elsewhere, shared] }
    assert.deepStrictEqual(pruned({ changes, ledger }), [[conf, above]])
    assert.deepStrictEqual(records({ changes, ledger })[0]!.directories, [elsewhere, shared])
  })

  it("stay where they are not recorded as ours", () => {
    assert.deepStrictEqual(pruned({ changes, ledger: { ...nothingOurs, directories: [conf] } }), [[conf]])
    assert.deepStrictEqual(pruned({ changes }), [])
  })
})

describe("a rollback restarts the runtime", () => {
  const unit = "containerd.service"
  const run = (activeSince: number) =>
    Fact.known({
      state: "active",
      subState: "running",
      result: "success",
      mainPid: 1,
      activeSince,
      restarts: 0,
      needsReload: false,
    } as const)
  const asIs = { tree: { [main]: "theirs" } }
  const unseen = Node.facts({}).sight
  const owed = (activeSince: number): Given => ({
    ...asIs,
    ledger: { ...nothingOurs, restartDue: { since: 5_000 } },
    facts: { sight: { ...unseen, runtimeRun: run(activeSince) } },
  })
  const of = (runtime: string): Given => ({ ledger: { ...nothingOurs, runtime } })
  const notOurs = { control: Fact.unknown("not-asked", "units are not controlled") }

  for (const [when, given, restarts, asked, due] of [
    ["where something is taken back", {}, [{ unit, due: "ours" }], ["reload", "restart"], true],
    [
      "where the stage came half-way",
      { tree: { [dropIn]: "ours", [main]: "theirs" } },
      [{ unit, due: "ours" }],
      ["reload", "restart"],
      true,
    ],
    ["not where nothing is to be taken back", asIs, [], [], false],
    [
      "where it owes a restart all the same",
      owed(5_000),
      [{ unit, due: "ours" }],
      ["reload", "restart"],
      true,
    ],
    ["not where it started anew since it owed one", owed(60_000), [], [], false],
    ["not where units are somebody else's", { facts: notOurs }, [{ unit, due: "not-ours" }], [], true],
    [
      "not where it reloads by itself",
      of("k0s-worker"),
      [{ unit: "k0sworker.service", due: "reloads-itself" }],
      [],
      false,
    ],
    ["not where it is none that can be configured", of("docker"), [], [], false],
  ] as const satisfies ReadonlyArray<
    readonly [string, Given, Plan.Plan["restarts"], ReadonlyArray<string>, boolean]
  >)
    it(when, () => {
      assert.deepStrictEqual(plan(given).restarts, restarts)
      assert.deepStrictEqual(verbs(given), [...asked])
      assert.strictEqual(records(given)[0]!.restartDue !== undefined, due)
    })
})

describe("the labels of the node", () => {
  const marked = Fact.known({
    containerRuntimeVersion: undefined,
    labels: { [NodeMarks.markOf("default")]: "true" },
    runtimeHandlers: undefined,
  })
  const stages = (handlers: ReadonlyArray<string>) =>
    plan({ before: { ...nothingOurs, handlers }, facts: { node: marked } }).stages.map(({ stage }) => stage)

  it("are given up first where no handler is left, and stay where one is", () => {
    assert.deepStrictEqual(stages([]), ["demote", "revert-cri"])
    assert.deepStrictEqual(stages(["kata-qemu"]), ["revert-cri"])
  })
})

describe("a rollback warns", () => {
  const warnings = (given: Given) => plan(given).notices
  const one = NydusMode.paths("guest-pull", settings().instance)
  const other = NydusMode.paths("host-share", settings().instance)
  const naming = (...names: ReadonlyArray<string>): Given => ({
    changes: [
      [main, text(names.map((name) => `snapshotter = "${name}"\n`).join("")), text("theirs, ours")],
      [dropIn, text("ours"), text("ours, too")],
    ],
    tree: { [main]: "theirs, ours", [dropIn]: "ours, too" },
  })

  it("of snapshotters of ours that any file of before names and that are gone", () => {
    const files = [{ path: dropIn, stage: "cri", digest: "" } as const]
    const given = { ...naming(one.name, other.name, "overlayfs"), ledger: { ...nothingOurs, files } }
    const [notice, ...more] = warnings(given)
    assert.deepStrictEqual(more, [])
    assert.deepInclude(notice, { code: "snapshotters-brought-back", severity: "warning" })
    assert.include(notice!.message, `${one.name}, ${other.name}, which`)
  })

  it("of none that is there still, and of none that is not named whole", () => {
    const files = [{ path: one.unitFile, stage: "cri", digest: "" } as const]
    assert.deepStrictEqual(warnings({ ...naming(one.name), ledger: { ...nothingOurs, files } }), [])
    assert.deepStrictEqual(warnings(naming(`${one.name}-2`)), [])
  })

  it("of every handler that comes back", () => {
    const before = { ...nothingOurs, handlers: ["kata-qemu", "kata-clh", "kata-fc"] }
    const [notice, ...more] = warnings({ before, ledger: { ...nothingOurs, handlers: ["kata-qemu"] } })
    assert.deepStrictEqual(more, [])
    assert.deepInclude(notice, { code: "handlers-brought-back", severity: "warning" })
    assert.include(notice!.message, "kata-clh, kata-fc,")
    assert.notInclude(notice!.message, "kata-qemu")
  })

  it("of every mode that is recorded then, and not where the same ones are", () => {
    const chosen = (shim: string, mode: NydusMode.NydusMode) => ({ shim, mode, said: {} })
    const modes = [chosen("qemu", "guest-pull"), chosen("clh", "host-share")]
    const before = { ...nothingOurs, modes }
    const [notice, ...more] = warnings({ before })
    assert.deepStrictEqual(more, [])
    assert.deepInclude(notice, { code: "modes-rolled-back", severity: "warning" })
    assert.include(notice!.message, "qemu in guest-pull, clh in host-share")
    assert.deepStrictEqual(warnings({ before, ledger: { ...nothingOurs, modes } }), [])
  })

  it("of nothing else, and leaves nothing behind on purpose", () => {
    assert.deepStrictEqual(warnings({}), [])
    assert.deepStrictEqual(plan().residues, [])
  })
})
