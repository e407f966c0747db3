/**
 * Answers: which runtime handlers does the CRI plugin end up with, and does it load at all? A CRI that does not load
 * leaves the daemon up and the node without pods. Source: containerd `ValidatePluginConfig` (1.x),
 * `ValidateRuntimeConfig` and `ValidateImageConfig` (2.x); lab, imports by experiment; e2e/controls.test.ts.
 */
import * as Toml from "../../toml/Toml.ts"
import { type Generation, isFirst } from "./Generation.ts"
import { cri16, cri17, type Fields, images2, runtimeHalves, server2 } from "./KnownKeys.ts"
import type { Merged } from "./Merging.ts"
import * as Migration from "./Migration.ts"

/** One runtime handler as the daemon holds it; the built-in defaults of `options` are left out. */
export interface Handler {
  readonly runtimeType: string
  readonly runtimePath: string
  readonly options: Toml.Table
  /** Snapshotter of its containers; empty is the CRI's default one. 1.6 has no such setting. */
  readonly snapshotter: string
  /** Snapshotter that its images are pulled into; empty is the CRI's default one. */
  readonly imageSnapshotter: string
}

/** Whether the CRI is there. */
export type Availability = { readonly _tag: "Loaded" } | { readonly _tag: "NotLoaded"; readonly why: string }

/** A plugin of the CRI that does not load for a reason of its own. */
export interface Broken {
  readonly plugin: string
  /** Why, as a clause for people. */
  readonly why: string
}

/** What the CRI plugin makes of its tables. */
export interface Cri {
  readonly handlers: Readonly<Record<string, Handler>>
  readonly availability: Availability
  /** In the order of {@link pluginNames}; the first of those needs all of them, the others none. */
  readonly broken: ReadonlyArray<Broken>
  readonly defaultRuntime: string
  /** The snapshotter of everything that names none. */
  readonly snapshotter: string
}

/** A table that the CRI plugin reads, by its name in the merged configuration, with the keys that it knows. */
export interface CriTable {
  readonly plugin: string
  readonly table: Toml.Table
  readonly shape: Fields
}

/** Full names that the CRI's plugins have on any line; 1.x knows the first one only. */
export const fullNames: ReadonlyArray<string> = [Migration.grpcCri, Migration.criRuntime, Migration.criImages]

/** Names under which the CRI is disabled or required; that of the server, which serves pods, comes first. */
export const pluginNames = (merged: Merged, generation: Generation): ReadonlyArray<string> => {
  if (!isFirst(generation)) return fullNames
  return [merged.schema < 2 ? "cri" : Migration.grpcCri]
}

/** The tables that the CRI reads; those of disabled plugins are not even looked at. */
export const tablesOf = (merged: Merged, generation: Generation): ReadonlyArray<CriTable> => {
  const { line } = generation
  const shapes = line === "1.6" ? [cri16] : line === "1.7" ? [cri17] : [server2, runtimeHalves[line], images2]
  return pluginNames(merged, generation).flatMap((plugin, at) => {
    const table = merged.plugins[plugin]
    if (table === undefined || merged.disabled.includes(plugin)) return []
    return [{ plugin, table: table as Toml.Table, shape: shapes[at]! }]
  })
}

const builtIn: Readonly<Record<Generation["line"], ReadonlyArray<string>>> = {
  "1.6": ["aufs", "btrfs", "devmapper", "native", "overlayfs", "zfs"],
  "1.7": ["aufs", "blockfile", "btrfs", "devmapper", "native", "overlayfs", "zfs"],
  "2.0": ["blockfile", "btrfs", "devmapper", "erofs", "native", "overlayfs", "zfs"],
  "2.3": ["blockfile", "btrfs", "devmapper", "erofs", "native", "overlayfs", "zfs"],
  "2.4": ["blockfile", "btrfs", "devmapper", "erofs", "native", "overlayfs", "zfs"],
}

/** Snapshotters that the daemon has by itself; whether the host can use one is not known here. */
export const builtInSnapshotters = (generation: Generation): ReadonlyArray<string> => builtIn[generation.line]

const snapshotType = new Set(["snapshot", "io.containerd.snapshotter.v1"])

/** Every snapshotter by name: the built-in ones and the proxies, without those that are disabled. */
export const snapshotters = (merged: Merged, generation: Generation): ReadonlyArray<string> => {
  const proxies = Object.entries(merged.proxies).flatMap(([name, { type }]) =>
    snapshotType.has(type as string) ? [name] : [],
  )
  const isDisabled = (name: string): boolean =>
    merged.disabled.includes(
      isFirst(generation) && merged.schema < 2 ? name : `io.containerd.snapshotter.v1.${name}`,
    )
  return [...builtIn[generation.line], ...proxies].filter((name) => !isDisabled(name))
}

