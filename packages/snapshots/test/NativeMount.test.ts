import { assert, describe, it } from "vitest"
import { NativeMount } from "../src/index.ts"
import { blockdev, labels, root } from "./Samples.ts"

const fs = (id: string) => `${root}/snapshots/${id}/fs`
const own = [`workdir=${root}/snapshots/5/work`, `upperdir=${fs("5")}`]
const overlay = (...options: ReadonlyArray<string>) => ({ type: "overlay", source: "overlay", options })
const bind = (id: string, access: string) => ({ type: "bind", source: fs(id), options: [access, "rbind"] })

const table = [
  ["E1", "view", [], bind("5", "ro")],
  ["E2", "active", [], bind("5", "rw")],
  ["E3", "view", ["4"], bind("4", "ro")],
  ["E4", "active", ["4"], overlay(...own, `lowerdir=${fs("4")}`)],
  ["E4", "active", ["4", "3"], overlay(...own, `lowerdir=${fs("4")}:${fs("3")}`)],
  ["E5", "view", ["4", "3"], overlay(`lowerdir=${fs("4")}:${fs("3")}`)],
] as const

describe("NativeMount", () => {
  for (const [row, kind, parents, mount] of table)
    it(`${row}: ${kind} on ${parents.length} layers`, () => {
      assert.deepStrictEqual(NativeMount.mount(blockdev, { id: "5", kind, labels: {}, parents }) as object, {
        row,
        mount,
      })
      assert.match(NativeMount.explain(row), new RegExp(`^${row}: .+\\.$`))
    })

  it("E4: adds volatile and the mapping of ids before the lower directories", () => {
    const given = labels({ volatile: "", uidMapping: "0:1:2", gidMapping: "0:1:2" })
    const middle = ["volatile", "uidmap=0:1:2", "gidmap=0:1:2"]
    const snapshot = { id: "5", kind: "active", labels: given, parents: ["4"] } as const
    assert.deepStrictEqual(
      NativeMount.mount(blockdev, snapshot).mount as object,
      overlay(...own, ...middle, `lowerdir=${fs("4")}`),
    )
    assert.deepStrictEqual(
      NativeMount.mount({ root, volatile: true }, { ...snapshot, labels: {} }).mount.options[2],
      "volatile",
    )
  })
})
