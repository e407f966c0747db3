import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, NodeMarks, Run } from "../../src/index.ts"
import { HostShellMemory, NodeApiMemory } from "../../src/testing/index.ts"
import * as Node from "../engine/SampleNode.ts"
import { hosts } from "../engine/SampleHosts.ts"
import * as SystemdNode from "../engine/SystemdNode.ts"

const { request, unit } = SystemdNode
const { sharedLabel } = NodeMarks
const mark = NodeMarks.markOf("default")

const restarted = ({ shell }: Pick<SystemdNode.SystemdNode, "shell">) =>
  shell.faults.operations.flatMap(({ subject, verb }) => (verb === "restart" ? [subject] : []))

/** Plans a reset of a host of this name. */
const planOn = (name: string, control: Fact.Fact<"systemd"> = Fact.known("systemd")) => {
  const host = hosts.find((each) => each.name === name)!
  const version = host.variables["CONTAINER_RUNTIME_VERSION"]
  const node = Fact.known({ containerRuntimeVersion: version, labels: {}, runtimeHandlers: undefined })
  const layer = Node.layer(
    Node.host(host.tree),
    HostShellMemory.make({ control }),
    NodeApiMemory.make({ node }),
  )
  return Run.plan(Node.request("reset", host.variables)).pipe(Effect.provide(layer))
}

describe("a reset", () => {
  it.effect("gives the labels up and restarts runtime and kubelet; every file stays", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ labels: { zone: "a" } })
      yield* Run.run(request("install")).pipe(node.on)
      node.shell.faults.reset()
      const before = Node.snapshot(node.files)
      const report = yield* Run.run(request("reset")).pipe(node.on)
      assert.strictEqual(report.outcome, "done")
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.deepStrictEqual(Object.fromEntries(node.api.labels), { zone: "a" })
      assert.deepStrictEqual(restarted(node), [unit, "kubelet.service"])
    }),
  )

  it.effect("leaves the runtime alone while another instance holds the node, and says so", () =>
    Effect.gen(function* () {
      const other = NodeMarks.markOf("blue")
      const node = SystemdNode.make({ labels: { [sharedLabel]: "true", [mark]: "true", [other]: "true" } })
      const report = yield* Run.run(request("reset")).pipe(node.on)
      assert.deepStrictEqual(Object.fromEntries(node.api.labels), { [sharedLabel]: "true", [other]: "true" })
      assert.deepStrictEqual(restarted(node), [])
      assert.deepStrictEqual(report.restarts, [])
      assert.include(
        report.notices.map(({ code }) => code),
        "held-by-another",
      )
    }),
  )

  it.effect("restarts no kubelet where it is a part of the runtime's own unit", () =>
    Effect.gen(function* () {
      const plan = yield* planOn("k3s with containerd 2.1")
      const units = plan.stages.flatMap(({ steps }) =>
        steps.flatMap(({ action }) =>
          action._tag === "Unit" && action.verb === "restart" ? [action.unit] : [],
        ),
      )
      assert.deepStrictEqual(units, ["k3s.service"])
    }),
  )

  it.effect("names the restart where it is not ours, and does none", () =>
    Effect.gen(function* () {
      const plan = yield* planOn("vanilla containerd 2.1", Node.notAsked)
      assert.deepStrictEqual(plan.restarts, [{ unit, due: "not-ours" }])
      assert.notInclude(
        plan.stages.map(({ stage }) => stage),
        "restart",
      )
    }),
  )

  it.effect("changes no label where the API is not asked", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ api: { node: Node.notAsked } })
      const plan = yield* Run.plan(request("reset")).pipe(node.on)
      assert.deepStrictEqual(
        plan.stages.map(({ stage }) => stage),
        ["restart"],
      )
    }),
  )

  it.effect("touches nothing where the API was asked and did not answer", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ api: { node: Fact.unknown("failed", "the API server is away") } })
      const error = yield* Run.run(request("reset")).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "UnseenError")
      assert.deepStrictEqual(restarted(node), [])
    }),
  )

  it.effect("that fails to restart says so, and can be done again", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      const error = yield* Run.run(request("reset")).pipe(node.on, Effect.flip)
      assert.include(error.message, unit)
      yield* Run.run(request("reset")).pipe(node.on)
      assert.strictEqual(node.shell.units.get(unit), "active")
    }),
  )
})
