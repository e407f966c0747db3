import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  CleanupPlan,
  Fact,
  type Facts,
  FileState,
  HostPath,
  Ledger,
  Ownership,
  type Plan,
  PlanDocument,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const path = HostPath.make
const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"

const edit: Ledger.Edit = {
  kind: "import",
  path: path(main),
  elements: [dropIn],
  createdFile: false,
  region: { before: "", after: `imports = ["${dropIn}"]\n` },
}

const owned = (at: string, stage: "artifacts" | "cri"): Ledger.OwnedFile => ({
  path: path(at),
  stage,
  digest: Ownership.digestOf(FileState.file("ours")),
})

const ledger: Ledger.Ledger = {
  ...Ledger.empty("default", "1", "containerd"),
  handlers: ["kata-qemu"],
  startedWith: "x",
  files: [owned(dropIn, "cri"), owned("/opt/kata/versions.yaml", "artifacts")],
  components: [
    {
      name: "qemu",
      archive: { sha256: "a", size: 1, modifiedMs: 1 },
      entries: [{ type: "link", path: "bin/qemu", target: "x" }],
    },
  ],
  directories: [
    "/opt/kata",
    "/opt/kata/containerd",
    "/opt/kata/containerd/config.d",
    "/opt/kata/.kata-deploy",
  ].map(path),
  edits: [edit],
}

const tree: Node.Tree = {
  [main]: `version = 3\nimports = ["${dropIn}"]\n`,
  [dropIn]: "ours",
  "/opt/kata/versions.yaml": "ours",
  "/opt/kata/.kata-deploy/ledger.json": "{}",
}

const node = Fact.known({ containerRuntimeVersion: undefined, labels: {}, runtimeHandlers: undefined })

const make = (
  rest: Partial<Facts.Facts> = {},
  changed: Node.Tree = {},
  action: Plan.ActionName = "cleanup",
) =>
  CleanupPlan.make({
    action,
    ...Node.input(
      settings(),
      Node.facts({ ...tree, ...changed }, { ledger: Node.recorded(ledger), ...rest }),
    ),
  })

const plan = (...given: Parameters<typeof make>) => Result.getOrThrow(make(...given))
const codes = (...given: Parameters<typeof make>) =>
  Result.getOrThrow(Result.flip(make(...given))).problems.map((p) => p.code)

const steps = (of: Plan.Plan) =>
  of.stages.map((s) => [s.stage, s.steps.map((step) => PlanDocument.summary(step.action))])
const stageNames = (of: Plan.Plan) => of.stages.map((s) => s.stage)

