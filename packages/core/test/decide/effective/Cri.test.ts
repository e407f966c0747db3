/** Does the daemon start, does its CRI load, and what does it make of its handlers? */
import { assert, describe, it } from "@effect/vitest"
import {
  type Row,
  check,
  cri,
  every,
  first,
  kata,
  loaded,
  main,
  plugin,
  row,
  runc,
  second,
  simulate,
  v16,
  v17,
  v20,
  v21,
  v23,
  v24,
  x,
} from "./Rows.ts"

const rows: ReadonlyArray<Row> = [
  row(
    "an unknown default_runtime_name",
    every,
    { version: 2, plugins: cri(2, { runc }, { default_runtime_name: "x" }) },
    {},
    /^no CRI: .*"x"/,
  ),
  row(
    "two folders of CNI plugins",
    [v21, v23],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dir: "/a", bin_dirs: ["/b"] } } } },
    {},
    /^no CRI: .*bin_dirs/,
  ),
  row(
    "two folders of CNI plugins, one of them the default",
    [v21, v23],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dir: "/a", bin_dirs: ["/opt/cni/bin"] } } } },
    {},
    "runc",
  ),
  row(
    "two folders of CNI plugins where only one of the keys is known",
    [v20, v24],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dir: "/a", bin_dirs: ["/b"] } } } },
    {},
    "runc",
  ),
  row(
    "two folders of CNI plugins, one of several the default",
    [v21, v23],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dir: "/a", bin_dirs: ["/opt/cni/bin", "/b"] } } } },
    {},
    /^no CRI: .*bin_dirs/,
  ),
  row(
    "one folder of CNI plugins, in the old way",
    [v21, v23],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dir: "/a" } } } },
    {},
    "runc",
  ),
  row(
    "one folder of CNI plugins, in the new way",
    [v21, v23],
    { version: 3, plugins: { [plugin[3]]: { cni: { bin_dirs: ["/b"] } } } },
    {},
    "runc",
  ),
  row(
    "another period of statistics that is none",
    [v23, v24],
    { version: 3, plugins: { [plugin[3]]: { stats_retention_period: "long" } } },
    {},
    /^no CRI: stats_retention_period/,
  ),
  row(
    "a period of statistics that is none",
    [v23, v24],
    { version: 3, plugins: { [plugin[3]]: { stats_collect_period: "soon" } } },
    {},
    /^no CRI: stats_collect_period/,
  ),
  row(
    "an empty default_runtime_name",
    every,
    { version: 2, plugins: cri(2, { runc }, { default_runtime_name: "" }) },
    {},
    /^no CRI: .*empty/,
  ),
  row(
    "the CRI disabled by its full name",
    every,
    { version: 2, disabled_plugins: [plugin[2]] },
    {},
    /^no CRI: .*disabled/,
  ),
  row(
    "the CRI disabled by its short name, as Docker's package does",
    every,
    { disabled_plugins: ["cri"] },
    {},
    /^no CRI: .*disabled/,
  ),
  row("a short name in version 2", every, { version: 2, disabled_plugins: ["cri"] }, {}, /^refused .*"cri"/),
  row(
    "an unknown default snapshotter",
    every,
    { version: 2, plugins: cri(2, { runc }, { snapshotter: "x" }) },
    {},
    /^no CRI: .*snapshotter "x"/,
  ),
  row(
    "the default snapshotter disabled by its full name",
    every,
    { version: 2, disabled_plugins: ["io.containerd.snapshotter.v1.overlayfs"] },
    {},
    /^no CRI: .*snapshotter "overlayfs"/,
  ),
  row(
    "the default snapshotter disabled by its short name",
    every,
    { disabled_plugins: ["overlayfs"] },
    {},
    /^no CRI: .*snapshotter "overlayfs"/,
  ),
  row(
    "a default snapshotter of schema 2 without handlers is lost in the migration",
    second,
    { version: 2, plugins: { [plugin[2]]: { containerd: { snapshotter: "x" } } } },
    {},
    "runc",
  ),
  row(
    "a handler's unknown snapshotter",
    every,
    { version: 2, plugins: cri(2, { runc: { ...runc, snapshotter: "x" } }) },
    {},
    "runc",
  ),
  row("a log format as text", every, { version: 2, debug: { format: "text" } }, {}, "runc"),
  row("a log format for programs", every, { version: 2, debug: { format: "json" } }, {}, "runc"),
  row("an unknown log level", every, { version: 2, debug: { level: "loud" } }, {}, /^refused .*"loud"/),
  row("an unknown log format", every, { version: 2, debug: { format: "xml" } }, {}, /^refused .*"xml"/),
  row(
    "a proxy plugin without type",
    every,
    { version: 2, proxy_plugins: { n: { address: "/x" } } },
    {},
    /^refused .*no type/,
  ),
  row(
    "a proxy plugin whose type another file took away",
    every,
    main(2, 2, { proxy_plugins: { n: { type: "snapshot" } } }),
    { [x]: { proxy_plugins: { n: { address: "/x" } } } },
    new RegExp(`^refused for ${x}: .*no type`),
  ),
  row(
    "a proxy plugin of a newer kind",
    [v16],
    { version: 2, proxy_plugins: { n: { type: "diff" } } },
    {},
    /^refused .*"diff"/,
  ),
  row(
    "a proxy snapshotter with a built-in name, by the other word for its type",
    every,
    { version: 2, proxy_plugins: { native: { type: "io.containerd.snapshotter.v1" } } },
    {},
    /^refused .*built-in/,
  ),
  row(
    "a proxy for content with the name of a built-in snapshotter",
    every,
    { version: 2, proxy_plugins: { native: { type: "content" } } },
    {},
    "runc",
  ),
  row(
    "a proxy snapshotter with a built-in name",
    every,
    { version: 2, proxy_plugins: { native: { type: "snapshot" } } },
    {},
    /^refused .*built-in/,
  ),
  row(
    "mirrors beside config_path",
    every,
    {
      version: 2,
      plugins: { [plugin[2]]: { registry: { config_path: "/x", mirrors: { a: { endpoint: ["b"] } } } } },
    },
    {},
    /^no CRI: registry/,
  ),
  row(
    "config_path without mirrors",
    every,
    { version: 2, plugins: { [plugin[2]]: { registry: { config_path: "/x", mirrors: {} } } } },
    {},
    "runc",
  ),
  row(
    "mirrors without config_path",
    every,
    { version: 2, plugins: { [plugin[2]]: { registry: { mirrors: { a: { endpoint: ["b"] } } } } } },
    {},
    "runc",
  ),
  row(
    "all devices with its other half",
    [v17, ...second],
    {
      version: 2,
      plugins: cri(2, {
        runc: {
          ...runc,
          privileged_without_host_devices: true,
          privileged_without_host_devices_all_devices_allowed: true,
        },
      }),
    },
    {},
    "runc",
  ),
  row(
    "all devices without its other half",
    [v17, ...second],
    {
      version: 2,
      plugins: cri(2, { runc: { ...runc, privileged_without_host_devices_all_devices_allowed: true } }),
    },
    {},
    /^no CRI: privileged/,
  ),
  row(
    "an io_type that is none",
    second,
    { version: 3, plugins: cri(3, { runc: { ...runc, io_type: "x" } }) },
    {},
    /^no CRI: io_type/,
  ),
  row(
    "each io_type that there is",
    second,
    {
      version: 3,
      plugins: cri(3, { runc: { ...runc, io_type: "fifo" }, kata: { ...kata, io_type: "streaming" } }),
    },
    {},
    "kata runc",
  ),
  row(
    "an idle timeout that is none, in the half that does not know it",
    second,
    { version: 3, plugins: { [plugin[3]]: { stream_idle_timeout: "4 hours" } } },
    {},
    "runc",
  ),
  row(
    "a timeout of pulling that is none",
    [v17, ...second],
    { version: 2, plugins: { [plugin[2]]: { image_pull_progress_timeout: "soon" } } },
    {},
    /^no CRI: image_pull_progress_timeout/,
  ),
  row(
    "a timeout of draining that is none",
    [v17, ...second],
    { version: 2, plugins: { [plugin[2]]: { drain_exec_sync_io_timeout: "soon" } } },
    {},
    /^no CRI: drain_exec_sync_io_timeout/,
  ),
  row(
    "timeouts that 1.6 does not know",
    [v16],
    {
      version: 2,
      plugins: {
        [plugin[2]]: { image_pull_progress_timeout: "soon", drain_exec_sync_io_timeout: "soon" },
      },
    },
    {},
    "runc",
  ),
  row(
    "a duration that is none",
    every,
    { version: 2, plugins: { [plugin[2]]: { stream_idle_timeout: "4 hours" } } },
    {},
    /^no CRI: stream_idle_timeout/,
  ),
  row(
    "a duration",
    every,
    { version: 2, plugins: { [plugin[2]]: { stream_idle_timeout: "4h0m1.5s" } } },
    {},
    "runc",
  ),
]

describe("Cri", () => {
  check(rows)

  it("has handlers as their tables say, and the built-in one where they do not", () => {
    for (const version of every) {
      const options = { ConfigPath: "/opt/kata/c.toml" }
      const document = { version: 2, plugins: cri(2, { runc: {}, "kata-qemu": { ...kata, options } }) }
      const answer = loaded(simulate(version, document))
      const none = { snapshotter: "", imageSnapshotter: "" }
      assert.deepEqual(answer.handlers["kata-qemu"], {
        runtimeType: kata.runtime_type,
        runtimePath: kata.runtime_path,
        options,
        ...none,
      })
      assert.deepEqual(answer.handlers["runc"], {
        // 2.x fills the built-in table in, 1.x has the file's in its place.
        runtimeType: first.includes(version) ? "" : "io.containerd.runc.v2",
        runtimePath: "",
        options: {},
        ...none,
      })
      assert.deepEqual(answer.cri, { _tag: "Loaded" })
    }
  })
})
