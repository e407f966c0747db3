/** What does an install do to the Node object, and which facts of the host tell it what runs there? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { Fact, Facts, FileState, HostPath, InstallPlan, NodeMarks, Policies } from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const k3s = "/var/lib/rancher/k3s/agent/etc/containerd"

const detected = (tree: Node.Tree, rest: Partial<Facts.Facts> = {}) =>
  Result.getOrThrow(
    InstallPlan.detect({ settings: settings(), facts: Node.facts(tree, rest), policies: Policies.standard }),
  ).row.runtime

describe("detection from a host", () => {
  it("goes by a marker that is there as a directory, a file or a link, and by nothing that nobody could see", () => {
    const of = (state: FileState.FileState) => detected({ [k3s]: state })
    assert.strictEqual(of(FileState.directory()), "k3s")
    assert.strictEqual(of(FileState.link("/data/k3s")), "k3s")
    assert.strictEqual(of(FileState.file("")), "k3s")
    assert.strictEqual(of(FileState.absent), "containerd")
    assert.strictEqual(of({ _tag: "Unreadable", why: "denied", detail: "x" }), "containerd")
  })

  it("looks at every marker, and at what decides for a containerd only where there is one", () => {
    assert.include(InstallPlan.detectionPaths, HostPath.make(k3s))
    assert.include(InstallPlan.detectionPaths, HostPath.make("/etc/crio"))
    assert.include(InstallPlan.detectionPaths, HostPath.make("/etc/containerd"))
    assert.deepStrictEqual(InstallPlan.inputPaths(settings(), Node.detected("crio")), [])
    assert.deepStrictEqual<ReadonlyArray<string>>(
      InstallPlan.inputPaths(settings(), Node.detected("containerd")),
      ["", ".bak", ".kata-deploy-created"].map((end) => `/etc/containerd/config.toml${end}`),
    )
  })

  it("has no path to compare where the runtime stays unknown", () => {
    const facts = Node.facts({}, { namedRuntime: "nobody's" })
    assert.deepStrictEqual(
      InstallPlan.pathsOfInterest({ settings: settings(), facts, policies: Policies.standard }),
      [],
    )
  })
})

describe("the labels of an install", () => {
  const main = "/etc/containerd/config.toml"
  const artifacts: Facts.ArtifactFacts = {
    ...Facts.unseen("1", Node.stateDir, Fact.known("systemd")).artifacts,
    directory: "/artifacts",
    manifest: FileState.file(JSON.stringify({ shims: { remote: { x86_64: [] } } })),
    bases: new Map([["configuration-remote.toml", { text: "", table: {}, archiveSha256: "a" }]]),
  }
  const plan = (
    labels: Readonly<Record<string, string>>,
    variables: Readonly<Record<string, string>> = {},
    rest: Partial<Facts.Facts> = {},
  ) =>
    Result.getOrThrow(
      InstallPlan.make({
        action: "install",
        ...Node.input(
          settings({ CONTAINER_RUNTIME_VERSION: "containerd://2.1.5", SHIMS_X86_64: "remote", ...variables }),
          Node.facts(
            { [main]: "version = 3\n" },
            {
              artifacts,
              node: Fact.known({ containerRuntimeVersion: undefined, labels, runtimeHandlers: undefined }),
              ...rest,
            },
          ),
        ),
      }),
    )
  const actions = (...given: Parameters<typeof plan>) =>
    plan(...given).stages.flatMap((s) =>
      s.steps.flatMap(({ action }) =>
        action._tag === "Mark"
          ? [`${s.stage} ${action.intent}`]
          : ["AwaitReady", "HoldMarks", "Untaint"].includes(action._tag)
            ? [`${s.stage} ${action._tag}`]
            : [],
      ),
    )
  const unasked = { control: Fact.unknown("not-asked", "the operator chose so") }
  const claimed = NodeMarks.claim({}, "default")
  const promoted = {
    ...claimed,
    ...NodeMarks.promote(claimed as Record<string, string>, "default"),
  } as Record<string, string>

  it("are claimed first, and promoted and held once the restarted node is ready", () => {
    assert.deepStrictEqual(actions({}), [
      "artifacts claim",
      "label AwaitReady",
      "label promote",
      "label HoldMarks",
    ])
  })

  it("wait for nobody where no restart is ours to wait for", () => {
    assert.deepStrictEqual(actions({}, {}, unasked), ["artifacts claim", "label promote", "label HoldMarks"])
  })

  it("that are there already are only seen to hold after a restart, and left alone without one", () => {
    assert.deepStrictEqual(actions(promoted), ["label AwaitReady", "label HoldMarks"])
    assert.deepStrictEqual(actions(promoted, {}, unasked), [])
  })

  it("come before the taints go that kept pods away until then", () => {
    assert.deepStrictEqual(actions(promoted, { STARTUP_TAINTS: "kata.io/x" }, unasked), ["label Untaint"])
    assert.deepStrictEqual(actions({}, { STARTUP_TAINTS: "kata.io/x" }).at(-1), "label Untaint")
  })

  it("are nobody's where the Node was not asked for", () => {
    assert.deepStrictEqual(actions({}, {}, { node: Fact.unknown("not-asked", "x") }), [])
  })

  it("leave the interrupted run's files to the first stage that runs", () => {
    const half = HostPath.make("/opt/kata/.kata-deploy/x.tmp")
    const facts = Node.facts({ [main]: "version = 3\n", [half]: "x" }, { artifacts, leftovers: [half] })
    const of = (action: InstallPlan.PlanInput["action"]) =>
      Result.getOrThrow(
        InstallPlan.make({
          action,
          ...Node.input(
            settings({ CONTAINER_RUNTIME_VERSION: "containerd://2.1.5", SHIMS_X86_64: "remote" }),
            facts,
          ),
        }),
      ).stages.flatMap((s) =>
        s.steps.flatMap(({ action: a }) => (a._tag === "Put" && a.change.path === half ? [s.stage] : [])),
      )
    assert.deepStrictEqual(of("install"), ["artifacts"])
    assert.deepStrictEqual(of("install-stage-cri"), ["cri"])
    assert.deepStrictEqual(of("install-stage-host-check"), [])
  })
})
