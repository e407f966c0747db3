/**
 * Answers: which keys does containerd know where handlers are concerned, and of which type? A value of another type
 * keeps the daemon from starting; a key that it does not know is passed over, in silence on 1.x.
 * Source: the `toml` tags in containerd's `config.go` of server and CRI at v1.6.20, v1.7.24, v2.1.4, v2.2.9, v2.3.7 and
 * v2.4.2.
 */
import * as Toml from "../../toml/Toml.ts"
import type { Generation } from "./Generation.ts"

/** The type of a value that has no keys of its own to look at. */
type Plain = "string" | "boolean" | "integer" | "strings" | "table"

/** The type that a key's value has to have. */
export type Shape = Plain | Fields | Each

/** A table with known keys. */
export interface Fields {
  readonly fields: Readonly<Record<string, Shape>>
}

/** A table whose keys are names and whose values are all alike. */
export interface Each {
  readonly each: Shape
}

const all = (shape: Shape, names: string): Readonly<Record<string, Shape>> =>
  Object.fromEntries(names.split(" ").map((name) => [name, shape]))

/** Known keys without what every object inherits, so that a key is looked up in one step. */
const known = (fields: Fields["fields"]): Fields => ({ fields: Object.assign(Object.create(null), fields) })

const top = (debug: Readonly<Record<string, Shape>>): Fields =>
  known({
    ...all("integer", "version oom_score"),
    ...all("string", "root state temp plugin_dir"),
    ...all("strings", "disabled_plugins required_plugins imports"),
    ...all("table", "grpc ttrpc metrics cgroup plugins"),
    debug: known({ ...all("string", "address level format"), ...all("integer", "uid gid"), ...debug }),
    proxy_plugins: {
      each: known({
        ...all("string", "type address platform"),
        exports: { each: "string" },
        capabilities: "strings",
      }),
    },
    timeouts: { each: "string" },
    stream_processors: { each: "table" },
  })

const topOfOlder = top({})
const topOfNewer = top({ log_trace_id: "boolean" })

/** What stands in a file above and beside the plugins. */
export const topLevel = ({ migratesEachFile }: Generation): Fields =>
  migratesEachFile ? topOfNewer : topOfOlder

const handlerBase = {
  ...all("string", "runtime_type runtime_path base_runtime_spec cni_conf_dir"),
  ...all("strings", "pod_annotations container_annotations"),
  privileged_without_host_devices: "boolean",
  cni_max_conf_num: "integer",
  options: "table",
} satisfies Readonly<Record<string, Shape>>

const handlerOfFirst = { ...handlerBase, ...all("string", "runtime_engine runtime_root") }

const handler16: Fields = known(handlerOfFirst)

const handler17: Fields = known({
  ...handlerOfFirst,
  ...all("string", "snapshotter sandbox_mode"),
  privileged_without_host_devices_all_devices_allowed: "boolean",
})

const handlerOf2 = {
  ...handlerBase,
  ...all("string", "snapshotter sandboxer io_type"),
  ...all("boolean", "privileged_without_host_devices_all_devices_allowed cgroup_writable"),
} satisfies Readonly<Record<string, Shape>>

const handler2: Fields = known(handlerOf2)

const handler24: Fields = known({ ...handlerOf2, disable_pause_image_pull: "boolean" })

const cniOf24 = {
  ...all("string", "conf_dir conf_template ip_pref"),
  max_conf_num: "integer",
  ...all("boolean", "setup_serially use_internal_loopback"),
  bin_dirs: "strings",
} satisfies Readonly<Record<string, Shape>>

const cni: Fields = known({ ...cniOf24, bin_dir: "string" })

const registry: Fields = known({
  config_path: "string",
  mirrors: { each: known({ endpoint: "strings" }) },
  ...all("table", "configs auths"),
  headers: { each: "strings" },
})

const server = {
  ...all("boolean", "disable_tcp_service enable_tls_streaming"),
  ...all("string", "stream_server_address stream_server_port stream_idle_timeout"),
  x509_key_pair_streaming: known(all("string", "tls_cert_file tls_key_file")),
} satisfies Readonly<Record<string, Shape>>

const runtimeOfAll = {
  ...all(
    "boolean",
    "enable_selinux disable_apparmor restrict_oom_score_adj disable_proc_mount tolerate_missing_hugetlb_controller disable_hugetlb_controller device_ownership_from_security_context ignore_image_defined_volumes netns_mounts_under_state_dir enable_unprivileged_ports enable_unprivileged_icmp",
  ),
  ...all("integer", "selinux_category_range max_container_log_line_size"),
  ...all("string", "unset_seccomp_profile drain_exec_sync_io_timeout"),
  ...all("strings", "cdi_spec_dirs ignore_deprecation_warnings"),
} satisfies Readonly<Record<string, Shape>>

const runtimeBase = { ...runtimeOfAll, cni, enable_cdi: "boolean" } satisfies Readonly<Record<string, Shape>>

