import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import {
  Fact,
  type Facts,
  FileState,
  InstallPlan,
  KataConfig,
  type Plan,
  PlanDocument,
  Settings,
} from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"
const base = '[hypervisor.qemu]\npath = "/opt/kata/bin/qemu-system-x86_64"\n'

const artifacts: Facts.ArtifactFacts = {
  directory: "/artifacts",
  manifest: FileState.file(JSON.stringify({ shims: { qemu: { x86_64: ["qemu", "kernel"] } } })),
  versions: FileState.file("v: 1\n"),
  archives: new Map(
    ["qemu", "kernel"].map((name) => [
      name,
      {
        archive: `tarballs/kata-static-${name}.tar.zst`,
        id: { sha256: name, size: 1_000_000, modifiedMs: 1 },
        unpackedBytes: undefined,
      },
    ]),
  ),
  damaged: new Set(),
  bases: new Map([
    [
      "configuration-qemu.toml",
      { ...Result.getOrThrow(KataConfig.parseBase(base)), archiveSha256: "a".repeat(64) },
    ],
  ]),
}

const node = Fact.known({ containerRuntimeVersion: undefined, labels: {}, runtimeHandlers: undefined })

interface Given {
  readonly action?: Plan.ActionName
  readonly variables?: Readonly<Record<string, string>>
  readonly tree?: Node.Tree
  readonly facts?: Partial<Facts.Facts>
}

const make = (given: Given = {}) =>
  InstallPlan.make({
    action: given.action ?? "install",
    ...Node.input(
      settings({ CONTAINER_RUNTIME_VERSION: "containerd://2.1.5", ...given.variables }),
      Node.facts(given.tree ?? { [main]: "version = 3\n" }, { artifacts, ...given.facts }),
    ),
  })

const plan = (given?: Given) => Result.getOrThrow(make(given))
const problems = (given?: Given) => Result.getOrThrow(Result.flip(make(given))).problems
const codes = (given?: Given) => problems(given).map((p) => p.code)
const stageNames = (of: Plan.Plan) => of.stages.map((s) => s.stage)
const summaries = (of: Plan.Plan, stage: Plan.StageName) =>
  of.stages
    .filter((s) => s.stage === stage)
    .flatMap((s) => s.steps.map((step) => PlanDocument.summary(step.action)))

