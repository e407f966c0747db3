import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Fact, NodeMarks, type Plan, Progress, Run } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { request } = SystemdNode
const mark = NodeMarks.markOf("default")

/** A node with an install, on which this is seen of who uses it. */
const installed = Effect.fnUntraced(function* (seen: Partial<SystemdNode.SystemdNode["shell"]["sight"]>) {
  const node = SystemdNode.make()
  const before = Node.snapshot(node.files)
  yield* Run.run(request("install")).pipe(node.on)
  node.shell.faults.reset()
  Object.assign(node.shell.sight, seen)
  return { node, before, after: Node.snapshot(node.files) }
})

const running = Fact.known([
  { id: "b7", pod: "default/web", handler: "kata-qemu" },
  { id: "c8", pod: "default/plain", handler: "runc" },
])
const failed = Fact.unknown("failed", "connection refused")

describe("a cleanup while Kata sandboxes run", () => {
  it.effect("only demotes the node, and names the pods that it would have ended", () =>
    Effect.gen(function* () {
      const { after, node } = yield* installed({ sandboxes: running })
      const plan = yield* Run.plan(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(
        plan.stages.map(({ stage }) => stage),
        ["demote"],
      )
      assert.deepStrictEqual(plan.sandboxes, ["default/web"])
      const error = yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "InUseError")
      assert.include(error.message, "default/web")
      assert.notInclude(error.message, "default/plain")
      assert.deepStrictEqual(Node.snapshot(node.files), after)
      assert.deepStrictEqual(node.shell.faults.operations, [])
      assert.deepStrictEqual(
        [node.api.labels.get(NodeMarks.sharedLabel), node.api.labels.get(mark)],
        ["false", "false"],
      )
      assert.strictEqual(node.api.events.at(-1)?.reason, "KataActionFailed")
    }),
  )

  it.effect("is refused where the node cannot be demoted either, and both are told", () =>
    Effect.gen(function* () {
      const { after, node } = yield* installed({ sandboxes: running })
      node.api.faults.reset()
      node.api.faults.failAt(1, "503 Service Unavailable")
      const error = yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "InUseError")
      if (error._tag !== "InUseError") throw error
      assert.deepStrictEqual(
        error.problems.map(({ code }) => code),
        ["E_IN_USE", "E_NOT_DEMOTED"],
      )
      assert.include(error.problems[1]?.message, "503 Service Unavailable")
      assert.deepStrictEqual(
        error.report?.stages.map(({ outcome, stage }) => [stage, outcome]),
        [["demote", "failed"]],
      )
      assert.deepStrictEqual(Node.snapshot(node.files), after)
    }),
  )

  it.effect("goes on once they are gone", () =>
    Effect.gen(function* () {
      const { before, node } = yield* installed({ sandboxes: running })
      yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      node.shell.sight.sandboxes = Fact.known([])
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.deepStrictEqual([...node.api.labels], [])
    }),
  )

  it.effect("removes all where the operator forces it, and says what was lost", () =>
    Effect.gen(function* () {
      const { before, node } = yield* installed({ sandboxes: running })
      const report = yield* Run.run(request("cleanup", { whenInUse: "force" })).pipe(node.on)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      const notice = report.notices.find(({ code }) => code === "removed-while-in-use")
      assert.include(notice?.message, "default/web")
    }),
  )

  it.effect("takes a process below the tree for use, too", () =>
    Effect.gen(function* () {
      const { after, node } = yield* installed({
        users: Fact.known([{ pid: 42, program: "/opt/kata/bin/qemu-system-x86_64", sandbox: undefined }]),
      })
      const error = yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "InUseError")
      assert.include(error.message, "process 42")
      assert.deepStrictEqual(Node.snapshot(node.files), after)
    }),
  )

  it.effect(
    "takes the configuration back where only that is asked for, and still knows whose sandboxes run",
    () =>
      Effect.gen(function* () {
        const { node } = yield* installed({ sandboxes: running })
        yield* Run.run(request("cleanup-stage-revert-cri")).pipe(node.on)
        assert.strictEqual(node.files.tree.get(SystemdNode.dropIn)._tag, "Absent")
        const reverted = Node.snapshot(node.files)
        const error = yield* Run.run(request("cleanup-stage-remove-artifacts")).pipe(node.on, Effect.flip)
        assert.strictEqual(error._tag, "InUseError")
        assert.deepStrictEqual(Node.snapshot(node.files), reverted)
      }),
  )
})

