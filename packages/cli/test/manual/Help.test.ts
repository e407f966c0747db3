import { assert, describe, it } from "vitest"
import * as ActionTable from "../../src/command/ActionTable.ts"
import * as Help from "../../src/manual/Help.ts"
import { plain } from "../../src/render/Paint.ts"
import * as Golden from "../sample/Golden.ts"

const style = { paint: plain, columns: 80 }
const lookup = (name: string) => ActionTable.lookup(name) ?? assert.fail(name)

describe("the help", () => {
  it("of the program is one short page", () => {
    Golden.matches(Help.general(style), "fixtures/cli/help.txt")
    assert.isAtMost(Help.general(style).split("\n").length, 72)
  })

  it("of an action shows flags, variables, defaults and an example", () => {
    Golden.matches(Help.ofAction(lookup("install"), style), "fixtures/cli/help-install.txt")
    Golden.matches(Help.ofAction(lookup("schema"), style), "fixtures/cli/help-schema.txt")
    const snapshotter = Help.ofAction(lookup("snapshotter"), style)
    assert.include(snapshotter, "kata-deploy snapshotter set-mode guest-pull|host-share SHIM [FLAGS]")
    assert.include(snapshotter, "\nSHIM: one of clh, ")
  })

  it("fits 80 columns, whatever the action", () => {
    for (const text of [Help.general(style), ...ActionTable.rows.map((row) => Help.ofAction(row, style))])
      assert.deepStrictEqual(
        text.split("\n").filter((line) => line.length > 80),
        [],
      )
  })
})
