import { assert, describe, it } from "vitest"
import * as Lean from "../../src/supervisor/Lean.ts"

const bundle = { flags: [], file: "/x/dist/kata-deploy.mjs", env: {} }

describe("a process that only waits", () => {
  it("is replaced once, and only where nothing is lost by it", () => {
    assert.isTrue(Lean.wantsReplacing(bundle))
    assert.isFalse(Lean.wantsReplacing({ ...bundle, flags: ["--jitless"] }))
    assert.isFalse(Lean.wantsReplacing({ ...bundle, file: "/x/src/main.ts" }))
    assert.isFalse(Lean.wantsReplacing({ ...bundle, env: { KATA_DEPLOY_HEALTH_FD: "5" } }))
  })

  it("starts children that work with all that Node has", () => {
    assert.deepStrictEqual(
      Lean.workingFlags([
        "--jitless",
        "--expose-gc",
        "--max-semi-space-size=1",
        "--conditions=source",
        "--inspect=1",
      ]),
      ["--conditions=source"],
    )
  })
})
