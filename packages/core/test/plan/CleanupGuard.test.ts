/** What does a cleanup leave standing: a tree in use, files that it cannot look into, directories that are not empty? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  type Action,
  CleanupPlan,
  Fact,
  type Facts,
  FileState,
  HostPath,
  type HostSight,
  type InUse,
  Ledger,
  NodeMarks,
  Ownership,
  type Plan,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const path = HostPath.make
const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"
const versions = "/opt/kata/versions.yaml"

const owned = (at: string, stage: "artifacts" | "cri"): Ledger.OwnedFile => ({
  path: path(at),
  stage,
  digest: Ownership.digestOf(FileState.file("ours")),
})

const ledger: Ledger.Ledger = {
  ...Ledger.empty("default", "1", "containerd"),
  handlers: ["kata-qemu"],
  files: [owned(dropIn, "cri"), owned(versions, "artifacts")],
  directories: [
    "/opt/kata",
    "/opt/kata/containerd",
    "/opt/kata/containerd/config.d",
    "/opt/kata/.kata-deploy",
  ].map(path),
  edits: [
    {
      kind: "import",
      path: path(main),
      elements: [dropIn],
      createdFile: false,
      region: { before: "", after: `imports = ["${dropIn}"]\n` },
    },
  ],
}

const tree: Node.Tree = {
  [main]: `version = 3\nimports = ["${dropIn}"]\n`,
  [dropIn]: "ours",
  [versions]: "ours",
  "/opt/kata/.kata-deploy/ledger.json": "{}",
}

interface Given {
  readonly action?: Plan.ActionName
  readonly facts?: Partial<Facts.Facts>
  readonly users?: Facts.SightFacts["users"]
  readonly sandboxes?: Facts.SightFacts["sandboxes"]
  readonly whenInUse?: InUse.WhenInUse
  readonly tree?: Node.Tree
  readonly ledger?: Ledger.Ledger
}

const make = (given: Given) => {
  const facts = Node.facts(
    { ...tree, ...given.tree },
    { ledger: Node.recorded(given.ledger ?? ledger), ...given.facts },
  )
  const sight = {
    ...facts.sight,
    users: given.users ?? Fact.known([]),
    sandboxes: given.sandboxes ?? Fact.known([]),
  }
  return CleanupPlan.make({
    action: given.action ?? "cleanup",
    ...(given.whenInUse === undefined ? {} : { whenInUse: given.whenInUse }),
    ...Node.input(settings(), { ...facts, sight }),
  })
}
const plan = (given: Given) => Result.getOrThrow(make(given))
const failure = (given: Given) => Result.getOrThrow(Result.flip(make(given)))
const stages = (given: Given) => plan(given).stages.map((s) => s.stage)
const notices = (given: Given) => plan(given).notices.map((n) => n.code)
const actions = (given: Given) => plan(given).stages.flatMap((s) => s.steps.map((each) => each.action))
const removed = (given: Given) =>
  actions(given).flatMap((a) =>
    a._tag === "Put" && a.change.after._tag === "Absent" ? [a.change.path as string] : [],
  )
/** What the restart takes away once it is asked for. */
const forgotten = (a: Action.Action) => (a._tag === "Unit" ? a.forgets : undefined)
const pruned = (given: Given) =>
  actions(given).flatMap((a) => (a._tag === "Prune" ? a.directories : (forgotten(a)?.directories ?? [])))
const records = (given: Given) =>
  actions(given).flatMap((a) => (a._tag === "Record" ? [a.ledger] : forgotten(a) === undefined ? [] : [null]))

const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }
const node = (labels: Readonly<Record<string, string>> = {}) =>
  Fact.known({ containerRuntimeVersion: undefined, labels, runtimeHandlers: undefined })
const sandbox: HostSight.RunningSandbox = { id: "s1", pod: "default/web", handler: "kata-qemu" }
const inUse: Given = { facts: { node: node() }, sandboxes: Fact.known([sandbox]) }

