import { assert, describe, it } from "vitest"
import { plain } from "../../src/render/Paint.ts"
import * as ReportText from "../../src/render/ReportText.ts"
import { doneReport, failedReport, incompleteReport } from "../sample/Documents.ts"
import * as Golden from "../sample/Golden.ts"

const style = { paint: plain, columns: 80 }

describe("a report for people", () => {
  it("says what was done, stage by stage", () => {
    Golden.matches(ReportText.render(doneReport, style), "fixtures/cli/report-done.txt")
  })

  it("says that nothing was changed, and that a restart is due all the same where one is", () => {
    const unchanged = { ...doneReport, stages: doneReport.stages.map((stage) => ({ ...stage, steps: [] })) }
    const last = (report: typeof doneReport) => ReportText.render(report, style).trimEnd().split("\n").at(-1)
    assert.strictEqual(last(unchanged), "Nothing was changed; the restart is still due.")
    const loaded = { ...unchanged, restarts: [{ unit: "k0sworker.service", due: "reloads-itself" as const }] }
    assert.strictEqual(last(loaded), "Nothing had to be changed.")
    assert.strictEqual(last({ ...unchanged, restarts: [] }), "Nothing had to be changed.")
  })

  it("speaks of what the node serves only where the handlers were to be served by now", () => {
    assert.include(ReportText.render(doneReport, style), "Served by the node")
    const stages = doneReport.stages.filter(({ stage }) => stage !== "cri")
    assert.notInclude(ReportText.render({ ...doneReport, stages }, style), "Served by the node")
  })

  it("tells what was kept on purpose from what could not be taken back", () => {
    const kept = { code: "configuration-kept", severity: "warning" as const, message: "It is kept." }
    const text = ReportText.render({ ...incompleteReport, notices: [kept] }, style)
    assert.include(text, "Failed, and kept as --rollback never asks")
    assert.notInclude(text, "could be taken back")
  })

  it("says what failed and what was taken back", () => {
    Golden.matches(ReportText.render(failedReport, style), "fixtures/cli/report-failed.txt")
  })

  it("says what is left for a person", () => {
    Golden.matches(ReportText.render(incompleteReport, style), "fixtures/cli/report-incomplete.txt")
  })

  it("names the first twenty paths that stay, and counts the others", () => {
    const left = Array.from({ length: 23 }, (_, at) => ({ path: `/opt/kata/mine-${at}`, why: "not ours" }))
    const text = ReportText.render({ ...incompleteReport, left }, style)
    assert.include(text, "/opt/kata/mine-19 (not ours)")
    assert.notInclude(text, "/opt/kata/mine-20")
    assert.include(text, "Left behind: 3 more paths; --output json names them")
    assert.notInclude(ReportText.render({ ...incompleteReport, left: left.slice(0, 20) }, style), "more path")
  })
})
