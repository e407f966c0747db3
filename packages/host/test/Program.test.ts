import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Program from "../src/Program.ts"

describe("a program of the machine", () => {
  it.effect("is run with its arguments as they are, and tells how it ended", () =>
    Effect.gen(function* () {
      const ended = yield* Program.run(["sh", "-c", 'printf %s "$1"; echo no >&2; exit 3', "sh", "a b"], 10)
      assert.deepStrictEqual(ended, { code: 3, stdout: "a b", stderr: "no\n" })
    }),
  )

  it.effect("that a signal ended has the code that a shell would tell", () =>
    Effect.gen(function* () {
      assert.strictEqual((yield* Program.run(["sh", "-c", "kill -KILL $$"], 10)).code, 137)
    }),
  )

  it.effect("that is not there is named with the errno", () =>
    Effect.gen(function* () {
      const reason = yield* Effect.flip(Program.run(["no-such-program"], 10))
      assert.strictEqual(
        Program.describe("no-such-program", reason),
        "no-such-program could not be started (ENOENT)",
      )
    }),
  )

  it.effect("that does not end is killed after its time", () =>
    Effect.gen(function* () {
      const running = yield* Effect.forkChild(Effect.flip(Program.run(["sleep", "infinity"], 60)))
      yield* TestClock.adjust("60 seconds")
      const reason = yield* Fiber.join(running)
      assert.strictEqual(Program.describe("sleep", reason), "sleep did not end within 60 s")
    }),
  )
})
