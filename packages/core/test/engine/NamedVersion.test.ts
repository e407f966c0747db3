import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, Run } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { request } = SystemdNode

/** A node whose runtime calls itself so; the operator says containerd 2.1.5. */
const calling = (runtime: string) => {
  const node = SystemdNode.make()
  node.shell.sight.cri = Fact.known({ runtime, ready: true, handlers: ["runc", "kata-qemu"] })
  return node
}

describe("a version that the operator names", () => {
  for (const action of ["install", "install-stage-host-check", "install-stage-cri"] as const)
    it.effect(`stops ${action} before it touches anything where the daemon is of another generation`, () =>
      Effect.gen(function* () {
        const node = calling("containerd 1.7.24")
        const before = Node.snapshot(node.files)
        const error = yield* Run.run(request(action)).pipe(node.on, Effect.flip)
        assert.strictEqual(error._tag, "PrerequisiteError")
        assert.include(error.message, "containerd://2.1.5")
        assert.include(error.message, "containerd 1.7.24")
        assert.deepStrictEqual(Node.snapshot(node.files), before)
      }),
    )

  it.effect("is taken where the daemon is of the same, and a cleanup does not ask", () =>
    Effect.gen(function* () {
      const node = calling("containerd 2.1.9")
      yield* Run.run(request("install")).pipe(node.on)
      node.shell.sight.cri = Fact.known({ runtime: "containerd 1.7.24", ready: true, handlers: [] })
      const report = yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(report.outcome, "done")
    }),
  )
})
