import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Action, Progress, type Settings } from "@kata-deploy/core"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import type { Engine } from "../../src/run/Engine.ts"
import { run } from "../../src/program.ts"
import type { Message } from "../../src/supervisor/Message.ts"
import * as Telling from "../../src/supervisor/Telling.ts"
import { doneReport, installPlan, statusWithDrift } from "../sample/Documents.ts"
import * as Recorder from "../sample/Recorder.ts"

const restart = (outcome: "changed" | "unchanged"): Progress.ProgressEvent => ({
  _tag: "StepDone",
  stage: "cri",
  at: 1,
  of: 1,
  step: { action: Action.Unit.make({ verb: "restart", unit: "k3s.service" }), because: "it has to" },
  outcome,
})
const unpacking = (bytes: number): Progress.ProgressEvent => ({
  _tag: "Extracting",
  progress: { component: "qemu", bytes, totalBytes: 100 },
})

/** What a run told and showed that had these events, each a tenth of a second after the one before. */
const toldBy = Effect.fnUntraced(function* (events: ReadonlyArray<Progress.ProgressEvent>) {
  const told: Array<Message> = []
  const shown: Array<Progress.ProgressEvent> = []
  const engine: Engine = {
    plan: () => Effect.succeed(installPlan),
    status: () => Effect.succeed(statusWithDrift),
    snapshots: () => Effect.die("not asked for"),
    setMode: () => Effect.die("not asked for"),
    run: () =>
      Effect.gen(function* () {
        const progress = yield* Progress.Progress
        for (const event of events) {
          yield* progress.tell(event)
          yield* TestClock.adjust(100)
        }
        return doneReport
      }),
  }
  const settings = { instance: { suffix: "blue", installDir: "/opt/kata-blue" }, healthPort: 1 }
  const wrapped = yield* Effect.promise(() =>
    Telling.engineFor(
      (message) => told.push(message),
      "4.1.0",
      () => Promise.resolve(engine),
    )({} as never, settings as unknown as Settings.Settings),
  )
  yield* Effect.provideService(wrapped.run({} as never), Progress.Progress, {
    tell: (event) => Effect.sync(() => void shown.push(event)),
  })
  return { told, shown }
})

describe("a child of the supervisor", () => {
  it.effect("tells its settings, restarts that happened and stages, and shows everything as before", () =>
    Effect.gen(function* () {
      const events: ReadonlyArray<Progress.ProgressEvent> = [
        { _tag: "StageStarted", stage: "cri", steps: 2 },
        restart("unchanged"),
        restart("changed"),
        { _tag: "StageDone", stage: "cri", changed: 1 },
      ]
      const { shown, told } = yield* toldBy(events)
      assert.deepStrictEqual(told, [
        { _tag: "Settings", release: "4.1.0", instance: "blue", healthPort: 1 },
        { _tag: "StageStarted", stage: "cri" },
        { _tag: "Restarted", unit: "k3s.service" },
        { _tag: "StageDone", stage: "cri", changed: 1 },
      ])
      assert.deepStrictEqual(shown, [...events])
    }),
  )

  it.effect("tells of unpacking twice a second, and of its end in any case", () =>
    Effect.gen(function* () {
      const { shown, told } = yield* toldBy([0, 10, 20, 30, 40, 50, 60, 100].map(unpacking))
      assert.deepStrictEqual(
        told.flatMap((message) => (message._tag === "Unpacking" ? [message.bytes] : [])),
        [0, 50, 100],
      )
      assert.strictEqual(shown.length, 8)
    }),
  )

  it("tells what is wrong before anything is begun, on the pipe that it was given", async () => {
    const directory = mkdtempSync(join(tmpdir(), "kata-deploy-telling-"))
    const fd = openSync(join(directory, "pipe"), "w")
    const { surroundings } = Recorder.make({
      env: { KATA_DEPLOY_SUPERVISOR_FD: String(fd), HEALTH_PORT: "many" },
    })
    assert.strictEqual(
      await run(["install", "--once", "--host-root=/", "--kube=none", "--systemd=none"], { surroundings }),
      2,
    )
    closeSync(fd)
    const [line = ""] = readFileSync(join(directory, "pipe"), "utf8").split("\n")
    const message = JSON.parse(line) as Message
    assert(message._tag === "Problems")
    assert.match(message.messages.join("\n"), /HEALTH_PORT/)
    rmSync(directory, { recursive: true })
  })

  it("works as ever where the pipe is gone or was never there", () => {
    assert.isUndefined(Telling.fromEnvironment({}))
    assert.isUndefined(Telling.fromEnvironment({ KATA_DEPLOY_SUPERVISOR_FD: "x" }))
    Telling.fromEnvironment({ KATA_DEPLOY_SUPERVISOR_FD: "999999" })?.({ _tag: "Drift", paths: 0 })
  })
})