describe("InstallPlan", () => {
  it("takes a snapshotter that nobody can set up for a wrong setting, whatever else the host lacks", () => {
    const error = (setup: string, more: Given = {}) =>
      Result.getOrThrow(
        Result.flip(
          make({ ...more, variables: { EXPERIMENTAL_SETUP_SNAPSHOTTER: setup, ...more.variables } }),
        ),
      )
    const wrong = error("foo,erofs", { variables: { CONTAINER_RUNTIME_VERSION: "containerd://1.7.2" } })
    assert.strictEqual(wrong._tag, "SettingsError")
    assert.deepStrictEqual(
      wrong.problems.filter(({ value }) => value === "foo").map(({ code }) => code),
      ["E_UNSUPPORTED_SNAPSHOTTER"],
    )
    for (const action of ["install-stage-artifacts", "install-stage-cri"] as const)
      assert.strictEqual(error("foo", { action })._tag, "SettingsError")
    // The name is right, and containerd is too old for it.
    assert.strictEqual(error("erofs")._tag, "PrerequisiteError")
  })

  it("passes over snapshotters with CRI-O, whatever is asked for", () => {
    const variables = {
      EXPERIMENTAL_SETUP_SNAPSHOTTER: "foo",
      CONTAINER_RUNTIME_VERSION: "cri-o://1.34.0",
    }
    assert.isTrue(Result.isSuccess(make({ variables })))
  })

  it("claims the node before anything is touched and promotes it when all is done", () => {
    const made = plan({ facts: { node } })
    assert.deepStrictEqual(stageNames(made), ["host-check", "artifacts", "cri", "label"])
    assert.match(summaries(made, "artifacts")[0]!, /^claim the node/)
    assert.deepStrictEqual(summaries(made, "label"), [
      "wait until the node is ready, at most 300 s",
      "promote the node for default",
      "see the labels of default hold",
    ])
  })

  it("marks nothing where the API was not asked", () => {
    const made = plan()
    assert.deepStrictEqual(stageNames(made), ["host-check", "artifacts", "cri"])
    assert.notInclude(summaries(made, "artifacts").join(), "claim")
  })

  it("unpacks before it writes configurations, and restarts after everything is recorded", () => {
    const made = plan()
    const unpack = summaries(made, "artifacts").findIndex((s) => s.startsWith("unpack kernel, qemu"))
    const copy = summaries(made, "artifacts").findIndex((s) =>
      s.includes("runtimes/qemu/configuration-qemu.toml"),
    )
    assert.isTrue(unpack >= 0 && unpack < copy)
    const cri = summaries(made, "cri")
    const order = [
      `create ${dropIn}`,
      `change ${main}`,
      "record",
      "restart containerd.service",
      "wait for",
      "record",
    ]
    let from = 0
    for (const part of order) {
      const at = cri.findIndex((s, i) => i >= from && s.startsWith(part))
      assert.isAtLeast(at, from, `${part} in ${cri.join("\n")}`)
      from = at + 1
    }
    assert.deepStrictEqual(made.restarts, [{ unit: "containerd.service", due: "ours" }])
  })

  it("lists a restart as due and not ours where no unit may be controlled", () => {
    const made = plan({ facts: { control: Fact.unknown("not-asked", "the operator chose so") } })
    assert.deepStrictEqual(made.restarts, [{ unit: "containerd.service", due: "not-ours" }])
    assert.notInclude(summaries(made, "cri").join(), "restart")
  })

  it("checks only, for the host-check stage, and finds what the later stages would find", () => {
    assert.deepStrictEqual(stageNames(plan({ action: "install-stage-host-check" })), ["host-check"])
    assert.deepStrictEqual(plan({ action: "install-stage-host-check" }).restarts, [])
    assert.deepStrictEqual(codes({ action: "install-stage-host-check", tree: { [main]: "x = " } }), [
      "E_CONTAINERD_CONFIG_NOT_TOML",
    ])
  })

  for (const [action, stage] of [
    ["install-stage-artifacts", "artifacts"],
    ["install-stage-cri", "cri"],
  ] as const) {
    it(`${action} does its own stage only`, () => {
      const made = plan({ action, facts: { node } })
      assert.deepStrictEqual(stageNames(made), [stage])
      assert.notInclude(JSON.stringify(made), '"_tag":"Mark"')
    })
  }

  it("finds every problem of every stage before the first step", () => {
    const found = problems({
      tree: { [main]: "imports = 'x'\n" },
      facts: { artifacts: { ...artifacts, archives: new Map() } },
    })
    assert.deepStrictEqual(
      found.map((p) => p.code),
      ["E_TARBALL_MISSING", "E_TARBALL_MISSING", "E_MAIN_CONFIG_LAYOUT"],
    )
  })

  it("needs room for five times the compressed size where archives do not say what they hold", () => {
    assert.deepStrictEqual(codes({ facts: { freeBytes: Fact.known(9_999_999) } }), ["E_NO_SPACE"])
    plan({ facts: { freeBytes: Fact.known(10_000_000) } })
  })

  it("needs the Kata configuration of every handler before the first write", () => {
    assert.deepStrictEqual(codes({ facts: { artifacts: { ...artifacts, bases: new Map() } } }), [
      "E_CONFIG_NOT_FOUND",
    ])
  })

  it("law L5: makes no plan with a ledger that cannot be read", () => {
    assert.deepStrictEqual(codes({ facts: { ledger: { _tag: "Unreadable", why: "denied" } } }), [
      "E_LEDGER_UNREADABLE",
    ])
  })

  it("is an empty plan where no shim is asked for on this architecture", () => {
    const none = Result.getOrThrow(
      Settings.decode({
        architecture: "x86_64",
        variables: { SHIMS_AARCH64: "qemu" },
        customConfigs: { _tag: "Files", files: new Map() },
        api: "not-used",
      }),
    )
    const made = Result.getOrThrow(
      InstallPlan.make({ action: "install", ...Node.input(none, Node.facts({})) }),
    )
    assert.deepStrictEqual(made.stages, [])
    assert.deepStrictEqual(
      made.notices.map((n) => n.code),
      ["nothing-to-do"],
    )
  })

  it("names the handlers that will exist, and the runtime", () => {
    const made = plan({ variables: { DEBUG: "true" } })
    assert.deepStrictEqual([...made.handlers], ["kata-qemu", "kata-qemu-debug"])
    assert.strictEqual(made.runtime, "containerd")
  })

  it("warns of what is only worth knowing", () => {
    const made = plan({ facts: { artifacts: { ...artifacts, versions: FileState.absent } } })
    assert.include(
      made.notices.map((n) => n.code),
      "no-versions-file",
    )
  })
})