const stringAt = (table: Toml.Table | undefined, key: string): string => {
  const value = table?.[key]
  return typeof value === "string" ? value : ""
}

const tableIn = (table: Toml.Table | undefined, key: string): Toml.Table => {
  const value = table?.[key]
  return Toml.isTable(value) ? value : {}
}

const handler = (table: Toml.Table, snapshotter: string, imageSnapshotter: string): Handler => ({
  runtimeType: stringAt(table, "runtime_type"),
  runtimePath: stringAt(table, "runtime_path"),
  options: tableIn(table, "options"),
  snapshotter,
  imageSnapshotter,
})

const builtInRunc: Toml.Table = { runtime_type: "io.containerd.runc.v2" }

/** What the CRI makes of tables whose types have been found right. */
export const read = (merged: Merged, generation: Generation, tables: ReadonlyArray<CriTable>): Cri => {
  const names = pluginNames(merged, generation)
  const found = isFirst(generation)
    ? readFirst(tables[0]?.table ?? {}, generation)
    : readSecond(
        tables.find((t) => t.plugin === Migration.criRuntime)?.table ?? {},
        tables.find((t) => t.plugin === Migration.criImages)?.table ?? {},
        tables.find((t) => t.plugin === Migration.grpcCri)?.table ?? {},
        generation,
      )
  const noSnapshotter = snapshotters(merged, generation).includes(found.snapshotter)
    ? undefined
    : `there is no snapshotter ${JSON.stringify(found.snapshotter)}`
  const broken = names.flatMap((plugin, at): ReadonlyArray<Broken> => {
    const own = found.invalid[at] ?? (at === names.length - 1 ? noSnapshotter : undefined)
    const why = merged.disabled.includes(plugin) ? `the plugin ${plugin} is disabled` : own
    return why === undefined ? [] : [{ plugin, why }]
  })
  const [failing] = broken
  return {
    handlers: found.handlers,
    defaultRuntime: found.defaultRuntime,
    snapshotter: found.snapshotter,
    broken,
    availability: failing === undefined ? { _tag: "Loaded" } : { _tag: "NotLoaded", why: failing.why },
  }
}

interface Found extends Omit<Cri, "availability" | "broken"> {
  /** What is wrong with the table of each plugin, in the order of {@link pluginNames}. */
  readonly invalid: ReadonlyArray<string | undefined>
}

/** 1.x: the table of handlers in the file takes the place of the built-in one, which holds `runc`. */
const readFirst = (cri: Toml.Table, generation: Generation): Found => {
  const containerd = tableIn(cri, "containerd")
  const knowsSnapshotter = generation.line !== "1.6"
  const tables: Record<string, Toml.Table> =
    containerd["runtimes"] === undefined
      ? { runc: builtInRunc }
      : { ...(tableIn(containerd, "runtimes") as Record<string, Toml.Table>) }
  let defaultRuntime = stringAt({ default_runtime_name: "runc", ...containerd }, "default_runtime_name")
  const untrusted = tableIn(containerd, "untrusted_workload_runtime")
  const conflict = stringAt(untrusted, "runtime_type") !== "" && Object.hasOwn(tables, "untrusted")
  if (stringAt(untrusted, "runtime_type") !== "" && !conflict) tables["untrusted"] = untrusted
  const byTable = tableIn(containerd, "default_runtime")
  if (stringAt(byTable, "runtime_type") !== "") {
    defaultRuntime = "default"
    tables["default"] = byTable
  }
  return {
    handlers: Object.fromEntries(
      Object.entries(tables).map(([name, table]) => {
        const own = knowsSnapshotter ? stringAt(table, "snapshotter") : ""
        return [name, handler(table, own, own)]
      }),
    ),
    defaultRuntime,
    snapshotter: stringAt({ snapshotter: "overlayfs", ...containerd }, "snapshotter"),
    invalid: [
      conflict
        ? "both untrusted_workload_runtime and a handler untrusted are there"
        : (withoutDefault(tables, defaultRuntime) ??
          deprecated(cri, tables, defaultRuntime) ??
          (knowsSnapshotter ? allDevices(tables) : undefined) ??
          registryClash(cri) ??
          badDuration(cri, "stream_idle_timeout") ??
          (knowsSnapshotter ? badDuration(cri, "image_pull_progress_timeout") : undefined) ??
          (knowsSnapshotter ? badDuration(cri, "drain_exec_sync_io_timeout") : undefined)),
    ],
  }
}