const cri1 = (handler: Fields): Fields =>
  known({
    ...runtimeBase,
    ...server,
    ...all("boolean", "systemd_cgroup disable_cgroup image_pull_with_sync_fs"),
    ...all("integer", "stats_collect_period max_concurrent_downloads"),
    ...all("string", "sandbox_image image_pull_progress_timeout"),
    registry,
    image_decryption: known({ key_model: "string" }),
    containerd: known({
      ...all("string", "snapshotter default_runtime_name"),
      ...all(
        "boolean",
        "no_pivot disable_snapshot_annotations discard_unpacked_layers ignore_rdt_not_enabled_errors ignore_blockio_not_enabled_errors",
      ),
      default_runtime: handler,
      untrusted_workload_runtime: handler,
      runtimes: { each: handler },
    }),
  })

/** The CRI plugin of 1.6. */
export const cri16 = cri1(handler16)
/** The CRI plugin of 1.7. */
export const cri17 = cri1(handler17)

/** What is left of the schema 2 plugin on 2.x. */
export const server2: Fields = known(server)

const runtime2 = (handler: Fields) =>
  ({
    enable_criu: "boolean",
    containerd: known({
      default_runtime_name: "string",
      ...all("boolean", "ignore_blockio_not_enabled_errors ignore_rdt_not_enabled_errors"),
      runtimes: { each: handler },
    }),
  }) satisfies Readonly<Record<string, Shape>>

const stats = all("string", "stats_collect_period stats_retention_period")

const restore = all("boolean", "enable_experimental_restore_via_create")

/** The runtime half of the CRI on 2.x, by the first release of a line; from 2.4 on CDI is there always. */
export const runtimeHalves: Readonly<Record<"2.0" | "2.3" | "2.4", Fields>> = {
  "2.0": known({ ...runtimeBase, ...runtime2(handler2), ...restore }),
  "2.3": known({ ...runtimeBase, ...runtime2(handler2), ...restore, ...stats }),
  "2.4": known({
    ...runtimeOfAll,
    ...runtime2(handler24),
    ...stats,
    cni: known(cniOf24),
  }),
}

/** The images half of the CRI on 2.x. */
export const images2: Fields = known({
  ...all("string", "snapshotter image_pull_progress_timeout"),
  ...all(
    "boolean",
    "disable_snapshot_annotations discard_unpacked_layers image_pull_with_sync_fs use_local_image_pull",
  ),
  ...all("integer", "max_concurrent_downloads concurrent_layer_fetch_buffer stats_collect_period"),
  pinned_images: { each: "string" },
  runtime_platforms: { each: known(all("string", "platform snapshotter")) },
  registry,
  image_decryption: known({ key_model: "string" }),
})

const names: Readonly<Record<Plain, string>> = {
  string: "a string",
  boolean: "true or false",
  integer: "a whole number",
  strings: "an array of strings",
  table: "a table",
}

const fits = (value: unknown, shape: Plain): boolean => {
  switch (shape) {
    case "string":
      return typeof value === "string"
    case "boolean":
      return typeof value === "boolean"
    case "integer":
      return typeof value === "bigint" || (typeof value === "number" && Number.isInteger(value))
    case "strings":
      return Array.isArray(value) && value.every((item) => typeof item === "string")
    case "table":
      return Toml.isTable(value)
  }
}

/** A key whose value is of a type that containerd does not take. */
export interface WrongKey {
  readonly path: ReadonlyArray<string>
  readonly expected: string
}

/** The first key whose value is of the wrong type. */
export const wrongKey = (value: unknown, shape: Shape): WrongKey | undefined => {
  if (typeof shape === "string") return fits(value, shape) ? undefined : { path: [], expected: names[shape] }
  if (!Toml.isTable(value)) return { path: [], expected: names.table }
  for (const key of Object.keys(value)) {
    const inner = "each" in shape ? shape.each : fieldOf(shape, key)
    if (inner === undefined || (typeof inner === "string" && fits(value[key], inner))) continue
    const wrong = wrongKey(value[key], inner)
    if (wrong !== undefined) return { ...wrong, path: [key, ...wrong.path] }
  }
  return undefined
}

const fieldOf = (shape: Fields, key: string): Shape | undefined => shape.fields[key]

/** Keys that the daemon passes over, each with its path. */
export const unknownKeys = (
  value: Toml.Table,
  shape: Fields | Each,
): ReadonlyArray<ReadonlyArray<string>> => {
  const found: Array<ReadonlyArray<string>> = []
  collectUnknown(value, shape, [], found)
  return found
}

const collectUnknown = (
  value: Toml.Table,
  shape: Fields | Each,
  trail: Array<string>,
  found: Array<ReadonlyArray<string>>,
): void => {
  for (const key of Object.keys(value)) {
    const inner = "each" in shape ? shape.each : fieldOf(shape, key)
    const next = value[key]
    if (inner === undefined) found.push([...trail, key])
    else if (typeof inner !== "string" && Toml.isTable(next)) {
      trail.push(key)
      collectUnknown(next, inner, trail, found)
      trail.pop()
    }
  }
}
