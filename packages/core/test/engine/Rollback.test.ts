import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { Fact, Progress, Run } from "../../src/index.ts"
import * as Node from "./SampleNode.ts"
import * as SystemdNode from "./SystemdNode.ts"

const { dropIn, request, unit } = SystemdNode

const fails = Effect.fnUntraced(function* (
  node: SystemdNode.SystemdNode,
  asked: Run.Request | ReturnType<typeof Run.run>,
) {
  const run = Effect.isEffect(asked) ? asked : Run.run(asked)
  const error = yield* run.pipe(node.on, Effect.flip)
  assert.strictEqual(error._tag, "ApplyError")
  if (error._tag !== "ApplyError") throw error
  return error
})

/** The journal of the CRI runtime's configuration. */
const journalPath = "/opt/kata/.kata-deploy/journal/cri.json"

/** The tree after the first stage of an install alone. */
const unpacked = Effect.gen(function* () {
  const node = SystemdNode.make()
  yield* Run.run(request("install-stage-artifacts")).pipe(node.on)
  return Node.snapshot(node.files)
})

const stageOf = (
  report: { readonly stages: ReadonlyArray<{ stage: string; outcome: string }> },
  name: string,
) => report.stages.find(({ stage }) => stage === name)?.outcome

describe("an install after which the runtime does not come back", () => {
  it.effect("takes the configuration back, clears the start limit and starts the runtime once more", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      const { message, report } = yield* fails(node, request("install"))
      assert.strictEqual(report.outcome, "failed")
      assert.include(message, `restart ${unit}`)
      assert.deepStrictEqual(Node.snapshot(node.files), yield* unpacked)
      assert.strictEqual(node.shell.units.get(unit), "active")
      const verbs = node.shell.faults.operations.map(({ verb }) => verb)
      assert.deepStrictEqual(verbs, ["reload", "restart", "reset-failed", "restart", "await"])
      assert.strictEqual(stageOf(report, "artifacts"), "done")
      assert.strictEqual(stageOf(report, "cri"), "undone")
      assert.strictEqual(stageOf(report, "label"), "not-reached")
      assert.deepStrictEqual(report.restarts, [])
    }),
  )

  it.effect("leaves the node unpromoted, and tells it on the Node", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      yield* fails(node, request("install"))
      assert.notInclude([...node.api.labels.values()], "true")
      assert.deepStrictEqual(
        node.api.events.map(({ reason, severity }) => [severity, reason]),
        [["warning", "KataInstallFailed"]],
      )
      assert.include(node.api.events[0]!.message, unit)
    }),
  )

  it.effect("says which line of which file the runtime refused", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      const line = "containerd: failed to load TOML: /etc/containerd/conf.d/x.toml: (2, 2): unexpected token"
      node.shell.sight.log = Fact.known(["level=info msg=starting", line])
      const { message } = yield* fails(node, request("install"))
      assert.include(message, `Its log says: ${line}`)
    }),
  )

  it.effect("keeps the credentials that the runtime's log quotes out of the event on the Node", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      node.shell.sight.log = Fact.known([
        'containerd: failed to load TOML: 3| password = "s3cret" unexpected',
      ])
      yield* fails(node, request("install"))
      assert.include(node.api.events[0]!.message, "Its log says")
      assert.notInclude(node.api.events[0]!.message, "s3cret")
    }),
  )

  it.effect("succeeds at the next attempt, once the runtime takes the configuration", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      yield* fails(node, request("install"))
      const report = yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(report.outcome, "done")
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "File")
    }),
  )

  it.effect("tells whoever interrupts it when the runtime does not come back with the old one", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "failed"] })
      const reached = yield* Deferred.make<void>()
      const left: Array<Progress.ProgressEvent> = []
      const tell = (event: Progress.ProgressEvent) => {
        if (event._tag === "NotUndone") left.push(event)
        return event._tag === "StepStarted" && event.step.action._tag === "AwaitServed"
          ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
          : Effect.void
      }
      const fiber = yield* Run.run(request("install")).pipe(
        Effect.provideService(Progress.Progress, { tell }),
        node.on,
        Effect.forkChild,
      )
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(left.length, 1)
      assert.deepInclude(left[0], { stage: "cri" })
      assert.include(JSON.stringify(left[0]), unit)
    }),
  )

  it.effect("asks for a person where it does not come back with the old configuration either", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed", "failed"] })
      const { report } = yield* fails(node, request("install"))
      assert.strictEqual(report.outcome, "incomplete")
      assert.strictEqual(report.failures.length, 2)
      // What it was about stays written down, for the next run to know that a restart is due.
      const { [journalPath]: journal, ...rest } = Node.snapshot(node.files)
      assert.deepStrictEqual(rest, yield* unpacked)
      assert.isDefined(journal)
      node.shell.faults.reset()
      yield* Run.run(request("cleanup")).pipe(node.on)
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
      assert.strictEqual(node.shell.units.get(unit), "active")
    }),
  )

  it.effect("keeps the configuration and restarts nothing more where the operator wants no rollback", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      const { report } = yield* fails(node, request("install", { rollback: "never" }))
      assert.strictEqual(report.outcome, "incomplete")
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "File")
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
      assert.strictEqual(node.shell.units.get(unit), "failed")
      const kept = report.notices.find(({ code }) => code === "configuration-kept")
      assert.include(kept?.message, unit)
    }),
  )

  it.effect("is taken back by hand where it was kept, as its report says", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["failed"] })
      yield* fails(node, request("install", { rollback: "never" }))
      const report = yield* Run.run(request("rollback")).pipe(node.on)
      assert.strictEqual(report.outcome, "done")
      assert.strictEqual(node.shell.units.get(unit), "active")
      assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent")
      assert.notInclude(report.notices.map(({ code }) => code).join(), "kept")
    }),
  )

  it.effect("an upgrade gets the configuration and the ledger of the release before", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "failed"] })
      yield* Run.run(request("install")).pipe(node.on)
      const before = Node.snapshot(node.files)
      const debug = Node.request("install", { ...SystemdNode.host.variables, SHIMS_X86_64: "qemu clh" })
      yield* fails(node, debug)
      const after = Node.snapshot(node.files)
      assert.deepStrictEqual(after[dropIn], before[dropIn])
      assert.strictEqual(node.shell.units.get(unit), "active")
      const again = yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(again.outcome, "done")
    }),
  )
})

