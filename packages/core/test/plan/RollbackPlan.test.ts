import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { FileState, Journal, Plan, PlanDocument, type Report, Run, StatusRun } from "../../src/index.ts"
import * as NydusNode from "../engine/NydusNode.ts"
import * as Node from "../engine/SampleNode.ts"
import * as SystemdNode from "../engine/SystemdNode.ts"

const { dropIn, host, request, unit } = SystemdNode
const stateDir = Node.path("/opt/kata/.kata-deploy")
const main = Node.path(host.mainConfig)

const run = (node: SystemdNode.SystemdNode, asked: Run.Request) => Run.run(asked).pipe(node.on)
const fails = (node: SystemdNode.SystemdNode) => run(node, request("rollback")).pipe(Effect.flip)
const withShims = (shims: string) => Node.request("install", { ...host.variables, SHIMS_X86_64: shims })

const handlersOf = (node: SystemdNode.SystemdNode) => {
  const ledger = FileState.textOf(node.files.tree.get(Node.path(`${stateDir}/ledger.json`)))
  return (JSON.parse(ledger!) as { readonly handlers: ReadonlyArray<string> }).handlers
}

describe("a rollback by hand", () => {
  it.effect("gives the configuration of before to the runtime, and leaves the artifacts", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, withShims("qemu"))
      const before = Node.snapshot(node.files)
      yield* run(node, withShims("qemu clh"))
      assert.notDeepEqual(Node.snapshot(node.files)[dropIn], before[dropIn])
      node.shell.faults.reset()
      const report = yield* run(node, request("rollback"))
      assert.strictEqual(report.outcome, "done")
      assert.deepStrictEqual(Node.snapshot(node.files)[dropIn], before[dropIn])
      assert.deepStrictEqual(Node.snapshot(node.files)[main], before[main])
      assert.deepStrictEqual(handlersOf(node), ["kata-qemu"])
      assert.deepStrictEqual(
        node.shell.faults.operations.map(({ verb }) => verb),
        ["reload", "restart", "await"],
      )
      assert.strictEqual(node.files.tree.get(Node.path("/opt/kata/bin/containerd-shim-kata-v2"))._tag, "File")
    }),
  )

  it.effect("of the first install leaves no handler; a cleanup then gives the original tree", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const original = Node.snapshot(node.files)
      yield* run(node, request("install"))
      yield* run(node, request("rollback"))
      assert.deepStrictEqual(Node.snapshot(node.files)[main], original[main])
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent")
      assert.deepStrictEqual(handlersOf(node), [])
      yield* run(node, request("cleanup"))
      assert.deepStrictEqual(Node.snapshot(node.files), original)
    }),
  )

  it.effect(
    "of the first install demotes the node, which has no handler any more; the next install promotes it",
    () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        yield* run(node, request("install"))
        const installed = Object.fromEntries(node.api.labels)
        assert.include(Object.values(installed), "true")
        yield* run(node, request("rollback"))
        assert.notInclude([...node.api.labels.values()], "true")
        yield* run(node, request("install"))
        assert.deepStrictEqual(Object.fromEntries(node.api.labels), installed)
      }),
  )

  it.effect("to a configuration with handlers leaves the labels as they are", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, withShims("qemu"))
      yield* run(node, withShims("qemu clh"))
      const installed = Object.fromEntries(node.api.labels)
      yield* run(node, request("rollback"))
      assert.deepStrictEqual(Object.fromEntries(node.api.labels), installed)
    }),
  )

  it.effect(
    "to a configuration with handlers is loaded and ours again: nothing drifted, and nothing is due",
    () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        yield* run(node, withShims("qemu"))
        yield* run(node, withShims("qemu clh"))
        const report = yield* run(node, request("rollback"))
        assert.deepStrictEqual(report.handlers, ["kata-qemu"])
        assert.deepStrictEqual(report.restarts, [{ unit, due: "ours" }])
        assert.deepStrictEqual(report.notices, [])
        const { settings } = withShims("qemu")
        const status = yield* StatusRun.status({ settings, stateDir: undefined, depth: "contents" }).pipe(
          node.on,
        )
        assert.deepInclude(status.instances[0], { drift: [], restartDue: false, journal: null })
        node.shell.faults.reset()
        yield* run(node, withShims("qemu"))
        assert.strictEqual(SystemdNode.asked(node, "restart"), 0)
      }),
  )

  it.effect("says which handlers come back without their programs being looked after", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, withShims("qemu clh"))
      yield* run(node, withShims("qemu"))
      const { notices } = yield* run(node, request("rollback"))
      const told = notices.map(({ code, message, severity }) => ({
        code,
        severity,
        named: message.match(/kata-\w+/g),
      }))
      assert.deepStrictEqual(told, [
        { code: "handlers-brought-back", severity: "warning", named: ["kata-clh"] },
      ])
    }),
  )

  it.effect("says which snapshotter it names that was taken away since", () =>
    Effect.gen(function* () {
      const { files, on, request, setMode } = NydusNode.make()
      const names = /nydus-for-kata-\w+/g
      const told = (report: Report.Report) =>
        report.notices.flatMap(({ code, message }) =>
          code === "snapshotters-brought-back" ? message.match(names)! : [],
        )
      yield* on(Run.run(request("install")))
      yield* setMode("apply", "host-share")
      assert.deepStrictEqual(told(yield* on(Run.run(request("rollback")))), [])
      yield* on(Run.run(request("install")))
      yield* setMode("apply", "host-share")
      yield* setMode("apply", "guest-pull")
      const unitFile = Node.path("/etc/systemd/system/nydus-for-kata-hs.service")
      assert.strictEqual(files.tree.get(unitFile)._tag, "Absent")
      assert.deepStrictEqual(told(yield* on(Run.run(request("rollback")))), ["nydus-for-kata-hs"])
      // What was chosen comes back as well, so an install sets up what it needs.
      yield* on(Run.run(request("install")))
      assert.strictEqual(files.tree.get(unitFile)._tag, "File")
    }),
  )

  it.effect("says that chosen modes go back, and that Kata's own configuration follows with an install", () =>
    Effect.gen(function* () {
      const { on, request, setMode } = NydusNode.make()
      const told = Effect.gen(function* () {
        const { notices } = yield* on(Run.run(request("rollback")))
        return notices.find(({ code }) => code === "modes-rolled-back")?.message
      })
      yield* on(Run.run(request("install")))
      yield* setMode("apply", "host-share")
      assert.include(yield* told, "no mode")
      yield* on(Run.run(request("install")))
      yield* setMode("apply", "host-share")
      yield* setMode("apply", "guest-pull")
      assert.include(yield* told, "qemu in host-share")
    }),
  )

  it.effect("is followed by an install as if the stage had never been", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, request("install"))
      const installed = Node.snapshot(node.files)
      yield* run(node, request("rollback"))
      node.shell.faults.reset()
      yield* run(node, request("install"))
      assert.deepStrictEqual(Node.snapshot(node.files)[dropIn], installed[dropIn])
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
    }),
  )

  it.effect("cannot be done twice, nor where nothing was installed", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const nothing = yield* fails(node)
      assert.include(nothing.message, "nothing to take back")
      if (nothing._tag !== "PrerequisiteError") throw nothing
      assert.deepInclude(nothing.problems[0], {
        code: "E_NOTHING_TO_ROLL_BACK",
        path: Journal.pathIn(stateDir, "cri"),
      })
      yield* run(node, request("install"))
      yield* run(node, request("rollback"))
      assert.include((yield* fails(node)).message, "nothing to take back")
    }),
  )

  it.effect("refuses to lose what somebody changed since, names it, and touches nothing", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, request("install"))
      const edited = `${FileState.textOf(node.files.tree.get(main))}# edited since\n`
      node.files.tree.set(main, FileState.file(edited))
      const before = Node.snapshot(node.files)
      const error = yield* fails(node)
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, main)
      assert.deepStrictEqual(Node.snapshot(node.files), before)
    }),
  )

  it.effect("leaves a directory that the stage made where somebody keeps something in it", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, request("install"))
      const theirs = Node.path("/opt/kata/containerd/config.d/theirs.toml")
      node.files.tree.set(theirs, FileState.file("x = 1\n"))
      const report = yield* run(node, request("rollback"))
      assert.strictEqual(report.outcome, "done")
      assert.strictEqual(FileState.textOf(node.files.tree.get(theirs)), "x = 1\n")
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent")
    }),
  )

  it.effect("takes half a stage back: what was reached and what was not", () =>
    Effect.gen(function* () {
      const whole = SystemdNode.make()
      yield* run(whole, request("install"))
      const at = whole.files.faults.operations.findIndex(({ subject }) => subject === main) + 1
      for (const when of ["before", "after"] as const) {
        const node = SystemdNode.make()
        const original = Node.snapshot(node.files)
        node.files.faults.crashAt(at, when)
        yield* Effect.exit(run(node, request("install")))
        node.files.faults.reset()
        yield* run(node, request("rollback"))
        assert.deepStrictEqual(Node.snapshot(node.files)[main], original[main], when)
        assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent", when)
        yield* run(node, request("cleanup"))
        assert.deepStrictEqual(Node.snapshot(node.files), original, when)
      }
    }),
  )

  it.effect("leaves the restart to others where units are not controlled, and says that it is due", () =>
    Effect.gen(function* () {
      const files = Node.host(host.tree)
      yield* Run.run(Node.request("install", host.variables)).pipe(Node.on(files))
      const report = yield* Run.run(Node.request("rollback", host.variables)).pipe(Node.on(files))
      assert.deepStrictEqual(report.restarts, [{ unit, due: "not-ours" }])
      assert.strictEqual(files.tree.get(dropIn)._tag, "Absent")
    }),
  )

  it.effect("is not taken back itself when the runtime stays down: a person has to look", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "failed"] })
      yield* run(node, request("install"))
      const error = yield* fails(node)
      assert.strictEqual(error._tag, "ApplyError")
      if (error._tag === "ApplyError") assert.strictEqual(error.report.outcome, "incomplete")
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent")
    }),
  )

  it.effect("shows in its plan what it would do, newest change first", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* run(node, request("install"))
      const plan = yield* Run.plan(request("rollback")).pipe(node.on)
      const steps = plan.stages.flatMap((stage) =>
        Plan.changingSteps(stage).map(({ action }) => PlanDocument.summary(action)),
      )
      const [edit, drop] = [`change ${main}`, `remove ${dropIn}`].map((summary) => steps.indexOf(summary))
      assert.isAbove(edit!, -1)
      // The import goes before the file that it names.
      assert.isAbove(drop!, edit!)
      assert.strictEqual(node.files.tree.get(Journal.pathIn(stateDir, "cri"))._tag, "File")
    }),
  )
})
