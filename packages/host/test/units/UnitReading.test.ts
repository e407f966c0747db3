import { assert, describe, it } from "vitest"
import * as UnitReading from "../../src/units/UnitReading.ts"

describe("what systemd says of a unit", () => {
  for (const [activeState, state] of [
    ["active", "active"],
    ["reloading", "active"],
    ["refreshing", "active"],
    ["activating", "activating"],
    ["deactivating", "activating"],
    ["failed", "failed"],
    ["inactive", "inactive"],
    ["", "inactive"],
  ] as const)
    it(`is ${state} for ${JSON.stringify(activeState)}`, () => {
      assert.strictEqual(UnitReading.stateOf(activeState), state)
    })

  it("is the same in D-Bus's types and in the words of systemctl", () => {
    const spoken = { MainPID: 47, NRestarts: 3, ActiveEnterTimestamp: 1_000_001n, NeedDaemonReload: true }
    const printed = {
      MainPID: "47",
      NRestarts: "3",
      ActiveEnterTimestamp: 1_000_001,
      NeedDaemonReload: "yes",
    }
    assert.deepStrictEqual(UnitReading.runOf(printed), UnitReading.runOf(spoken))
    assert.strictEqual(UnitReading.runOf(printed).activeSince, 1000)
  })

  it("has no process and no time where systemd says 0", () => {
    const { activeSince, mainPid } = UnitReading.runOf({ MainPID: 0, ActiveEnterTimestamp: 0n })
    assert.deepStrictEqual([activeSince, mainPid], [undefined, undefined])
  })

  it("speaks against a start that was reported as a success only where the unit is down", () => {
    const run = (ActiveState: string, SubState: string) =>
      UnitReading.notUp(UnitReading.runOf({ ActiveState, SubState, Result: "exit-code" }))
    assert.isUndefined(run("active", "running"))
    assert.isUndefined(run("inactive", "dead"))
    assert.isUndefined(run("activating", "start"))
    assert.match(run("failed", "failed")!, /ended again: failed \(failed, exit-code\)/)
    assert.match(run("activating", "auto-restart-queued")!, /auto-restart/)
  })
})
