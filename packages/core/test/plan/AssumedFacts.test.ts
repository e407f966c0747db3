import { assert, describe, it } from "@effect/vitest"
import { AssumedFacts, Fact, Facts, FileState, HostPath, InstallPlan, Policies } from "../../src/index.ts"
import * as Node from "../Node.ts"
import { settings } from "../Sample.ts"

const main = "/etc/containerd/config.toml"
const dropIn = "/opt/kata/containerd/config.d/kata-deploy.toml"
const path = HostPath.make

/** The facts of a node of which no more is told than these files and, where it is, that containerd runs. */
const assumed = (tree: Readonly<Record<string, FileState.FileState>>, runs: boolean) => {
  const unseen = Facts.unseen("1.2.3", Node.stateDir, Fact.known("systemd"))
  return AssumedFacts.nothingElse({
    settings: settings(runs ? { CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" } : {}),
    policies: Policies.standard,
    facts: {
      ...unseen,
      files: new Map(Object.entries(tree).map(([at, state]) => [path(at), state])),
      units: new Map(runs ? [["containerd.service", Fact.known("active")]] : []),
    },
  })
}
const at = (facts: Facts.Facts, where: string) => facts.files.get(path(where))

describe("AssumedFacts", () => {
  it("keeps what is told, takes what planning asks for beside it for absent, and what is above it for a directory", () => {
    const facts = assumed({ [main]: FileState.file("version = 3\n") }, true)
    assert.deepStrictEqual(at(facts, main), FileState.file("version = 3\n"))
    assert.deepStrictEqual(at(facts, "/etc/containerd"), FileState.directory())
    assert.deepStrictEqual(at(facts, dropIn), FileState.absent)
    assert.deepStrictEqual(at(facts, "/opt/kata"), FileState.absent)
  })

  it("has no directory above what is told to be absent", () => {
    const facts = assumed({ [main]: FileState.absent }, true)
    assert.deepStrictEqual(at(facts, main), FileState.absent)
    assert.deepStrictEqual(at(facts, "/etc/containerd"), FileState.absent)
  })

  it("leaves a directory above one file where it is, though another one that is asked for is not there", () => {
    const facts = assumed({ "/opt/kata/x": FileState.file("x"), "/opt/y": FileState.absent }, true)
    assert.deepStrictEqual(at(facts, "/opt/kata"), FileState.directory())
  })

  it("has everything that a plan is made from", () => {
    const facts = assumed({ [main]: FileState.file("version = 3\n") }, true)
    const made = {
      settings: settings({ CONTAINER_RUNTIME_VERSION: "containerd://2.1.5" }),
      facts,
      policies: Policies.standard,
    }
    for (const asked of InstallPlan.pathsOfInterest(made)) assert.isTrue(facts.files.has(asked), asked)
    assert.strictEqual(facts.release, "1.2.3")
  })

  it("goes no further than what tells the runtime where that stays unknown", () => {
    const facts = assumed({}, false)
    for (const asked of InstallPlan.detectionPaths)
      assert.deepStrictEqual(facts.files.get(asked), FileState.absent)
    assert.isUndefined(at(facts, dropIn))
  })
})
