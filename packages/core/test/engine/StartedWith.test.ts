import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import { FileState, Progress, Run } from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import * as LoadingNode from "./LoadingNode.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { asked, request } = SystemdNode
const other = Node.request("install", { ...SystemdNode.host.variables, SHIMS_X86_64: "qemu clh" })

/** A node whose runtime was seen to start with the usual settings. */
const started = Effect.fnUntraced(function* () {
  const node = SystemdNode.make()
  yield* Run.run(request("install")).pipe(node.on)
  node.shell.faults.reset()
  return node
})

describe("an install that goes back to what the runtime was once seen to load", () => {
  it.effect(
    "restarts it where another configuration was written since, and no unit could be controlled",
    () =>
      Effect.gen(function* () {
        const node = yield* started()
        const without = HostShellMemory.make({ control: Node.notAsked })
        yield* Run.run(other).pipe(Effect.provide(Node.layer(node.files, without, node.api)))
        yield* Run.run(request("install")).pipe(node.on)
        assert.strictEqual(asked(node, "restart"), 1)
      }),
  )

  it.effect("restarts it where an install of another died, and somebody else restarted it since", () =>
    Effect.gen(function* () {
      const node = yield* started()
      const counted = yield* started()
      counted.files.faults.reset()
      yield* Run.run(other).pipe(counted.on)
      const at = counted.files.faults.operations.findIndex(({ subject }) => subject === SystemdNode.dropIn)
      node.files.faults.reset()
      node.files.faults.crashAt(at + 1, "after")
      yield* Run.run(other).pipe(node.on, Effect.exit)
      node.files.faults.reset()
      yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1)
    }),
  )

  it.effect("restarts it where the restart with another configuration ended the program", () =>
    Effect.gen(function* () {
      const node = yield* started()
      const tell = (event: Progress.ProgressEvent) =>
        Effect.sync(() => {
          if (event._tag !== "StepStarted" || event.step.action._tag !== "AwaitServed") return
          for (const { faults } of [node.files, node.shell]) faults.crashAt(faults.operations.length + 1)
        })
      const dying = Effect.provideService(Run.run(other), Progress.Progress, { tell })
      assert.isTrue(Exit.isFailure(yield* dying.pipe(node.on, Effect.exit)))
      node.shell.faults.reset()
      node.files.faults.reset()
      yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1)
      yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1, "and no second one")
    }),
  )

  it.effect("restarts it where somebody changed our drop-in and restarted it with that", () =>
    Effect.gen(function* () {
      const { loaded, node, onDisk, reboot, run } = LoadingNode.make()
      yield* run(["install", "qemu"])
      const ours = onDisk()
      node.files.tree.set(SystemdNode.dropIn, FileState.file("# nothing any more\n"))
      yield* reboot
      assert.include(loaded(), "nothing any more")
      yield* run(["install", "qemu"])
      assert.strictEqual(onDisk(), ours)
      assert.strictEqual(loaded(), ours)
    }),
  )
})
