import { assert, describe, it } from "@effect/vitest"
import { Instance } from "../../src/index.ts"

describe("Instance", () => {
  for (const [prefix, suffix, installDir] of [
    [undefined, undefined, "/opt/kata"],
    [undefined, "dev", "/opt/kata-dev"],
    ["/custom", undefined, "/custom/opt/kata"],
    ["/custom/", "dev", "/custom/opt/kata-dev"],
    ["/", undefined, "/opt/kata"],
  ] as const) {
    it(`with prefix ${prefix ?? "none"} and suffix ${suffix ?? "none"} lives in ${installDir}`, () => {
      const instance = Instance.make({ prefix, suffix })
      assert.strictEqual<string>(instance.installDir, installDir)
      assert.strictEqual(Instance.defaultStateDir(instance), `${installDir}/.kata-deploy`)
      assert.strictEqual(Instance.name(instance), suffix ?? "default")
      assert.strictEqual(Instance.suffixed(instance, "x"), suffix === undefined ? "x" : `x-${suffix}`)
    })
  }

  it("without prefix and suffix lives in the default directory", () => {
    assert.strictEqual(
      Instance.make({ prefix: undefined, suffix: undefined }).installDir,
      Instance.defaultInstallDir,
    )
  })
})