describe("CleanupPlan", () => {
  it("law L4: demotes, then configuration, then artifacts, then marks, then restarts", () => {
    assert.deepStrictEqual(stageNames(plan({ node })), [
      "demote",
      "revert-cri",
      "remove-artifacts",
      "unlabel",
      "restart",
    ])
  })

  it("takes our part out of the operator's file before it removes what that names, and the ledger goes last", () => {
    const [revert, remove] = steps(plan())
    assert.deepStrictEqual(revert, [
      "revert-cri",
      [
        `change ${main}`,
        `remove ${dropIn}`,
        "remove 2 directories that are left empty",
        "record what is ours in /opt/kata/.kata-deploy/ledger.json",
      ],
    ])
    const summaries = remove![1] as ReadonlyArray<string>
    const at = (text: string) => summaries.findIndex((s) => s.includes(text))
    assert.isTrue(
      at("versions.yaml") < at("record") && at("paths below /opt/kata") < at("record"),
      summaries.join("\n"),
    )
    assert.include(summaries.at(-1)!, "record")
    const [, restart] = steps(plan()).at(-1)!
    assert.include((restart as ReadonlyArray<string>)[1], "and remove /opt/kata/.kata-deploy/ledger.json")
  })

  it("marks nothing where the API was not asked", () => {
    assert.deepStrictEqual(stageNames(plan()), ["revert-cri", "remove-artifacts", "restart"])
  })

  it("leaves the restart to others where no unit may be controlled, and says that it is due", () => {
    const made = plan({ control: Fact.unknown("not-asked", "the operator chose so") })
    assert.deepStrictEqual(stageNames(made), ["revert-cri", "remove-artifacts"])
    assert.deepStrictEqual(made.restarts, [{ unit: "containerd.service", due: "not-ours" }])
  })

  it("asks for no restart where the configuration is gone already", () => {
    const made = plan({}, { [main]: "version = 3\n", [dropIn]: FileState.absent })
    assert.deepStrictEqual(made.restarts, [])
    assert.notInclude(stageNames(made), "restart")
  })

  it("removes nothing but empty directories of ours without a ledger, and says so", () => {
    const made = plan({ ledger: { _tag: "None" } })
    assert.deepStrictEqual(
      made.stages.flatMap((stage) => stage.steps.map((step) => step.action)),
      [
        {
          _tag: "Prune",
          directories: ["journal", "staging", "."]
            .map((name) => HostPath.join(Node.stateDir, name))
            .concat(HostPath.make("/opt/kata")),
        },
      ],
    )
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["no-install"],
    )
  })

  it("does nothing while our DaemonSet still selects the node, even where a file is out of reach", () => {
    const made = plan({ ownDaemonSet: Fact.known(true) }, { [main]: FileState.link("x") })
    assert.deepStrictEqual(made.stages, [])
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["still-wanted"],
    )
  })

  it("law L5: makes no plan when the ledger or the DaemonSet could not be seen", () => {
    assert.deepStrictEqual(codes({ ledger: { _tag: "Unreadable", why: "denied" } }), ["E_LEDGER_UNREADABLE"])
    assert.deepStrictEqual(codes({ ownDaemonSet: Fact.unknown("failed", "no answer") }), [
      "E_DAEMONSET_UNKNOWN",
    ])
  })

  const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "no permission" }

  for (const [what, state] of [
    ["cannot be read", unreadable],
    ["is a link now", FileState.link("x")],
    ["is a directory now", FileState.directory()],
  ] as const) {
    it(`law L5: makes no plan when the file with our import ${what}, or the import would be left without its file`, () => {
      assert.deepStrictEqual(codes({}, { [main]: state }), ["E_CONTAINERD_CONFIG_UNREADABLE"])
      assert.deepStrictEqual(codes({}, { [main]: state }, "cleanup-stage-revert-cri"), [
        "E_CONTAINERD_CONFIG_UNREADABLE",
      ])
    })
  }

  it("is done with a main config that is gone", () => {
    assert.notInclude(JSON.stringify(steps(plan({}, { [main]: FileState.absent }))), `change ${main}`)
  })

  it("leaves what stands in the place of a file of ours and is none, and says so", () => {
    const made = plan({}, { "/opt/kata/versions.yaml": FileState.directory() })
    assert.notInclude(JSON.stringify(steps(made)), "versions.yaml")
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["owned-file-not-removed"],
    )
  })

  it("removes a file of ours that somebody changed, and says so", () => {
    const made = plan({}, { [dropIn]: "theirs" })
    assert.include(JSON.stringify(steps(made)), `remove ${dropIn}`)
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["owned-file-changed"],
    )
  })

  for (const [action, stages] of [
    ["cleanup-stage-revert-cri", ["revert-cri", "restart"]],
    ["cleanup-stage-remove-artifacts", ["remove-artifacts"]],
  ] as const) {
    it(`${action} does its own stage only, and asks nobody`, () => {
      const made = plan({ node, ownDaemonSet: Fact.unknown("failed", "no answer") }, {}, action)
      assert.deepStrictEqual(stageNames(made), [...stages])
    })
  }

  it("names the handlers that go", () => {
    assert.deepStrictEqual([...plan().handlers], ["kata-qemu"])
    assert.deepStrictEqual([...plan({}, {}, "cleanup-stage-remove-artifacts").handlers], [])
  })
})
