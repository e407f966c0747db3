import { Schema } from "effect"
import { assert, describe, it } from "vitest"
import * as Documents from "../../src/render/Documents.ts"
import * as DocumentSchemas from "../../src/render/DocumentSchemas.ts"
import { doneReport, failedReport, installPlan, statusWithDrift } from "../sample/Documents.ts"

const problem = { code: "E_X", message: "It is at https://me:secret@host.", remedy: "Do this." }

describe("documents for programs", () => {
  it("are what their schemas say", () => {
    const valid = (schema: Schema.Decoder<unknown>, text: string) => {
      const value: unknown = JSON.parse(text)
      assert.strictEqual(Schema.decodeUnknownResult(schema)(value)._tag, "Success", text)
    }
    valid(DocumentSchemas.PlanSchema, Documents.plan(installPlan))
    valid(DocumentSchemas.ReportSchema, Documents.report(doneReport))
    valid(DocumentSchemas.StatusSchema, Documents.status(statusWithDrift))
    valid(DocumentSchemas.ProblemsSchema, Documents.problems([problem], 2))
    valid(DocumentSchemas.ProblemsSchema, Documents.problems([problem], 1, failedReport))
  })

  it("hold whole diffs, but no secrets", () => {
    const text = Documents.plan(installPlan)
    assert.include(text, "+enable_debug = true")
    assert.notMatch(text, /hunter2|me:secret/)
    assert.notInclude(Documents.problems([problem], 2), "secret")
  })

  it("are one JSON value each, with a final newline", () => {
    assert.match(Documents.report(doneReport), /^\{\n {2}"schemaVersion": 1,\n {2}"kind": "report",[^]*\}\n$/)
  })
})
