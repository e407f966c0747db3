import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit } from "effect"
import {
  type Action,
  Fact,
  FileState,
  HostPath,
  HostShell,
  type Plan,
  Progress,
  Run,
  StatusRun,
} from "../../src/index.ts"
import { HostShellMemory } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { asked, request, unit } = SystemdNode

/** Whether status says of the only instance that a restart is due; `undefined` where nothing is installed. */
const statusOf = (settings: Run.Request["settings"]) =>
  Effect.map(
    StatusRun.status({ settings, stateDir: undefined, depth: "metadata" }),
    ({ instances }) => instances[0]?.restartDue,
  )

/** The process of the runtime; each start has the next number. */
const startsOf = Effect.map(
  Effect.flatMap(HostShell.HostShell, (shell) => shell.unitRun(unit)),
  (run) => (run._tag === "Known" ? run.value.mainPid : undefined),
)

/** Kills a cleanup when a step of this kind begins. */
const killedAt = (node: SystemdNode.SystemdNode, at: Action.Action["_tag"], stage: Plan.StageName) =>
  Effect.provideService(Run.run(request("cleanup")), Progress.Progress, {
    tell: (event: Progress.ProgressEvent) =>
      event._tag === "StepStarted" && event.stage === stage && event.step.action._tag === at
        ? Effect.die("killed")
        : Effect.void,
  }).pipe(node.on, Effect.exit)

/** A node whose runtime takes the install, and does not come back at the cleanup's restart. */
const failedCleanup = Effect.fnUntraced(function* (action: "cleanup" | "cleanup-stage-revert-cri") {
  const node = SystemdNode.make({ restarts: ["active", "failed"] })
  const before = Node.snapshot(node.files)
  yield* Run.run(request("install")).pipe(node.on)
  const error = yield* Run.run(request(action)).pipe(node.on, Effect.flip)
  assert.include(error.message, `restart ${unit}`)
  node.shell.faults.reset()
  return { node, before, status: () => statusOf(request("install").settings).pipe(node.on) }
})

describe("a cleanup whose restart failed", () => {
  it.effect("leaves the restart to the next one, which then leaves nothing", () =>
    Effect.gen(function* () {
      const { before, node, status } = yield* failedCleanup("cleanup")
      assert.isTrue(yield* status())
      const report = yield* Run.run(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(report.restarts, [{ unit, due: "ours" }])
      assert.strictEqual(asked(node, "restart"), 1)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.isUndefined(yield* status())
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1, "and no third one asks for it")
    }),
  )

  it.effect("and that of its next one, too, still leaves it to the one after that", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "failed", "failed"] })
      const before = Node.snapshot(node.files)
      yield* Run.run(request("install")).pipe(node.on)
      for (let times = 0; times < 2; times++) yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 4)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("asks for none once somebody else started the runtime", () =>
    Effect.gen(function* () {
      const { before, node, status } = yield* failedCleanup("cleanup")
      node.shell.units.set(unit, "active")
      assert.isFalse(yield* status())
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 0)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("in the stage of the configuration alone is repeated by that stage, and then no more", () =>
    Effect.gen(function* () {
      const { node, status } = yield* failedCleanup("cleanup-stage-revert-cri")
      assert.isTrue(yield* status())
      yield* Run.run(request("cleanup-stage-revert-cri")).pipe(node.on)
      assert.isFalse(yield* status())
      yield* Run.run(request("cleanup-stage-revert-cri")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1)
    }),
  )

  it.effect("is repeated whatever is seen of sandboxes, since nothing is left that one could run from", () =>
    Effect.gen(function* () {
      for (const sandboxes of [
        Fact.unknown("failed", "connection refused"),
        Fact.known([{ id: "b7", pod: "default/web", handler: "kata-qemu" }]),
      ]) {
        const { before, node } = yield* failedCleanup("cleanup")
        node.shell.sight.sandboxes = sandboxes
        yield* Run.run(request("cleanup")).pipe(node.on)
        assert.strictEqual(asked(node, "restart"), 1)
        assert.deepStrictEqual(Node.snapshot(node.files), before)
      }
    }),
  )

  it.effect("is no install that another one on the node would leave its restart to", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "active", "failed"] })
      const ofOther = (action: Run.Request["action"]) =>
        Run.run(Node.request(action, { ...SystemdNode.host.variables, MULTI_INSTALL_SUFFIX: "x" }))
      yield* Run.run(request("install")).pipe(node.on)
      yield* ofOther("install").pipe(node.on)
      yield* ofOther("cleanup").pipe(node.on, Effect.flip)
      node.shell.faults.reset()
      yield* Run.run(request("cleanup", { restartBesideOthers: "defer" })).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1)
    }),
  )

  it.effect("is followed by an install as if nothing had been", () =>
    Effect.gen(function* () {
      const { before, node, status } = yield* failedCleanup("cleanup")
      yield* Run.run(request("install")).pipe(node.on)
      assert.isFalse(yield* status())
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )
})

