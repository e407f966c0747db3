/** Which types may the values of a key have? */
import { describe } from "@effect/vitest"
import { type Row, check, cri, every, plugin, root, row } from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
  row(
    "a wrong type in a handler",
    every,
    { version: 2, plugins: cri(2, { runc: { runtime_type: 5 } }) },
    {},
    /^refused .*runtime_type is not a string/,
  ),
  row(
    "a word where a switch has to be",
    every,
    { version: 2, plugins: cri(2, { runc: { privileged_without_host_devices: "x" } }) },
    {},
    /^refused .*\.runc\.privileged_without_host_devices is not true or false$/,
  ),
  row(
    "a word where a number has to be",
    every,
    { version: 2, plugins: { [plugin[2]]: { max_concurrent_downloads: "x" } } },
    {},
    /^refused .*max_concurrent_downloads is not a whole number$/,
  ),
  row(
    "a part of a number where a whole one has to be",
    every,
    "version = 2\noom_score = 1.5\n",
    {},
    `refused for ${root}: oom_score is not a whole number`,
  ),
  row("a number of any size", every, "version = 2\noom_score = 9007199254740993\n", {}, "runc"),
  row(
    "a word where a table without known keys has to be",
    every,
    { version: 2, plugins: cri(2, { runc: { options: "x" } }) },
    {},
    /^refused .*\.runc\.options is not a table$/,
  ),
  row(
    "a number at a place deep down",
    every,
    { version: 2, debug: { level: 5 } },
    {},
    `refused for ${root}: debug.level is not a string`,
  ),
  row(
    "a number in an array of strings",
    every,
    { version: 2, plugins: cri(2, { runc: { pod_annotations: [5] } }) },
    {},
    /^refused .*not an array of strings/,
  ),
  row(
    "a handler that is no table",
    every,
    { version: 2, plugins: cri(2, { runc: "x" }) },
    {},
    /^refused .*table/,
  ),
  row(
    "a wrong type at the top",
    every,
    { version: 2, disabled_plugins: "x" },
    {},
    /^refused .*disabled_plugins is not an array/,
  ),
]

describe("KnownKeys", () => check(rows))
