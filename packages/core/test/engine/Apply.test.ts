import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Result } from "effect"
import { type FileState, type HostError, HostFiles, type Plan, Progress, Run } from "../../src/index.ts"
import type { MemoryFaults } from "../../src/testing/index.ts"
import { hosts } from "./SampleHosts.ts"
import * as Node from "./SampleNode.ts"

const shims = { SHIMS_X86_64: "qemu clh qemu-runtime-rs" }
const reasons: ReadonlyArray<HostError.HostErrorReason> = [{ _tag: "NoSpace" }, { _tag: "Io", code: "EIO" }]

/** How many mutating operations an undisturbed run of the action makes, and the tree after it. */
const undisturbed = Effect.fnUntraced(function* (
  host: (typeof hosts)[number],
  actions: ReadonlyArray<Plan.ActionName>,
) {
  const files = Node.host(host.tree)
  for (const action of actions) {
    files.faults.reset()
    yield* Run.run(Node.request(action, { ...host.variables, ...shims })).pipe(Node.on(files))
  }
  return { operations: [...files.faults.operations], after: Node.snapshot(files) }
})

/** The tree that the stages before the failing one leave behind. */
const stageStart = (
  operations: ReadonlyArray<{ readonly subject: string }>,
  failed: number,
): "before" | "artifacts" => {
  const recorded = operations.findIndex((o) => o.subject.endsWith("ledger.json")) + 2
  return failed <= recorded ? "before" : "artifacts"
}

/** Whether the operation only drops what was kept for going back. */
const closes = (
  { subject, verb }: MemoryFaults.Operation,
  result: Result.Result<unknown, unknown>,
): boolean => verb === "commit" || (subject.includes("/journal/") && Result.isSuccess(result))

const besideJournals = (snapshot: ReturnType<typeof Node.snapshot>) =>
  Object.fromEntries(
    Object.entries(snapshot).map(([path, state]) => [path, path.includes("/journal/") ? "journal" : state]),
  )

