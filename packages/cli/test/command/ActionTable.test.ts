import { Architecture, Plan, SettingsTable } from "@kata-deploy/core"
import { assert, describe, it } from "vitest"
import * as ActionTable from "../../src/command/ActionTable.ts"
import * as Arguments from "../../src/command/Arguments.ts"
import * as FlagTable from "../../src/command/FlagTable.ts"
import * as Invocation from "../../src/command/Invocation.ts"
import * as NotYet from "../../src/command/NotYet.ts"
import * as Recorder from "../sample/Recorder.ts"

/** The words of an example as a shell would give them. */
const words = (line: string) =>
  (line.replace(/ >.*$/, "").match(/'[^']*'|\S+/g) ?? []).map((word) => word.replaceAll("'", ""))

describe("the table of actions", () => {
  it("has every action that the engine can plan for", () => {
    for (const action of Plan.ActionName.literals) assert.include(ActionTable.names, action)
  })

  it("gives examples that work", () => {
    for (const row of ActionTable.rows) {
      const decoded = Invocation.decode(Arguments.parse(words(row.example)), Recorder.make().surroundings)
      assert.deepStrictEqual(decoded.problems, [], row.example)
    }
  })

  it("only lists flags that exist, and every flag of an action has one", () => {
    for (const name of ActionTable.rows.flatMap((row) => row.flags))
      assert.isDefined(FlagTable.lookup(name), name)
    for (const flag of FlagTable.actionFlags)
      assert.isTrue(
        ActionTable.rows.some((row) => ActionTable.takes(row, flag)),
        flag.name,
      )
  })

  it("fits its list of actions into 80 columns", () => {
    for (const row of ActionTable.rows) assert.isAtMost(row.summary.length, 80 - 34, row.name)
  })
})

describe("the table of flags", () => {
  it("has no name twice, and no action that a later release brings", () => {
    const names = FlagTable.flags.map((row) => row.name)
    assert.strictEqual(new Set(names).size, names.length)
    for (const name of [...Object.keys(NotYet.actions), ...Object.keys(NotYet.removedActions)])
      assert.notInclude(ActionTable.names, name)
  })

  it("has a flag for every setting, and short ones for those of an architecture", () => {
    for (const { row, variable } of SettingsTable.variables(Architecture.known)) {
      assert.strictEqual(FlagTable.lookup(SettingsTable.flagName(variable))?.variable, variable)
      assert.isDefined(FlagTable.lookup(SettingsTable.flagName(row.variable)))
    }
  })

  it("describes every flag in sentences", () => {
    for (const row of FlagTable.flags) assert.match(row.description, /^[A-Z`].*\.$/, row.name)
  })
})
