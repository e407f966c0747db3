/** What is left of an earlier file under a later one? */
import { describe } from "@effect/vitest"
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
  x,
} from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
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

describe("Merging", () => check(rows))
