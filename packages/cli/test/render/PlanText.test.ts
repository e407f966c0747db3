import { assert, describe, it } from "vitest"
import { coloured, plain } from "../../src/render/Paint.ts"
import * as PlanText from "../../src/render/PlanText.ts"
import { cleanupPlan, emptyPlan, installPlan, purgingPlan } from "../sample/Documents.ts"
import * as Golden from "../sample/Golden.ts"

const text = (plan: typeof installPlan, columns = 80) => PlanText.render(plan, { paint: plain, columns })

describe("a plan for people", () => {
  it("shows stages with numbered steps, reasons and diffs", () => {
    Golden.matches(text(installPlan), "fixtures/cli/plan-install.txt")
  })

  it("shows what goes, what stays and who is at risk in a cleanup", () => {
    Golden.matches(text(cleanupPlan), "fixtures/cli/plan-cleanup.txt")
  })

  it("shows which snapshots go with what nydus stored, and what keeps the rest", () => {
    Golden.matches(text(purgingPlan), "fixtures/cli/plan-purge.txt")
  })

  it("says in one line that there is nothing to do", () => {
    Golden.matches(text(emptyPlan), "fixtures/cli/plan-empty.txt")
  })

  it("says that a restart is due where nothing else is", () => {
    const plan = { ...emptyPlan, restarts: installPlan.restarts }
    assert.match(text(plan), /\nNothing to do from here; the restart is still due\.\n$/)
  })

  it("says once that use could not be checked, be it in a notice or beside the sandboxes", () => {
    const notice = {
      code: "use-not-checked",
      severity: "warning",
      message: "It could not be checked whether /opt/kata is in use (no hostPID).",
    } as const
    const told = text({ ...cleanupPlan, sandboxes: null, notices: [notice] })
    assert.include(told, "It could not be checked")
    assert.notInclude(told, "Kata sandboxes")
    const bare = text({ ...cleanupPlan, sandboxes: null, notices: [] })
    assert.include(bare, "Kata sandboxes: could not be looked at from here")
  })

  it("uses the width of a wide terminal", () => {
    Golden.matches(text(installPlan, 200), "fixtures/cli/plan-install-wide.txt")
  })

  it("never shows a secret, not even in the context of a diff", () => {
    assert.notMatch(text(installPlan), /hunter2|me:secret/)
  })

  it("holds no escape sequences unless it is painted", () => {
    assert.notInclude(text(installPlan), "\u001b")
    assert.include(PlanText.render(installPlan, { paint: coloured, columns: 80 }), "\u001b[32m+imports")
  })

  it("numbers steps through all stages, those that are shown together too", () => {
    assert.include(text(installPlan), "create 4 directories (steps 1 to 4)")
    assert.match(text(installPlan), /^ {2}9\. change \/etc\/containerd\/config\.toml$/m)
  })
})
