/** Which files are loaded, and which stop the daemon? */
import { describe } from "@effect/vitest"
import { type Row, check, dropIn, every, main, noRunc, root, row, second, v16, v17, x } from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
  row(
    "an absolute glob is read",
    every,
    { ...main(2, 2), imports: ["/opt/d/*.toml"] },
    { [x]: dropIn(2) },
    /kata-qemu|no CRI/,
  ),
  row(
    "a relative path is read beside the file",
    second,
    { version: 2, imports: ["d/x.toml"] },
    { "/etc/containerd/d/x.toml": dropIn(2) },
    "kata-qemu runc",
  ),
  row(
    "a relative glob is nothing on 1.6",
    [v16],
    { version: 2, imports: ["d/*.toml"] },
    { "/etc/containerd/d/x.toml": dropIn(2) },
    "runc",
  ),
  row(
    "a relative glob is read beside the file from 1.7 on (M3)",
    [v17],
    { version: 2, imports: ["d/*.toml"] },
    { "/etc/containerd/d/x.toml": dropIn(2) },
    noRunc,
  ),
  row(
    "a literal import of a missing file stops the daemon (M9)",
    every,
    main(2, 2),
    {},
    `refused for ${root}: it imports ${x}, which does not exist`,
  ),
  row("a glob without a match is fine", every, { version: 2, imports: ["/opt/gone/*.toml"] }, {}, "runc"),
  row(
    "a pattern that is none stops the daemon",
    every,
    { version: 2, imports: ["/opt/[*.toml"] },
    {},
    /^refused .*no valid pattern/,
  ),
  row(
    "a drop-in that is no TOML stops the daemon",
    every,
    main(2, 2),
    { [x]: "version = \n" },
    new RegExp(`^refused for ${x}: it is not valid TOML`),
  ),
  row(
    "a hidden file matches a glob",
    every,
    { version: 2, imports: ["/opt/d/*.toml"] },
    { "/opt/d/.x.toml": "=" },
    /^refused for \/opt\/d\/\.x\.toml/,
  ),
  row(
    "another ending does not match",
    every,
    { version: 2, imports: ["/opt/d/*.toml"] },
    { "/opt/d/x.toml.bak": "=" },
    "runc",
  ),
  row(
    "an import of an import is read",
    second,
    { version: 2, imports: [x] },
    { [x]: { imports: ["y.toml"] }, "/opt/d/y.toml": dropIn(2) },
    "kata-qemu runc",
  ),
]

describe("Loading", () => check(rows))
