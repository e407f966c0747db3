import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { FileState, HostPath } from "../../src/index.ts"
import * as UserDropIn from "../../src/decide/UserDropIn.ts"

const at = HostPath.make("/d/zz-kata-deploy-user.toml")
const source = "/custom/user.toml"
const decide = (userDropIn: FileState.FileState | undefined, userDropInSource: string | undefined = source) =>
  UserDropIn.decide({ settings: { userDropInSource }, facts: { userDropIn } }, at)
const problem = (...given: Parameters<typeof decide>) =>
  Result.getOrThrow(Result.flip(decide(...given))).problems[0]!

describe("UserDropIn", () => {
  it("is nothing where none is configured", () => {
    assert.deepStrictEqual(Result.getOrThrow(decide(undefined)), [])
  })

  it("is the operator's text as it is, with a mode of ours", () => {
    const [made, ...more] = Result.getOrThrow(decide(FileState.file("# mine\nx = 1", 0o600)))
    assert.deepStrictEqual([made!.path, made!.state, more], [at, FileState.file("# mine\nx = 1"), []])
  })

  it("that is not there, or is no TOML, is refused by the setting that names it", () => {
    const unreadable: FileState.FileState = { _tag: "Unreadable", why: "denied", detail: "x" }
    for (const [state, code] of [
      [FileState.absent, "E_USER_DROPIN_SOURCE_MISSING"],
      [FileState.directory(), "E_USER_DROPIN_SOURCE_MISSING"],
      [unreadable, "E_USER_DROPIN_SOURCE_MISSING"],
      [FileState.file("x = "), "E_USER_DROPIN_NOT_TOML"],
    ] as const) {
      const found = problem(state)
      assert.deepStrictEqual(
        [found.code, found.setting, found.value],
        [code, "CONTAINERD_USER_DROP_IN_SOURCE_FILE", source],
      )
    }
  })
})
