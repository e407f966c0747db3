import { assert, describe, it } from "@effect/vitest"
import { HostPath, Plan, type Progress } from "@kata-deploy/core"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Display from "../../src/command/Display.ts"
import * as StatusLine from "../../src/render/StatusLine.ts"
import * as Logging from "../../src/run/Logging.ts"
import * as ProgressDisplay from "../../src/run/ProgressDisplay.ts"
import * as Recorder from "../sample/Recorder.ts"

const start = (argv: ReadonlyArray<string>, terminal?: { readonly columns: number }) => {
  const recorder = Recorder.make(terminal === undefined ? {} : { terminal })
  const display = Display.decode(Arguments.parse(argv).given, recorder.surroundings)
  const progress = ProgressDisplay.make(display, StatusLine.make(recorder.surroundings.stderr))
  return { display, recorder, progress }
}

const step = Plan.step({ _tag: "Prune", directories: [HostPath.make("/a")] }, "it is empty")
const extracting = (bytes: number): Progress.ProgressEvent => ({
  _tag: "Extracting",
  progress: { component: "kernel", bytes, totalBytes: 100_000_000 },
})
const started: Progress.ProgressEvent = { _tag: "StageStarted", stage: "artifacts", steps: 1 }
const done: Progress.ProgressEvent = {
  _tag: "StepDone",
  stage: "artifacts",
  at: 1,
  of: 1,
  step,
  outcome: "changed",
}

const unpack = (progress: ProgressDisplay.ProgressDisplay) =>
  Effect.gen(function* () {
    yield* progress.tell(started)
    for (let at = 0; at <= 10; at++) {
      yield* progress.tell(extracting(at * 10_000_000))
      yield* TestClock.adjust("1 second")
    }
    yield* progress.tell(done)
  })

describe("progress", () => {
  it.effect("is one line that is rewritten on a terminal, and gone at the end", () =>
    Effect.gen(function* () {
      const { progress, recorder } = start([], { columns: 80 })
      yield* unpack(progress)
      progress.end()
      assert.notInclude(recorder.stderr(), "\n")
      assert.include(recorder.stderr(), "artifacts: kernel, 50.0 MB of 100.0 MB 50 %, 10.0 MB/s")
      assert.isTrue(recorder.stderr().endsWith("\u001b[2K"))
    }),
  )

  it.effect("is a line every few seconds where it is asked for", () =>
    Effect.gen(function* () {
      const { progress, recorder } = start(["--progress=plain"])
      yield* unpack(progress)
      progress.end()
      const lines = recorder.stderr().trimEnd().split("\n")
      assert.strictEqual(lines.length, 4)
      assert.notInclude(recorder.stderr(), "\u001b")
    }),
  )

  /** What the log has of it, of info and above. */
  const logOf = (argv: ReadonlyArray<string>) => {
    const { display, progress, recorder } = start(argv)
    const log = Logging.layer(display, StatusLine.make(recorder.surroundings.stderr))
    return unpack(progress).pipe(
      Effect.provide(log),
      Effect.map(() =>
        recorder
          .stderr()
          .trimEnd()
          .split("\n")
          .flatMap((line) => (line === "" ? [] : [(JSON.parse(line) as { message: string }).message])),
      ),
    )
  }

  it.effect("is in the log every few seconds where there is no terminal, and only of what takes long", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logOf([]), [
        "artifacts: kernel, 50.0 MB of 100.0 MB 50 %, 10.0 MB/s",
        "artifacts: kernel, 100.0 MB of 100.0 MB 100 %, 10.0 MB/s",
      ])
    }),
  )

  it.effect("is not there where nobody wants it", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logOf(["--progress=none"]), [])
      assert.deepStrictEqual(yield* logOf(["--log-level=warn"]), [])
    }),
  )

  it.effect("remembers what stands, for whoever interrupts", () =>
    Effect.gen(function* () {
      const { progress } = start([])
      yield* progress.tell({ ...started, stage: "host-check" })
      yield* progress.tell({ _tag: "StageDone", stage: "host-check", changed: 0 })
      yield* progress.tell({ ...started, stage: "cri" })
      yield* progress.tell({ _tag: "StageDone", stage: "cri", changed: 3 })
      yield* progress.tell(started)
      yield* progress.tell(done)
      assert.deepStrictEqual(progress.course(), {
        finished: ["cri"],
        current: { stage: "artifacts", changed: 1 },
        undoing: false,
        notUndone: undefined,
      })
      yield* progress.tell({ _tag: "Undoing", stage: "artifacts", changes: 1 })
      assert.isTrue(progress.course().undoing)
    }),
  )
})