describe("an install that finds the runtime failed although nothing changed", () => {
  it.effect("starts it again, as after an upgrade that could not be taken back to the end", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make({ restarts: ["active", "failed", "failed"] })
      yield* Run.run(request("install")).pipe(node.on)
      const more = Node.request("install", { ...SystemdNode.host.variables, SHIMS_X86_64: "qemu clh" })
      const { report } = yield* fails(node, more)
      assert.strictEqual(report.outcome, "incomplete")
      assert.strictEqual(node.shell.units.get(unit), "failed")
      const again = yield* Run.run(request("install")).pipe(node.on)
      assert.deepStrictEqual(again.restarts, [{ unit, due: "ours" }])
      assert.strictEqual(node.shell.units.get(unit), "active")
    }),
  )
})

describe("an install whose runtime is up and", () => {
  const cases = {
    "lists none of our handlers": { handlers: ["runc"] },
    "has no CRI": { handlers: [], ready: false, notLoaded: "no corresponding runtime configured" },
  }
  for (const [what, rest] of Object.entries(cases)) {
    it.effect(`${what} takes the configuration back`, () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        node.shell.sight.cri = Fact.known({ runtime: "containerd 2.1.5", ready: true, ...rest })
        const { message, report } = yield* fails(node, request("install"))
        assert.strictEqual(report.outcome, "failed")
        assert.include(message, "kata-qemu")
        assert.deepStrictEqual(Node.snapshot(node.files), yield* unpacked)
        assert.strictEqual(SystemdNode.asked(node, "restart"), 2)
      }),
    )
  }

  it.effect("lists all of them is confirmed by the runtime's own word, and told on the Node", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      node.shell.sight.cri = Fact.known({ runtime: "containerd 2.1.5", ready: true, handlers: ["kata-qemu"] })
      const report = yield* Run.run(request("install")).pipe(node.on)
      assert.deepInclude(report.confirmed, {
        handlers: "served",
        because: "containerd 2.1.5 lists them over CRI",
      })
      assert.deepStrictEqual(
        node.api.events.map(({ reason }) => reason),
        ["KataInstalled"],
      )
      assert.include(node.api.events[0]!.message, `${unit} was restarted`)
    }),
  )

  it.effect("serves them already is neither restarted nor told of again", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* Run.run(request("install")).pipe(node.on)
      yield* Run.run(request("install")).pipe(node.on)
      assert.strictEqual(SystemdNode.asked(node, "restart"), 1)
      assert.strictEqual(node.api.events.length, 1)
    }),
  )
})