describe("a cleanup of what an installer without a ledger left, whose restart failed", () => {
  const shim = Node.path("/opt/kata/bin/containerd-shim-kata-v2")
  const { dropIn } = SystemdNode
  const adopted = ({ restarts = ["failed"] }: SystemdNode.Options = {}) => {
    const node = SystemdNode.make({ restarts })
    for (const below of [...HostPath.ancestors(shim), ...HostPath.ancestors(dropIn)])
      node.files.tree.set(below, FileState.directory())
    node.files.tree.set(shim, FileState.file("shim", 0o755))
    node.files.tree.set(
      dropIn,
      FileState.file(
        `[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.kata-qemu]\nruntime_path = "${shim}"\n`,
      ),
    )
    return node
  }

  it.effect("still knows the artifacts for its own, where only the configuration was taken back", () =>
    Effect.gen(function* () {
      const node = adopted()
      yield* Run.run(request("cleanup-stage-revert-cri")).pipe(node.on, Effect.flip)
      yield* Run.run(request("cleanup-stage-remove-artifacts")).pipe(node.on)
      assert.strictEqual(node.files.tree.get(shim)._tag, "Absent")
    }),
  )

  it.effect("leaves nothing, and no restart undone, wherever it is killed", () =>
    Effect.gen(function* () {
      const whole = adopted({ restarts: [] })
      const before = Node.snapshot(whole.files)
      const report = yield* Run.run(request("cleanup")).pipe(whole.on)
      assert.deepStrictEqual([report.left, report.restarts], [[], [{ unit, due: "ours" }]])
      for (const port of ["files", "shell", "api"] as const)
        for (let at = 1; at <= whole[port].faults.operations.length; at++) {
          const node = adopted({ restarts: [] })
          node[port].faults.crashAt(at, "after")
          yield* Run.run(request("cleanup")).pipe(node.on, Effect.exit)
          for (const each of ["files", "shell", "api"] as const) node[each].faults.reset()
          yield* Run.run(request("cleanup")).pipe(node.on)
          const { subject, verb } = whole[port].faults.operations[at - 1]!
          const run = yield* startsOf.pipe(node.on)
          assert.strictEqual(run, 1002, `died after ${verb} ${subject}`)
          const { [shim]: _, [dropIn]: __, ...rest } = before
          assert.deepStrictEqual(
            Object.keys(Node.snapshot(node.files)).filter((path) => !(path in rest)),
            [],
          )
          assert.strictEqual(node.files.tree.get(shim)._tag, "Absent")
        }
    }),
  )

  it.effect("and where they could not be removed", () =>
    Effect.gen(function* () {
      const node = adopted()
      node.files.faults.failOn("/opt/kata", { _tag: "Io", code: "EIO" })
      yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
      assert.strictEqual(node.files.tree.get(shim)._tag, "File")
      node.files.faults.reset()
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(node.files.tree.get(shim)._tag, "Absent")
    }),
  )
})

