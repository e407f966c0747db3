/** What becomes of files in different schemas? */
import { describe } from "@effect/vitest"
import { type Row, check, dropIn, first, main, noRunc, row, second, v16, v17, v21, v23, x } from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
  row("main 2, drop-in without version", second, main(2, 2), { [x]: dropIn(2) }, "kata-qemu runc"),
  row("main 3, drop-in without version", second, main(3, 3), { [x]: dropIn(3) }, "kata-qemu runc"),
  row(
    "main 2, drop-in 3 on 1.6: its tables are silently unused",
    [v16],
    main(2, 2),
    { [x]: dropIn(3, { version: 3 }) },
    "runc",
  ),
  row(
    "main 2, drop-in 3 on 1.7: refused",
    [v17],
    main(2, 2),
    { [x]: dropIn(3, { version: 3 }) },
    `refused for ${x}: it declares version 3, which this containerd does not support`,
  ),
  row(
    "main 2, drop-in 3 on 2.1: nothing of the main one is migrated (M4)",
    [v21],
    main(2, 2),
    { [x]: dropIn(3, { version: 3 }) },
    "kata-qemu runc",
  ),
  row(
    "main 2, drop-in 3 on 2.3: refused (M5)",
    [v23],
    main(2, 2),
    { [x]: dropIn(3, { version: 3 }) },
    `refused for ${x}: it declares version 3, and the file that imports it only 2`,
  ),
  row("main 3 on 1.7: refused", [v17], main(3, 3), { [x]: "" }, /^refused .*version 3/),
  row(
    "main 3, drop-in 2 on 2.1: absent when the main one has handlers",
    [v21],
    main(3, 3),
    { [x]: dropIn(2, { version: 2 }) },
    "runc",
  ),
  row(
    "main 3, drop-in 2 on 2.1: there when it has none",
    [v21],
    { version: 3, imports: [x] },
    { [x]: dropIn(2, { version: 2 }) },
    "kata-qemu runc",
  ),
  row(
    "main 3, drop-in 2 on 2.3: each file is migrated by itself",
    [v23],
    main(3, 3),
    { [x]: dropIn(2, { version: 2 }) },
    "kata-qemu runc",
  ),
  row(
    "main 3, drop-in 2 on 1.7: only the drop-in counts",
    [v17],
    main(3, 3),
    { [x]: dropIn(2, { version: 2 }) },
    noRunc,
  ),
  row("schema 2 below a main of 3 on 2.1: absent", [v21], main(3, 3), { [x]: dropIn(2) }, "runc"),
  row(
    "main without version on 2.1 counts as 3, and its handlers are lost (M2)",
    [v21],
    main(undefined, 1),
    { [x]: dropIn(1) },
    "runc",
  ),
  row(
    "main without version on 2.3 is migrated",
    [v23],
    main(undefined, 1),
    { [x]: dropIn(1) },
    "kata-qemu runc",
  ),
  row(
    "main without version on 1.x is read by short names",
    first,
    main(undefined, 1, { imports: [] }),
    {},
    "runc",
  ),
  row("short names in version 2 stop 1.x", first, main(2, 2), { [x]: dropIn(1) }, /^refused .*plugins\.cri/),
  row("version 4 stops 2.0 to 2.2", [v21], { version: 4 }, {}, /^refused .*version 4/),
  row("version 4 is taken by 2.3", [v23], main(4, 3), { [x]: dropIn(3) }, "kata-qemu runc"),
]

describe("Migration", () => check(rows))