describe("the node lock", () => {
  it.effect("is held from the first stage to the last, and let go afterwards", () =>
    Effect.gen(function* () {
      for (const restarts of [[], ["failed"]] as const) {
        const node = SystemdNode.make({ restarts })
        const held: Array<boolean> = []
        const watching = Progress.Progress.of({
          tell: () => Effect.sync(() => void held.push(node.shell.holdsLock())),
        })
        yield* Run.run(request("install")).pipe(
          Effect.provideService(Progress.Progress, watching),
          node.on,
          Effect.exit,
        )
        assert.isAbove(held.length, 20)
        assert.notInclude(held, false)
        assert.isFalse(node.shell.holdsLock())
      }
    }),
  )

  it.effect(
    "that is lost to somebody else stops a run before its next change, with nothing taken back beside that one",
    () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        const before = Node.snapshot(node.files)
        const losing = Progress.Progress.of({
          tell: (event) =>
            Effect.sync(() => {
              if (event._tag === "StageDone" && event.stage === "artifacts")
                node.shell.sight.lockLostTo = "kata-deploy (process 4711)"
            }),
        })
        const error = yield* Run.run(request("install")).pipe(
          Effect.provideService(Progress.Progress, losing),
          node.on,
          Effect.flip,
        )
        assert.include(error.message, "kata-deploy (process 4711) has it now")
        assert.strictEqual(SystemdNode.asked(node, "restart"), 0)
        assert.strictEqual(node.files.tree.get(dropIn)._tag, "Absent")
        node.shell.sight.lockLostTo = undefined
        const report = yield* Run.run(request("install")).pipe(node.on)
        assert.strictEqual(report.outcome, "done")
        yield* Run.run(request("cleanup")).pipe(node.on)
        assert.deepStrictEqual(Node.snapshot(node.files), before)
      }),
  )

  it.effect(
    "that is lost within a stage leaves that half-done, as a crash does, and the next run goes on",
    () =>
      Effect.gen(function* () {
        const node = SystemdNode.make()
        const losing = Progress.Progress.of({
          tell: (event) =>
            Effect.sync(() => {
              if (
                event._tag === "StepDone" &&
                event.stage === "cri" &&
                node.files.tree.get(dropIn)._tag === "File"
              )
                node.shell.sight.lockLostTo = "kata-deploy (process 4711)"
            }),
        })
        const { report } = yield* Run.run(request("install")).pipe(
          Effect.provideService(Progress.Progress, losing),
          (run) => fails(node, run),
        )
        assert.strictEqual(report.outcome, "incomplete")
        assert.strictEqual(report.failures.length, 1)
        assert.strictEqual(node.files.tree.get(dropIn)._tag, "File")
        node.shell.sight.lockLostTo = undefined
        assert.strictEqual((yield* Run.run(request("install")).pipe(node.on)).outcome, "done")
      }),
  )

  it.effect("that is lost by a cleanup keeps it from removing anything more", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      yield* Run.run(request("install")).pipe(node.on)
      const after = Node.snapshot(node.files)
      const losing = Progress.Progress.of({
        tell: () => Effect.sync(() => (node.shell.sight.lockLostTo = "kata-deploy (process 4711)")),
      })
      const { report } = yield* Run.run(request("cleanup")).pipe(
        Effect.provideService(Progress.Progress, losing),
        (run) => fails(node, run),
      )
      assert.strictEqual(report.outcome, "failed")
      assert.deepStrictEqual(Node.snapshot(node.files), after)
    }),
  )

  it.effect("that somebody else keeps stops a run before it touches anything, and its holder is named", () =>
    Effect.gen(function* () {
      const node = SystemdNode.make()
      const before = Node.snapshot(node.files)
      node.shell.sight.lockHolder = "kata-deploy (process 4711)"
      const error = yield* Run.run(request("install", { lockSeconds: 7 })).pipe(node.on, Effect.flip)
      assert.include(error.message, "kata-deploy (process 4711)")
      assert.include(error.message, "within 7 s")
      assert.deepStrictEqual(Node.snapshot(node.files), before)
      assert.deepStrictEqual(node.api.updates, [])
      assert.strictEqual(node.api.events[0]?.reason, "KataInstallFailed")
    }),
  )
})