describe("a cleanup of a tree in use", () => {
  it("demotes the node and removes nothing, and says whose pods are in the way", () => {
    const made = plan(inUse)
    assert.deepStrictEqual(
      made.stages.map((s) => s.stage),
      ["demote"],
    )
    assert.strictEqual(made.refused?.code, "E_IN_USE")
    assert.deepStrictEqual([made.runtime, made.sandboxes, made.restarts], ["containerd", ["default/web"], []])
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["in-use"],
    )
  })

  it("goes on by force, and says what it ends", () => {
    const forced = { ...inUse, whenInUse: "force" } as const
    assert.deepStrictEqual(stages(forced), ["demote", "revert-cri", "remove-artifacts", "unlabel", "restart"])
    assert.strictEqual(notices(forced)[0], "removed-while-in-use")
    assert.isNull(plan(forced).refused)
  })

  it("takes the configuration back all the same where only that is asked for", () => {
    const staged = { ...inUse, action: "cleanup-stage-revert-cri" } as const
    assert.deepStrictEqual(stages(staged), ["revert-cri", "restart"])
    assert.deepStrictEqual(removed(staged), [dropIn])
  })

  it("refuses the stage that removes the tree, whose labels are the dispatcher's", () => {
    const staged = { ...inUse, action: "cleanup-stage-remove-artifacts" } as const
    assert.deepStrictEqual([stages(staged), plan(staged).refused?.code], [[], "E_IN_USE"])
  })

  describe("from which a snapshotter of ours runs", () => {
    const unitFile = path("/etc/systemd/system/nydus-for-kata-tee.service")
    const users = (program: string, sandbox?: string) =>
      Fact.known([{ pid: 7, program: `/opt/kata/${program}`, sandbox, through: "program" as const }])
    const running = users("nydus-for-kata-tee/containerd-nydus-grpc")
    const owned: Given = {
      ledger: { ...ledger, files: [...ledger.files, { path: unitFile, stage: "artifacts", digest: null }] },
      tree: { [unitFile]: "[Service]\n" },
      users: running,
    }

    it("goes on: the cleanup stops it before its programs go", () => {
      assert.isNull(plan(owned).refused)
      assert.isTrue(actions(owned).some((a) => a._tag === "Unit" && a.verb === "stop"))
    })

    const others: ReadonlyArray<readonly [what: string, given: Given]> = [
      ["something else runs from it, too", { ...owned, users: users("bin/qemu-system-x86_64") }],
      ["a sandbox uses the snapshotter's programs", { ...owned, users: users("nydus-for-kata-tee/x", "s1") }],
      ["the unit is not ours", { users: running }],
      [
        "the unit cannot be stopped from here",
        { ...owned, facts: { control: Fact.unknown("not-asked", "the operator chose so") } },
      ],
    ]
    for (const [what, given] of others)
      it(`is refused where ${what}`, () => {
        assert.strictEqual(plan(given).refused?.code, "E_IN_USE")
      })
  })

  it("is no plan where it was tried to see and failed, and one with a notice where nothing can be seen", () => {
    const failed = failure({ users: Fact.unknown("failed", "no answer") })
    assert.strictEqual(failed._tag, "UnseenError")
    assert.deepStrictEqual(
      failed.problems.map((p) => p.code),
      ["E_USE_UNKNOWN"],
    )
    const hidden = Fact.unknown("out-of-sight", "not from here")
    const made = plan({ users: hidden, sandboxes: hidden })
    assert.deepStrictEqual([made.notices[0]?.code, made.sandboxes], ["use-not-checked", null])
  })

  it("that is free names no pods", () => {
    assert.deepStrictEqual(plan({}).sandboxes, [])
  })
})

