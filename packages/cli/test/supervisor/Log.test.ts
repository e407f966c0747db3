import { Effect } from "effect"
import { assert, describe, it } from "@effect/vitest"
import { TestClock } from "effect/testing"
import type { Display } from "../../src/command/Display.ts"
import * as Logging from "../../src/run/Logging.ts"
import * as StatusLine from "../../src/render/StatusLine.ts"
import * as Log from "../../src/supervisor/Log.ts"

const display = (logFormat: "text" | "json"): Display => ({
  output: "text",
  logLevel: "Info",
  logFormat,
  progress: "none",
  color: { stdout: false, stderr: false },
  columns: { stdout: 80, stderr: 80 },
})

describe("the supervisor's log", () => {
  for (const form of ["text", "json"] as const) {
    it.effect(`as ${form} has the lines of the children's`, () =>
      Effect.gen(function* () {
        let written = ""
        const line = StatusLine.make({ write: (text) => (written += text), isTerminal: false, columns: 80 })
        yield* TestClock.setTime(Date.UTC(2026, 1, 3, 4, 5, 6, 7))
        yield* Effect.logWarning("some text").pipe(Effect.provide(Logging.layer(display(form), line)))
        const own = Log.format(form, "warn", "some text", new Date(Date.UTC(2026, 1, 3, 4, 5, 6, 7)))
        assert.strictEqual(own, written)
      }),
    )
  }
})
