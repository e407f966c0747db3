/** What does 1.x make of settings for the runtimes that containerd had before 1.4? */
import { describe } from "@effect/vitest"
import { type Row, check, cri, first, kata, plugin, row, runc } from "./Rows.ts"

/** A handler of the runtime that containerd had before 1.4. */
const linux = { runtime_type: "io.containerd.runtime.v1.linux" }

const rows: ReadonlyArray<Row> = [
  row(
    "systemd_cgroup of old",
    first,
    { version: 2, plugins: { [plugin[2]]: { systemd_cgroup: true } } },
    {},
    /^no CRI: systemd_cgroup/,
  ),
  row(
    "systemd_cgroup of old, with the runtime of old",
    first,
    {
      version: 2,
      plugins: { [plugin[2]]: { systemd_cgroup: true, containerd: { runtimes: { runc: linux } } } },
    },
    {},
    "runc",
  ),
  row(
    "runtime_root of old, with the runtime of old",
    first,
    { version: 2, plugins: cri(2, { runc: { ...linux, runtime_root: "/x" } }) },
    {},
    "runc",
  ),
  row(
    "runtime_engine of old",
    first,
    { version: 2, plugins: cri(2, { runc: { ...runc, runtime_engine: "/x" } }) },
    {},
    /^no CRI: runtime_engine/,
  ),
  row(
    "no_pivot of old",
    first,
    { version: 2, plugins: cri(2, { runc }, { no_pivot: true }) },
    {},
    /^no CRI: no_pivot/,
  ),
  row(
    "runtime_root of old",
    first,
    { version: 2, plugins: cri(2, { runc: { ...runc, runtime_root: "/x" } }) },
    {},
    /^no CRI: runtime_root/,
  ),
  row(
    "untrusted_workload_runtime of old",
    first,
    { version: 2, plugins: cri(2, { runc }, { untrusted_workload_runtime: kata }) },
    {},
    "runc untrusted",
  ),
  row(
    "a handler untrusted without untrusted_workload_runtime",
    first,
    { version: 2, plugins: cri(2, { runc, untrusted: kata }) },
    {},
    "runc untrusted",
  ),
  row(
    "a handler untrusted beside untrusted_workload_runtime",
    first,
    { version: 2, plugins: cri(2, { runc, untrusted: kata }, { untrusted_workload_runtime: kata }) },
    {},
    /^no CRI: both/,
  ),
  row(
    "default_runtime of old",
    first,
    { version: 2, plugins: cri(2, { runc }, { default_runtime: kata }) },
    {},
    "default runc",
  ),
]

describe("Cri of old", () => check(rows))
