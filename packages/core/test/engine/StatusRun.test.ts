import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, Run, StatusRun } from "../../src/index.ts"
import { HostShellMemory, NodeApiMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const host = hosts.find((each) => each.name === "k3s with containerd 2.1")!
const variables = { ...host.variables, SHIMS_X86_64: "qemu clh" }
const request = { settings: Node.settings(variables), stateDir: undefined, depth: "metadata" } as const

/** What status says is served, by a runtime that lists handlers and a node that reports some. */
const servedWith = (sees: {
  readonly runtime?: ReadonlyArray<string>
  readonly node?: ReadonlyArray<string>
}) =>
  Effect.gen(function* () {
    const files = Node.host(host.tree)
    yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
    const shell = HostShellMemory.make()
    if (sees.runtime !== undefined)
      shell.sight.cri = Fact.known({ runtime: "containerd 2.1.5", ready: true, handlers: sees.runtime })
    const node = {
      containerRuntimeVersion: "containerd://2.1.5-k3s1",
      labels: {},
      runtimeHandlers: sees.node,
    }
    const api = NodeApiMemory.make({ node: sees.node === undefined ? Node.notAsked : Fact.known(node) })
    const status = yield* Effect.provide(StatusRun.status(request), Node.layer(files, shell, api))
    return status.instances[0]?.handlers.served
  })

describe("the handlers that status finds served", () => {
  it.effect("are those of ours that the node reports", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* servedWith({ node: ["runc", "kata-qemu"], runtime: [] }), ["kata-qemu"])
    }),
  )

  it.effect("are those that the runtime lists over CRI, where the node is not asked", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* servedWith({ runtime: ["kata-clh", "runc"] }), ["kata-clh"])
    }),
  )

  it.effect("are not known where neither is seen", () =>
    Effect.gen(function* () {
      assert.isNull(yield* servedWith({}))
    }),
  )
})