describe("a cleanup that was killed", () => {
  const ports = ["files", "shell", "api"] as const

  /** A node with an install, and the process of its runtime. */
  const installed = Effect.gen(function* () {
    const node = SystemdNode.make()
    const before = Node.snapshot(node.files)
    yield* Run.run(request("install")).pipe(node.on)
    for (const port of ports) node[port].faults.reset()
    return { node, before, first: yield* startsOf.pipe(node.on) }
  })

  it.effect("leaves the restart to the next one, or has asked for it, wherever that was", () =>
    Effect.gen(function* () {
      const whole = yield* installed
      yield* Run.run(request("cleanup")).pipe(whole.node.on)
      for (const port of ports) {
        const { operations } = whole.node[port].faults
        assert.isNotEmpty(operations)
        for (let at = 1; at <= operations.length; at++)
          for (const when of ["before", "after"] as const) {
            const { before, first, node } = yield* installed
            node[port].faults.crashAt(at, when)
            const exit = yield* Run.run(request("cleanup")).pipe(node.on, Effect.exit)
            assert.isTrue(Exit.hasDies(exit))
            for (const each of ports) node[each].faults.reset()
            yield* Run.run(request("cleanup")).pipe(node.on)
            const { subject, verb } = operations[at - 1]!
            const about = `died ${when} ${verb} ${subject}`
            assert.strictEqual(yield* startsOf.pipe(node.on), first! + 1, about)
            assert.deepStrictEqual(Node.snapshot(node.files), before, about)
          }
      }
    }),
  )

  it.effect("at its last stage but one leaves the restart to whatever is run next", () =>
    Effect.gen(function* () {
      const { before, first, node } = yield* installed
      yield* killedAt(node, "Mark", "unlabel")
      const removal = yield* Run.run(request("cleanup-stage-remove-artifacts")).pipe(node.on)
      assert.deepStrictEqual(
        removal.notices.map(({ code }) => code),
        ["restart-owed"],
      )
      assert.isTrue(yield* statusOf(request("install").settings).pipe(node.on))
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(yield* startsOf.pipe(node.on), first! + 1)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )
})

describe("a restart that is left to another install", () => {
  it.effect("is nothing that the stage of the artifacts would keep the ledger for", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const ofOther = { ...SystemdNode.host.variables, MULTI_INSTALL_SUFFIX: "x" }
      yield* Run.run(Node.request("install", ofOther)).pipe(node.on)
      const before = Node.snapshot(node.files)
      yield* Run.run(request("install")).pipe(node.on)
      node.shell.faults.reset()
      yield* Run.run(request("cleanup-stage-revert-cri", { restartBesideOthers: "defer" })).pipe(node.on)
      assert.isTrue(yield* statusOf(request("install").settings).pipe(node.on))
      const report = yield* Run.run(request("cleanup-stage-remove-artifacts")).pipe(node.on)
      assert.notInclude(
        report.notices.map(({ code }) => code),
        "restart-owed",
      )
      assert.strictEqual(asked(node, "restart"), 0)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )
})

describe("a cleanup whose ledger cannot be removed at the restart", () => {
  it.effect("restarts all the same, says so, and leaves the rest to the next one", () =>
    Effect.gen(function* () {
      for (const subject of ["/opt/kata/.kata-deploy/ledger.json", "/opt/kata/.kata-deploy/staging"]) {
        const node = SystemdNode.make()
        const before = Node.snapshot(node.files)
        yield* Run.run(request("install")).pipe(node.on)
        node.shell.faults.reset()
        const tell = (event: Progress.ProgressEvent) =>
          event._tag === "StageStarted" && event.stage === "restart"
            ? Effect.sync(() => node.files.faults.failOn(subject, { _tag: "Io", code: "EIO" }))
            : Effect.void
        const error = yield* Effect.provideService(Run.run(request("cleanup")), Progress.Progress, {
          tell,
        }).pipe(node.on, Effect.flip)
        assert.include(error.message, subject)
        assert.strictEqual(asked(node, "restart"), 1)
        node.files.faults.reset()
        yield* Run.run(request("cleanup")).pipe(node.on)
        assert.strictEqual(asked(node, "restart"), 1, subject)
        assert.deepStrictEqual(Node.snapshot(node.files), before)
      }
    }),
  )
})

describe("a cleanup that is stopped when all of ours is gone", () => {
  /** Stops a cleanup when a step of this kind begins. */
  const stopped = Effect.fnUntraced(function* (at: Action.Action["_tag"], stage: Plan.StageName) {
    const node = SystemdNode.make()
    const before = Node.snapshot(node.files)
    yield* Run.run(request("install")).pipe(node.on)
    node.shell.faults.reset()
    const tell = (event: Progress.ProgressEvent) =>
      event._tag === "StepStarted" && event.stage === stage && event.step.action._tag === at
        ? Effect.interrupt
        : Effect.void
    const stopping = Effect.provideService(Run.run(request("cleanup")), Progress.Progress, { tell })
    assert.isTrue(Exit.hasInterrupts(yield* stopping.pipe(node.on, Effect.exit)))
    return { node, before }
  })

  it.effect("leaves its restart to the next one", () =>
    Effect.gen(function* () {
      const { before, node } = yield* stopped("Mark", "unlabel")
      assert.strictEqual(asked(node, "restart"), 0)
      assert.isTrue(yield* statusOf(request("install").settings).pipe(node.on))
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(asked(node, "restart"), 1)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("leaves nothing once the restart, which may be what stops it, is asked for", () =>
    Effect.gen(function* () {
      for (const at of ["AwaitUnit", "AwaitReady"] as const) {
        const { before, node } = yield* stopped(at, "restart")
        assert.strictEqual(asked(node, "restart"), 1)
        assert.deepStrictEqual(Node.snapshot(node.files), before)
      }
    }),
  )
})

describe("a rollback to no handler where no unit may be controlled", () => {
  it.effect("leaves a restart due, as status goes on saying", () =>
    Effect.gen(function* () {
      const host = hosts.find((each) => each.name === "vanilla containerd 2.1")!
      const files = Node.host(host.tree)
      const without = HostShellMemory.make({ control: Node.notAsked })
      const on = Effect.provide(Node.layer(files, without))
      const wish = (action: Run.Request["action"]) => Node.request(action, host.variables)
      yield* on(Run.run(wish("install")))
      yield* on(Run.run(wish("rollback")))
      assert.isTrue(yield* on(statusOf(wish("install").settings)))
    }),
  )

  it.effect("is none any more once a rollback restarts the runtime by itself", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* Run.run(request("install")).pipe(node.on)
      yield* Run.run(request("rollback")).pipe(node.on)
      assert.isFalse(yield* statusOf(request("rollback").settings).pipe(node.on))
    }),
  )
})

describe("an install after a cleanup that took the configuration back in part", () => {
  it.effect(
    "restarts the runtime, which was restarted without it, although it is what it once had loaded",
    () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        yield* Run.run(request("install")).pipe(node.on)
        node.files.faults.failOn(SystemdNode.dropIn, { _tag: "NoSpace" })
        yield* Run.run(request("cleanup")).pipe(node.on, Effect.flip)
        node.files.faults.reset()
        node.shell.faults.reset()
        yield* Run.run(request("install")).pipe(node.on)
        assert.strictEqual(asked(node, "restart"), 1)
        yield* Run.run(request("install")).pipe(node.on)
        assert.strictEqual(asked(node, "restart"), 1, "and the next one does not")
      }),
  )
})