describe("a cleanup of files that it cannot look into", () => {
  it("tells what stands where its edit was", () => {
    const says = (state: FileState.FileState) => failure({ tree: { [main]: state } }).problems[0]!.message
    assert.include(says(unreadable), "no permission")
    assert.include(says(FileState.link("x")), "is a link now")
    assert.include(says(FileState.directory()), "is a directory now")
  })

  it("is no plan where an import could not be taken out again", () => {
    const broken = failure({ tree: { [main]: "version = \n" } })
    assert.deepStrictEqual(
      broken.problems.map((p) => [p.code, p.path]),
      [["E_CONTAINERD_CONFIG_NOT_TOML", main]],
    )
  })

  it("does not care for the edit where only the tree is asked for", () => {
    assert.deepStrictEqual(
      stages({ action: "cleanup-stage-remove-artifacts", tree: { [main]: unreadable } }),
      ["remove-artifacts"],
    )
  })

  it("leaves a file of ours that cannot be read, and goes on naming it", () => {
    const given: Given = { tree: { [versions]: unreadable } }
    assert.notInclude(removed(given), versions)
    assert.deepStrictEqual(notices(given), ["owned-file-not-removed"])
    const last = records(given).at(-1)
    assert.deepStrictEqual(
      last?.files.map((f): string => f.path),
      [versions],
    )
    assert.include(plan(given).notices[0]!.message, "no permission")
    assert.notInclude(pruned(given), path("/opt/kata"))
  })

  it("leaves a directory in the place of a file of ours, and no longer calls it ours", () => {
    const given: Given = { tree: { [dropIn]: FileState.directory() } }
    assert.notInclude(removed(given), dropIn)
    assert.include(plan(given).notices[0]!.message, "a directory")
    assert.isNull(records(given).at(-1))
  })
})

describe("a cleanup's books", () => {
  it("are written after the configuration and the tree and go with the restart, unless something stays", () => {
    const [first, left, last, ...more] = records({})
    assert.deepStrictEqual(
      [first?.handlers, first?.edits, first?.loaded, first?.startedWith],
      [[], [], [], null],
    )
    assert.deepStrictEqual(
      first?.files.map((f): string => f.path),
      [versions],
    )
    assert.isTrue(left !== null && left !== undefined && Ledger.ownsNothing(left))
    assert.deepStrictEqual(
      [left?.restartDue, left?.directories],
      [{ since: null }, ["/opt/kata", "/opt/kata/.kata-deploy"].map(path)],
    )
    assert.deepStrictEqual([last, more], [null, []])
    const control = Fact.unknown("not-asked", "the operator chose so")
    assert.isNull(records({ facts: { control } })[1])
    const [kept] = records({ action: "cleanup-stage-remove-artifacts" })
    assert.deepStrictEqual(
      kept?.files.map((f): string => f.path),
      [dropIn],
    )
    assert.deepStrictEqual(kept?.edits.length, 1)
  })

  it("are not written anew where nothing of the configuration is ours any more", () => {
    const settled = { ...ledger, handlers: [], files: [owned(versions, "artifacts")], edits: [] }
    assert.deepStrictEqual(records({ ledger: settled, action: "cleanup-stage-revert-cri" }), [])
  })

  it("of an install that was adopted are nowhere, and are written first where a restart is due, and go with it", () => {
    const adopted = { _tag: "Adopted", ledger: { ...ledger, adopted: "everything" } } as const
    const control = Fact.unknown("not-asked", "the operator chose so")
    assert.deepStrictEqual(records({ facts: { ledger: adopted, control } }), [])
    const [first, ...others] = records({ facts: { ledger: adopted } })
    assert.deepStrictEqual(
      [first?.edits, first?.files, first?.restartDue],
      [ledger.edits, ledger.files, { since: null }],
    )
    assert.isNull(others.at(-1))
  })

  it("forget a restart that nobody saw the end of", () => {
    const restarting = { ...ledger, restarting: { with: "x", since: null } }
    assert.notProperty(records({ ledger: restarting })[0], "restarting")
  })
})

describe("a cleanup's directories", () => {
  it("go from the deepest to the one that holds them all", () => {
    const found = pruned({})
    assert.deepStrictEqual(
      found.slice(0, 2),
      ["/opt/kata/containerd/config.d", "/opt/kata/containerd"].map(path),
    )
    assert.strictEqual<string | undefined>(found.at(-1), "/opt/kata")
  })

  it("stay where a file that stays is in them", () => {
    const found = pruned({ action: "cleanup-stage-revert-cri" })
    assert.deepStrictEqual(found, ["/opt/kata/containerd/config.d", "/opt/kata/containerd"].map(path))
    assert.deepStrictEqual(pruned({ action: "cleanup-stage-remove-artifacts" }), [])
  })
})

