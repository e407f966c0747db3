import { describe, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import * as ReportText from "../../src/render/ReportText.ts"
import { doneReport, failedReport, incompleteReport } from "../sample/Documents.ts"
import * as Golden from "../sample/Golden.ts"

const style = { paint: plain, columns: 80 }

describe("a report for people", () => {
  it("says what was done, stage by stage", () => {
    Golden.matches(ReportText.render(doneReport, style), "fixtures/cli/report-done.txt")
  })

  it("says what failed and what was taken back", () => {
    Golden.matches(ReportText.render(failedReport, style), "fixtures/cli/report-failed.txt")
  })

  it("says what is left for a person", () => {
    Golden.matches(ReportText.render(incompleteReport, style), "fixtures/cli/report-incomplete.txt")
  })
})
