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

  /** Installs with a version that the operator names, on a daemon that calls itself otherwise. */
  const installedAs = (
    version: string,
    runtime: string,
    variables: Readonly<Record<string, string>> = {},
  ) => {
    const node = calling(runtime)
    const wish = Node.request("install", { CONTAINER_RUNTIME_VERSION: version, ...variables })
    return { node, result: Effect.result(Run.run(wish).pipe(node.on)) }
  }

  it.effect("of another minor release is taken where nothing depends on it", () =>
    Effect.gen(function* () {
      for (const version of ["containerd://2.0.0", "containerd://2.4.1"]) {
        const { result } = installedAs(version, "containerd 2.1.9")
        assert.strictEqual((yield* result)._tag, "Success", version)
      }
    }),
  )

  it.effect("of another minor release is refused where another configuration would be written", () =>
    Effect.gen(function* () {
      const erofs = {
        SNAPSHOTTER_HANDLER_MAPPING_X86_64: "qemu:erofs",
        EXPERIMENTAL_SETUP_SNAPSHOTTER: "erofs",
      }
      const { node, result } = installedAs("containerd://2.2.0", "containerd 2.1.9", erofs)
      const before = Node.snapshot(node.files)
      const ended = yield* result
      assert(ended._tag === "Failure" && ended.failure._tag === "PrerequisiteError")
      assert.deepStrictEqual(
        ended.failure.problems.map(({ code }) => code),
        ["E_RUNTIME_VERSION_MISMATCH"],
      )
      assert.include(ended.failure.message, "containerd://2.2.0")
      assert.include(ended.failure.message, "containerd 2.1.9")
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