/** 2.x: handlers are added to the built-in `runc`, whose own table is filled in. */
const readSecond = (
  runtime: Toml.Table,
  images: Toml.Table,
  server: Toml.Table,
  generation: Generation,
): Found => {
  const containerd = tableIn(runtime, "containerd")
  const named = tableIn(containerd, "runtimes") as Readonly<Record<string, Toml.Table>>
  const tables = { ...named, runc: { ...builtInRunc, ...named["runc"] } }
  const platforms = tableIn(images, "runtime_platforms")
  const defaultRuntime = stringAt({ default_runtime_name: "runc", ...containerd }, "default_runtime_name")
  return {
    handlers: Object.fromEntries(
      Object.entries(tables).map(([name, table]) => {
        const own = stringAt(table, "snapshotter")
        const told = stringAt(tableIn(platforms, name), "snapshotter")
        const untold = generation.tellsImagesByItself ? own : ""
        // A platform that is told of a handler without a snapshotter means the default one (`UpdateRuntimeSnapshotter`).
        return [name, handler(table, own, Object.hasOwn(platforms, name) ? told : untold)]
      }),
    ),
    defaultRuntime,
    snapshotter: stringAt({ snapshotter: "overlayfs", ...images }, "snapshotter"),
    invalid: [
      badDuration(server, "stream_idle_timeout"),
      withoutDefault(tables, defaultRuntime) ??
        allDevices(tables) ??
        badIo(tables) ??
        badDuration(runtime, "drain_exec_sync_io_timeout") ??
        (generation.migratesEachFile
          ? (badDuration(runtime, "stats_collect_period") ?? badDuration(runtime, "stats_retention_period"))
          : undefined) ??
        (generation.knowsBothCniFolders ? cniClash(runtime) : undefined),
      registryClash(images) ?? badDuration(images, "image_pull_progress_timeout"),
    ],
  }
}

type Tables = Readonly<Record<string, Toml.Table>>

const withoutDefault = (tables: Tables, name: string): string | undefined => {
  if (name === "") return "default_runtime_name is empty"
  return Object.hasOwn(tables, name)
    ? undefined
    : `no handler has the name that default_runtime_name gives, ${JSON.stringify(name)}`
}

/** Settings of the runtime that containerd had before 1.4; with any other the CRI does not load. */
const deprecated = (cri: Toml.Table, tables: Tables, defaultRuntime: string): string | undefined => {
  const old = "io.containerd.runtime.v1.linux"
  const isOld = stringAt(tables[defaultRuntime], "runtime_type") === old
  if (cri["systemd_cgroup"] === true && !isOld) return `systemd_cgroup works with ${old} only`
  if (tableIn(cri, "containerd")["no_pivot"] === true && !isOld) return `no_pivot works with ${old} only`
  for (const [name, table] of Object.entries(tables)) {
    const key = ["runtime_engine", "runtime_root"].find((k) => stringAt(table, k) !== "")
    if (key !== undefined && stringAt(table, "runtime_type") !== old) {
      return `${key} of the handler ${name} works with ${old} only`
    }
  }
  return undefined
}

const allDevices = (tables: Tables): string | undefined => {
  const key = "privileged_without_host_devices"
  const wrong = Object.entries(tables).find(
    ([, t]) => t[`${key}_all_devices_allowed`] === true && t[key] !== true,
  )
  return wrong && `${key}_all_devices_allowed of the handler ${wrong[0]} asks for ${key}`
}

const badIo = (tables: Tables): string | undefined => {
  const wrong = Object.entries(tables).find(
    ([, t]) => !["", "fifo", "streaming"].includes(stringAt(t, "io_type")),
  )
  return wrong && `io_type of the handler ${wrong[0]} is neither fifo nor streaming`
}

const registryClash = (table: Toml.Table): string | undefined => {
  const registry = tableIn(table, "registry")
  return stringAt(registry, "config_path") !== "" && Object.keys(tableIn(registry, "mirrors")).length > 0
    ? "registry.mirrors and registry.config_path are both there"
    : undefined
}

/**
 * From 2.1 to 2.3 `bin_dir` took the place of the default folders of plugins, and of no others. The default is that of
 * upstream's builds; Debian's 2.1.9 has another one.
 */
const cniClash = (runtime: Toml.Table): string | undefined => {
  const cni = tableIn(runtime, "cni")
  const folders = Toml.stringsAt(cni, "bin_dirs")
  const isDefault = folders.length === 1 && folders[0] === "/opt/cni/bin"
  return stringAt(cni, "bin_dir") === "" || folders.length === 0 || isDefault
    ? undefined
    : "cni.bin_dir and cni.bin_dirs are both there"
}

/** Durations as Go writes them. */
const duration = /^[-+]?(?:0|(?:(?:\d+\.?\d*|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+)$/

const badDuration = (table: Toml.Table, key: string): string | undefined => {
  const value = stringAt(table, key)
  return value === "" || duration.test(value) ? undefined : `${key} is no duration`
}