describe("what the CRI runtime still loads", () => {
  const user = "/opt/kata/containerd/config.d/zz-kata-deploy-user.toml"
  const components: Ledger.Ledger["components"] = [
    { name: "qemu", archive: { sha256: "a", size: 1, modifiedMs: 1 }, entries: [] },
  ]
  const reserved = (edits: Ledger.Ledger["edits"], there: Node.Tree = {}) =>
    actions({
      action: "cleanup-stage-remove-artifacts",
      ledger: { ...ledger, files: [owned(versions, "artifacts")], components, edits },
      tree: { [dropIn]: FileState.absent, ...there },
    }).flatMap((a) => (a._tag === "RemoveTree" ? a.reserved : []))
  const imports = (...elements: ReadonlyArray<string>): Ledger.Ledger["edits"] => [
    { kind: "import", path: path(main), elements, createdFile: false, region: { before: "", after: "" } },
  ]

  it("stays below the tree until its own stage has taken the import back, where it is there", () => {
    assert.deepStrictEqual(reserved(imports(user), { [user]: "x = 1\n" }), [Node.stateDir, path(user)])
    assert.deepStrictEqual(reserved(imports(user), { [user]: FileState.absent }), [Node.stateDir])
    assert.deepStrictEqual(reserved(imports(user), { [user]: unreadable }), [Node.stateDir, path(user)])
    assert.deepStrictEqual(reserved(imports("/etc/x.toml"), { "/etc/x.toml": "x = 1\n" }), [Node.stateDir])
    assert.deepStrictEqual(
      reserved([{ kind: "block", path: path(main), createdFile: false, block: "x" }], { [user]: "x = 1\n" }),
      [Node.stateDir],
    )
  })
})

describe("the restart of a cleanup", () => {
  const waits = (given: Given) => actions(given).some((a) => a._tag === "AwaitReady")

  it("is waited for where the whole cleanup sees the Node, and not by a stage or without it", () => {
    assert.isTrue(waits({ facts: { node: node() } }))
    assert.isFalse(waits({}))
    assert.isFalse(waits({ facts: { node: node() }, action: "cleanup-stage-revert-cri" }))
  })
})

describe("a cleanup without a ledger", () => {
  const none: Partial<Facts.Facts> = { ledger: { _tag: "None" } }
  const absent: Node.Tree = { "/opt/kata/.kata-deploy/ledger.json": FileState.absent }

  it("takes the mark off a node that an install claimed before it died", () => {
    const mark = { [NodeMarks.markOf("default")]: "x" }
    assert.include(stages({ facts: { ...none, node: node(mark) } }), "unlabel")
    assert.notInclude(stages({ facts: { ...none, node: node() } }), "unlabel")
    assert.notInclude(stages({ facts: none }), "unlabel")
  })

  it("takes away what an interrupted run left, and closes its journal", () => {
    const half = path("/opt/kata/.kata-deploy/x.tmp")
    const given: Given = { facts: { ...none, leftovers: [half] }, tree: { ...absent, [half]: "half" } }
    assert.deepStrictEqual(removed(given), [half])
    assert.deepStrictEqual(records(given), [null])
    assert.deepStrictEqual(records({ facts: none }), [])
  })

  it("looks at nothing but the state directory", () => {
    assert.deepStrictEqual(CleanupPlan.pathsOfInterest(Node.facts({}, none)), [Node.stateDir])
    assert.deepStrictEqual<ReadonlyArray<string>>(
      CleanupPlan.pathsOfInterest(Node.facts({}, { ledger: Node.recorded(ledger) })),
      [dropIn, versions, main, ...ledger.directories],
    )
  })

  it("has no stage where there is no state directory either", () => {
    const made = CleanupPlan.make({ action: "cleanup", ...Node.input(settings(), Node.facts({}, none)) })
    assert.deepStrictEqual(Result.getOrThrow(made).stages, [])
  })
})
