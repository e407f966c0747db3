import { readFileSync } from "node:fs"
import { join } from "node:path"
import { assert, describe, it } from "vitest"
import { rules } from "../rules/index.ts"
import { tools } from "../tools.ts"
import { miniature, withScripts } from "./Miniature.ts"

/** Runs `npm run check` in a miniature, some rules only. */
const check = (planted: Record<string, string>, ...wanted: ReadonlyArray<string>) => {
  using copy = withScripts(miniature(planted))
  const report = join(copy.directory, "report.json")
  const ran = copy.run("node", ["scripts/check.ts", ...wanted], { CHECK_REPORT: report })
  const counted = ran.status === 2 ? undefined : JSON.parse(readFileSync(report, "utf8"))
  return { ...ran, counted }
}

describe("npm run check", () => {
  it("fails, names the place and counts when a rule does not hold", () => {
    const { counted, output, status } = check(
      { "packages/core/src/utils.ts": "export {}\n" },
      "names",
      "lint",
    )
    assert.strictEqual(status, 1, output)
    assert.match(output, /^FAIL names/m)
    assert.match(output, /^ok {3}lint/m)
    assert.include(output, "packages/core/src/utils.ts")
    assert.deepStrictEqual(counted, { passed: 1, failed: 1 })
  })

  it("fails when a tool does", () => {
    const { counted, output, status } = check({ "packages/core/src/index.ts": "let a = 1\n" }, "lint")
    assert.strictEqual(status, 1, output)
    assert.deepStrictEqual(counted, { passed: 0, failed: 1 })
  })

  it("succeeds when all rules that were asked for hold", () => {
    const { counted, output, status } = check({}, "names", "file-length")
    assert.strictEqual(status, 0, output)
    assert.deepStrictEqual(counted, { passed: 2, failed: 0 })
  })

  it("names the rules there are when one is asked for that is not", () => {
    const { output, status } = check({}, "nmaes")
    assert.strictEqual(status, 2)
    for (const { name } of [...tools, ...rules]) assert.include(output, name)
  })
})
