import { assert, describe, it } from "@effect/vitest"
import { HostPath } from "@kata-deploy/core"
import { Cause, Effect, Exit } from "effect"
import { attempt, errno, Refusal } from "../src/Failure.ts"

const path = HostPath.make("/etc/f")

const failing = (cause: unknown) =>
  attempt("write", path, () => {
    throw cause
  })

describe("failures of the operating system", () => {
  for (const [code, tag] of [
    ["EACCES", "Denied"],
    ["EPERM", "Denied"],
    ["ENOSPC", "NoSpace"],
    ["EDQUOT", "NoSpace"],
    ["EROFS", "ReadOnly"],
    ["EIO", "Io"],
    ["ENAMETOOLONG", "Io"],
  ] as const) {
    it.effect(`${code} becomes ${tag}, with operation and path`, () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(failing(Object.assign(new Error(code), { code })))
        assert.deepInclude(error, { operation: "write", path })
        assert.deepStrictEqual(error.reason, tag === "Io" ? { _tag: "Io", code } : { _tag: tag })
      }),
    )
  }

  it.effect("our own refusals keep their reason", () =>
    Effect.gen(function* () {
      const reason = { _tag: "EscapesRoot", via: "/link" } as const
      assert.deepStrictEqual((yield* Effect.flip(failing(new Refusal(reason)))).reason, reason)
      assert.deepStrictEqual((yield* Effect.flip(failing(errno("ELOOP")))).reason, {
        _tag: "Io",
        code: "ELOOP",
      })
    }),
  )

  it.effect("a mistake in the program is no failure of the host", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(failing(new TypeError("a mistake")))
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    }),
  )
})