/** Runs a cleanup during which this comes into sight, when the stage is done. */
const cleanupMeanwhile = (
  node: SystemdNode.SystemdNode,
  stage: Plan.StageName,
  seen: Partial<SystemdNode.SystemdNode["shell"]["sight"]>,
) => {
  const tell = (event: Progress.ProgressEvent) =>
    Effect.sync(() => {
      if (event._tag === "StageDone" && event.stage === stage) Object.assign(node.shell.sight, seen)
    })
  return Run.run(request("cleanup")).pipe(
    Effect.provideService(Progress.Progress, { tell }),
    node.on,
    Effect.flip,
  )
}

describe("a cleanup during which a Kata sandbox starts", () => {
  it.effect("leaves everything where the configuration is still there, and restarts nothing", () =>
    Effect.gen(function* () {
      const { after, node } = yield* installed({ users: Fact.known([]) })
      const error = yield* cleanupMeanwhile(node, "demote", { sandboxes: running })
      assert.strictEqual(error._tag, "InUseError")
      assert.include(error.message, "default/web")
      assert.deepStrictEqual(Node.snapshot(node.files), after)
      assert.strictEqual(SystemdNode.asked(node, "restart"), 0)
      assert.strictEqual(node.api.labels.get(mark), "false")
    }),
  )

  it.effect("leaves what it runs from and the node's mark, and says so; the next one takes the rest", () =>
    Effect.gen(function* () {
      const { before, node } = yield* installed({ users: Fact.known([]) })
      const error = yield* cleanupMeanwhile(node, "revert-cri", { sandboxes: running })
      assert(error._tag === "InUseError")
      assert.include(error.message, "default/web")
      assert.deepStrictEqual(
        error.report?.stages.map(({ outcome, stage }) => [stage, outcome]),
        [
          ["demote", "done"],
          ["revert-cri", "done"],
          ["remove-artifacts", "not-reached"],
          ["unlabel", "not-reached"],
          ["restart", "done"],
        ],
      )
      assert.strictEqual(node.api.labels.get(mark), "false")
      node.shell.sight.sandboxes = Fact.known([])
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.deepStrictEqual([...node.api.labels], [])
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
    }),
  )

  it.effect("keeps the node's mark also where it can no longer be seen whether one did", () =>
    Effect.gen(function* () {
      const { node } = yield* installed({ sandboxes: Fact.known([]) })
      const error = yield* cleanupMeanwhile(node, "revert-cri", { sandboxes: failed })
      assert.strictEqual(error._tag, "ApplyError")
      assert.include(error.message, "connection refused")
      assert.strictEqual(node.api.labels.get(mark), "false")
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
    }),
  )
})

describe("a cleanup that cannot see whether sandboxes run", () => {
  it.effect("does nothing at all where it asked and got no answer, labels included", () =>
    Effect.gen(function* () {
      const { after, node } = yield* installed({ sandboxes: failed })
      const labels = [...node.api.labels]
      const error = yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      assert.strictEqual(error._tag, "UnseenError")
      assert.include(error.message, "connection refused")
      assert.deepStrictEqual(Node.snapshot(node.files), after)
      assert.deepStrictEqual([...node.api.labels], labels)
    }),
  )

  it.effect("goes on where it is forced, and where they are out of sight from here; both are said", () =>
    Effect.gen(function* () {
      for (const [sandboxes, conduct] of [
        [failed, { whenInUse: "force" }],
        [Fact.unknown("out-of-sight", "the socket is not mounted"), {}],
      ] as const) {
        const { before, node } = yield* installed({ sandboxes })
        const report = yield* Run.run(request("cleanup", conduct)).pipe(node.on)
        assert.deepStrictEqual(Node.snapshot(node.files), before)
        assert.include(
          report.notices.map(({ code }) => code),
          "use-not-checked",
        )
      }
    }),
  )

  it.effect("believes processes that it sees over a runtime that does not answer", () =>
    Effect.gen(function* () {
      const { before, node } = yield* installed({ users: Fact.known([]), sandboxes: failed })
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )
})
