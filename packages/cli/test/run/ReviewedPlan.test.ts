import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { Effect } from "effect"
import { afterEach, assert, beforeEach, describe, it } from "vitest"
import * as Documents from "../../src/render/Documents.ts"
import * as ReviewedPlan from "../../src/run/ReviewedPlan.ts"
import { installPlan, statusWithDrift } from "../sample/Documents.ts"

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "kata-deploy-reviewed-"))
})
afterEach(() => rmSync(directory, { recursive: true, force: true }))

const read = (text: string) => {
  const file = join(directory, "plan.json")
  writeFileSync(file, text)
  return Effect.runPromise(Effect.flip(ReviewedPlan.read(file))).then(({ problems }) => problems[0]?.message)
}

describe("a reviewed plan", () => {
  it("is what a plan prints as JSON", async () => {
    writeFileSync(join(directory, "plan.json"), Documents.plan(installPlan))
    const plan = await Effect.runPromise(ReviewedPlan.read(join(directory, "plan.json")))
    assert.strictEqual(plan.action, "install")
  })

  it("that is something else is refused with what it is", async () => {
    const plan = Documents.plan(installPlan)
    for (const [text, why] of [
      ["Plan of install:", "it is not JSON"],
      [Documents.status(statusWithDrift), "it is a status document"],
      [
        plan.replace('"schemaVersion": 1', '"schemaVersion": 99'),
        "it is of version 99, and this program knows",
      ],
      [plan.replace('"stages"', '"steps"'), "it is no plan document of this program"],
      ["null", "it is no plan document of this program"],
    ])
      assert.include(await read(text!), `cannot be applied: ${why}`)
  })
})
