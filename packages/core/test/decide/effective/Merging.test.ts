/** What is left of an earlier file under a later one? */
import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import { HostPath } from "../../../src/index.ts"
import * as Generation from "../../../src/decide/effective/Generation.ts"
import * as Merging from "../../../src/decide/effective/Merging.ts"
import {
  type Row,
  check,
  cri,
  dropIn,
  every,
  first,
  kata,
  main,
  noRunc,
  plugin,
  row,
  second,
  v23,
  v24,
  x,
} from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
  row(
    "handlers of schema 2 in a file of version 4 are not looked for",
    [v23, v24],
    { version: 4, plugins: cri(2, { "kata-qemu": kata }) },
    {},
    "runc",
  ),
  row("1.x takes the whole CRI table from the drop-in (M1)", first, main(2, 2), { [x]: dropIn(2) }, noRunc),
  row("2.x merges it key by key", second, main(2, 2), { [x]: dropIn(2) }, "kata-qemu runc"),
  row(
    "a handler in the only CRI table takes the built-in runc away on 1.x",
    first,
    { version: 2, plugins: cri(2, { "kata-qemu": kata }) },
    {},
    noRunc,
  ),
  row(
    "an empty table of handlers takes it away as well",
    first,
    { version: 2, plugins: cri(2, {}) },
    {},
    noRunc,
  ),
  row("no CRI table at all keeps it", every, { version: 2 }, {}, "runc"),
  row(
    "a CRI table without handlers keeps it",
    first,
    { version: 2, plugins: { [plugin[2]]: { sandbox_image: "x" } } },
    {},
    "runc",
  ),
]

describe("Merging", () => {
  check(rows)

  it("merges tables with tables, and replaces everything else, whichever of the two is a table", () => {
    const [table, other, value] = [{ a: { b: 1, c: [1] } }, { a: { b: 2, d: 3 } }, { a: 5 }]
    assert.deepEqual(Merging.deep(table, other), { a: { b: 2, c: [1], d: 3 } })
    assert.deepEqual(Merging.deep(table, value), value)
    assert.deepEqual(Merging.deep(value, table), table)
    assert.deepEqual(Merging.deep(table, { a: { c: [2] } }), { a: { b: 1, c: [2] } })
  })

  it("counts as the newest schema where each file is migrated by itself, else as what the files declare last", () => {
    const schema = (...declared: ReadonlyArray<number>) =>
      every.map((release) => {
        const files = declared.map((version) => ({ path: HostPath.make(x), table: { version } }))
        return Result.getOrThrow(Merging.merge(files, Generation.of(release))).schema
      })
    assert.deepStrictEqual(schema(2), [2, 2, 2, 4, 4])
    assert.deepStrictEqual(schema(1, 2), [2, 2, 2, 4, 4])
    assert.deepStrictEqual(schema(0), [1, 1, 3, 4, 4])
    assert.deepStrictEqual(schema(2, 0), [2, 2, 2, 4, 4])
  })

  it("takes an empty or zero value of the log for none, on every line", () => {
    for (const version of every) {
      const files = [
        { uid: 5, level: "warn" },
        { uid: 0, level: "" },
      ].map((debug) => ({ path: HostPath.make(x), table: { debug } }))
      const merged = Result.getOrThrow(Merging.merge(files, Generation.of(version)))
      assert.deepEqual(merged.debug, { uid: 5, level: "warn" })
    }
  })
})