describe("Apply", () => {
  for (const host of hosts) {
    const variables = { ...host.variables, ...shims }

    it.effect(`an install on ${host.name} that fails at any operation leaves no half stage`, () =>
      Effect.gen(function* () {
        const { after, operations } = yield* undisturbed(host, ["install"])
        const before = Node.snapshot(Node.host(host.tree))
        const artifacts = (yield* undisturbed(host, ["install-stage-artifacts"])).after
        for (let at = 1; at <= operations.length; at++) {
          const files = Node.host(host.tree)
          files.faults.failAt(at, reasons[at % reasons.length]!)
          const result = yield* Effect.result(
            Run.run(Node.request("install", variables)).pipe(Node.on(files)),
          )
          const operation = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          if (closes(operations[at - 1]!, result)) {
            // What was kept for going back could not be dropped; the install itself stands.
            assert.strictEqual(result._tag, "Success", operation)
            yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
            // What a journal says of its own run may differ; what is on the host does not.
            assert.deepStrictEqual(
              besideJournals(Node.snapshot(files)),
              besideJournals(after),
              `${operation}, then again`,
            )
            continue
          }
          assert.strictEqual(result._tag, "Failure", operation)
          const expected = stageStart(operations, at) === "before" ? before : artifacts
          assert.deepStrictEqual(Node.snapshot(files), expected, operation)
          yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
          assert.deepStrictEqual(Node.snapshot(files), after, `${operation}, then again`)
        }
      }),
    )

    it.effect(`a cleanup on ${host.name} that fails at any operation is finished by the next one`, () =>
      Effect.gen(function* () {
        const { operations } = yield* undisturbed(host, ["install", "cleanup"])
        const before = Node.snapshot(Node.host(host.tree))
        for (let at = 1; at <= operations.length; at++) {
          const files = Node.host(host.tree)
          yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
          files.faults.reset()
          files.faults.failAt(at, reasons[at % reasons.length]!)
          const operation = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
          const result = yield* Effect.result(
            Run.run(Node.request("cleanup", variables)).pipe(Node.on(files)),
          )
          if (!closes(operations[at - 1]!, result)) assert.strictEqual(result._tag, "Failure", operation)
          assert.isAbove(
            files.faults.operations.length,
            at === operations.length ? at - 1 : at,
            `${operation}: the rest is tried`,
          )
          files.faults.reset()
          yield* Run.run(Node.request("cleanup", variables)).pipe(Node.on(files))
          assert.deepStrictEqual(Node.snapshot(files), before, operation)
        }
      }),
    )
  }

  const k3s = hosts.find((host) => host.name === "k3s with containerd 2.1")!
  const variables = { ...k3s.variables, ...shims }

  it.effect(
    "a failed install says which step failed, which were taken back and which were never reached",
    () =>
      Effect.gen(function* () {
        const files = Node.host(k3s.tree)
        files.faults.failOn("/opt/kata/versions.yaml", { _tag: "NoSpace" })
        const error = yield* Effect.flip(Run.run(Node.request("install", variables)).pipe(Node.on(files)))
        assert.strictEqual(error._tag, "ApplyError")
        if (error._tag !== "ApplyError") return
        assert.strictEqual(error.report.outcome, "failed")
        assert.strictEqual(
          error.message,
          "Could not put /opt/kata/versions.yaml: no space left on the filesystem",
        )
        const stage = error.report.stages.find((s) => s.stage === "artifacts")!
        assert.strictEqual(stage.outcome, "undone")
        const failed = stage.steps.findIndex((s) => s.outcome === "failed")
        assert.strictEqual(stage.steps[failed]!.summary, "create /opt/kata/versions.yaml")
        assert.isTrue(
          stage.steps.slice(0, failed).every((s) => s.outcome === "undone" || s.outcome === "unchanged"),
        )
        assert.isTrue(stage.steps.slice(failed + 1).every((s) => s.outcome === "not-reached"))
        assert.strictEqual(error.report.stages.find((s) => s.stage === "cri")!.outcome, "not-reached")
      }),
  )

  it.effect("an install whose undo fails as well asks for a person", () =>
    Effect.gen(function* () {
      const { operations } = yield* undisturbed(k3s, ["install"])
      const failing = operations.findIndex((o) => o.subject === "/opt/kata/versions.yaml") + 1
      const files = Node.host(k3s.tree)
      files.faults.failAt(failing, { _tag: "NoSpace" })
      // The first thing after the failure is taking the step before it back.
      files.faults.failAt(failing + 1, { _tag: "Io", code: "EIO" })
      const error = yield* Effect.flip(Run.run(Node.request("install", variables)).pipe(Node.on(files)))
      assert.strictEqual(error._tag, "ApplyError")
      if (error._tag !== "ApplyError") return
      assert.strictEqual(error.report.outcome, "incomplete")
      assert.isAtLeast(error.report.failures.length, 2)
      assert.strictEqual(error.report.stages.find((s) => s.stage === "artifacts")!.outcome, "failed")
    }),
  )

  it.effect("a file that changed since it was looked at makes the stage start over from observation", () =>
    Effect.gen(function* () {
      const host = hosts.find((h) => h.name === "vanilla containerd 2.1")!
      const files = Node.host(host.tree)
      const main = Node.path(host.mainConfig)
      const edited = "version = 3\n# edited meanwhile\n"
      const meanwhile = Progress.Progress.of({
        tell: (event) =>
          Effect.sync(() => {
            const first =
              event._tag === "StageStarted" && event.stage === "cri" && files.tree.get(main)._tag === "File"
            if (first && !files.faults.operations.some((o) => o.subject === main)) {
              files.tree.set(main, { _tag: "File", text: edited, mode: 0o644 })
            }
          }),
      })
      const report = yield* Run.run(Node.request("install", { ...host.variables, ...shims })).pipe(
        Effect.provideService(Progress.Progress, meanwhile),
        Node.on(files),
      )
      assert.strictEqual(report.outcome, "done")
      const after = files.tree.get(main)
      assert.isTrue(
        after._tag === "File" && after.text.includes("# edited meanwhile") && after.text.includes("imports"),
      )
    }),
  )

  it.effect("what was made although it was told as failed is taken back with the rest", () =>
    Effect.gen(function* () {
      const { after, operations } = yield* undisturbed(k3s, ["install"])
      const before = Node.snapshot(Node.host(k3s.tree))
      const artifacts = (yield* undisturbed(k3s, ["install-stage-artifacts"])).after
      const puts = operations.flatMap(({ verb }, at) => (verb === "put" || verb === "prune" ? [at + 1] : []))
      assert.isAbove(puts.length, 10)
      for (const at of puts) {
        const files = Node.host(k3s.tree)
        files.faults.failAt(at, { _tag: "Io", code: "EIO" }, "after")
        const result = yield* Effect.result(Run.run(Node.request("install", variables)).pipe(Node.on(files)))
        const operation = `${operations[at - 1]!.verb} ${operations[at - 1]!.subject} (${at})`
        if (result._tag === "Failure") {
          const expected = stageStart(operations, at) === "before" ? before : artifacts
          assert.deepStrictEqual(Node.snapshot(files), expected, operation)
        } else assert.isTrue(closes(operations[at - 1]!, result), operation)
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        assert.deepStrictEqual(
          besideJournals(Node.snapshot(files)),
          besideJournals(after),
          `${operation}, then again`,
        )
      }
    }),
  )

  it.effect(
    "what an interrupted run kept for going back is cleared by a run that has nothing else to do",
    () =>
      Effect.gen(function* () {
        const { after, operations } = yield* undisturbed(k3s, ["install"])
        const files = Node.host(k3s.tree)
        files.faults.crashAt(operations.findIndex(({ verb }) => verb === "commit") + 1)
        yield* Effect.exit(Run.run(Node.request("install", variables)).pipe(Node.on(files)))
        files.faults.reset()
        const kept = Node.path("/opt/kata/.kata-deploy/staging/replaced")
        files.tree.set(kept, { _tag: "Directory", mode: 0o700 })
        files.tree.set(Node.path(`${kept}/old-shim`), { _tag: "File", text: "old", mode: 0o755 })
        yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
        assert.deepStrictEqual(besideJournals(Node.snapshot(files)), besideJournals(after))
      }),
  )

  it.effect("artifacts whose versions cannot be read are refused before anything is touched", () =>
    Effect.gen(function* () {
      const files = Node.host(k3s.tree)
      yield* Run.run(Node.request("install", variables)).pipe(Node.on(files))
      const installed = Node.snapshot(files)
      const blind = Layer.effect(
        HostFiles.HostFiles,
        Effect.map(HostFiles.HostFiles, (host) => ({
          ...host,
          artifact: (relative: string) =>
            relative === "versions.yaml"
              ? Effect.succeed<FileState.FileState>({ _tag: "Unreadable", why: "io", detail: "EIO" })
              : host.artifact(relative),
        })),
      ).pipe(Layer.provide(files.layer))
      const error = yield* Run.run(Node.request("install", variables)).pipe(
        Effect.provide(blind),
        Node.on(files),
        Effect.flip,
      )
      assert.strictEqual(error._tag, "PrerequisiteError")
      assert.include(error.message, "versions.yaml cannot be read")
      assert.deepStrictEqual(Node.snapshot(files), installed)
    }),
  )

  it.effect("an interrupted install takes its stage back before it ends", () =>
    Effect.gen(function* () {
      const files = Node.host(k3s.tree)
      const before = Node.snapshot(files)
      const reached = yield* Deferred.make<void>()
      const waiting = Progress.Progress.of({
        tell: (event) =>
          event._tag === "StepStarted" && event.step.action._tag === "Put" && event.at > 12
            ? Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
            : Effect.void,
      })
      const fiber = yield* Run.run(Node.request("install", variables)).pipe(
        Effect.provideService(Progress.Progress, waiting),
        Node.on(files),
        Effect.forkChild,
      )
      yield* Deferred.await(reached)
      assert.notDeepEqual(Node.snapshot(files), before)
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )

  it.effect("one that is interrupted while it moves what it unpacked takes that back, too", () =>
    Effect.gen(function* () {
      const files = Node.host(k3s.tree)
      const before = Node.snapshot(files)
      const reached = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      const pause = Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(goOn))
      // As the real adapter: whoever interrupts after everything was unpacked gets it moved all the same.
      const moving = Layer.effect(
        HostFiles.HostFiles,
        Effect.map(HostFiles.HostFiles, (double) =>
          HostFiles.HostFiles.of({
            ...double,
            extract: (action, progress, staged) =>
              Effect.uninterruptible(
                double.extract(action, progress, (about) => Effect.andThen(staged(about), pause)),
              ),
          }),
        ),
      ).pipe(Layer.provide(files.layer))
      const fiber = yield* Run.run(Node.request("install", variables)).pipe(
        Effect.provide(Layer.merge(Node.layer(files), moving)),
        Effect.forkChild,
      )
      yield* Deferred.await(reached)
      const ending = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(ending)
      assert.deepStrictEqual(Node.snapshot(files), before)
    }),
  )
})
