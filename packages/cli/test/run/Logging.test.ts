import { assert, describe, it } from "@effect/vitest"
import { Cause, Effect } from "effect"
import * as Arguments from "../../src/command/Arguments.ts"
import * as Display from "../../src/command/Display.ts"
import * as StatusLine from "../../src/render/StatusLine.ts"
import * as Logging from "../../src/run/Logging.ts"
import * as Recorder from "../sample/Recorder.ts"

const logged = (
  argv: ReadonlyArray<string>,
  program: Effect.Effect<void>,
  terminal?: { readonly columns: number },
) =>
  Effect.gen(function* () {
    const recorder = Recorder.make(terminal === undefined ? {} : { terminal })
    const display = Display.decode(Arguments.parse(argv).given, recorder.surroundings)
    const line = StatusLine.make(recorder.surroundings.stderr)
    yield* Effect.provide(program, Logging.layer(display, line))
    assert.strictEqual(recorder.stdout(), "")
    return recorder.stderr()
  })

const records = Effect.gen(function* () {
  yield* Effect.logInfo("proxy is https://me:secret@host", { of: 1 }).pipe(
    Effect.annotateLogs("stage", "cri"),
  )
  yield* Effect.logDebug("details")
})

describe("the log", () => {
  it.effect("is one JSON object for each record where nobody looks", () =>
    Effect.gen(function* () {
      const text = yield* logged([], records)
      assert.strictEqual(text.split("\n").length, 2)
      const record = JSON.parse(text) as Record<string, unknown>
      assert.deepInclude(record, {
        level: "info",
        message: 'proxy is https://***@host {"of":1}',
        stage: "cri",
      })
      assert.match(String(record["time"]), /^\d{4}-\d\d-\d\dT/)
    }),
  )

  it.effect("is text on a terminal", () =>
    Effect.gen(function* () {
      const text = yield* logged([], records, { columns: 80 })
      assert.match(text, /^\d\d:\d\d:\d\d INFO {2}proxy is https:\/\/\*\*\*@host .* stage=cri\n$/)
    }),
  )

  it.effect("is as loud as it is told to be", () =>
    Effect.gen(function* () {
      assert.include(yield* logged(["--log-level=debug"], records), "details")
      assert.strictEqual(yield* logged(["--log-level=error"], records), "")
    }),
  )

  it.effect("holds stack traces only when somebody debugs", () =>
    Effect.gen(function* () {
      const failing = Effect.logError("it failed", Cause.die(new Error("boom")))
      assert.notInclude(yield* logged([], failing), "boom")
      assert.include(yield* logged(["--log-level=debug"], failing), "boom")
    }),
  )
})
