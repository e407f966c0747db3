/**
 * Answers: what do older table names become on containerd 2.x? Short names of schema 1 become full ones, and the CRI
 * table of schema 2 is split into a runtime, an images and a server half.
 * Source: `v1MigratePluginName` in containerd's server config, `migrateConfig` in `plugins/cri/{runtime,images}` at
 * v2.1.4, v2.2.9, v2.3.7 and v2.4.2; facts containerd §6, §7.
 */
import { Result } from "effect"
import * as Toml from "../../toml/Toml.ts"
import type { Generation } from "./Generation.ts"

/** The CRI plugin up to schema 2; from schema 3 on only its server half. */
export const grpcCri = "io.containerd.grpc.v1.cri"
/** The runtime half from schema 3 on: the handlers are here. */
export const criRuntime = "io.containerd.cri.v1.runtime"
/** The images half from schema 3 on. */
export const criImages = "io.containerd.cri.v1.images"

/** Plugins of schema 1 whose full name does not follow from the short one. */
const fullNames: Readonly<Record<string, string>> = {
  cri: grpcCri,
  cgroups: "io.containerd.monitor.v1.cgroups",
  linux: "io.containerd.runtime.v1.linux",
  scheduler: "io.containerd.gc.v1.scheduler",
  bolt: "io.containerd.metadata.v1.bolt",
  task: "io.containerd.runtime.v2.task",
  opt: "io.containerd.internal.v1.opt",
  restart: "io.containerd.internal.v1.restart",
  tracing: "io.containerd.internal.v1.tracing",
  otlp: "io.containerd.tracing.processor.v1.otlp",
  ...Object.fromEntries(
    ["aufs", "btrfs", "devmapper", "native", "overlayfs", "zfs", "windows", "windows-lcow"].map((name) => [
      name,
      `io.containerd.snapshotter.v1.${name}`,
    ]),
  ),
}

/** The full name of a plugin; one with a dot has it already. */
export const fullName = (plugin: string): string => {
  if (plugin.includes(".")) return plugin
  if (Object.hasOwn(fullNames, plugin)) return fullNames[plugin]!
  return plugin.endsWith("-service")
    ? `io.containerd.service.v1.${plugin}`
    : `io.containerd.grpc.v1.${plugin}`
}

/** A plugins table with full names. */
export const withFullNames = (plugins: Toml.Table): Toml.Table =>
  Object.fromEntries(Object.entries(plugins).map(([name, value]) => [fullName(name), value]))

const movedToImages = [
  "registry",
  "image_decryption",
  "max_concurrent_downloads",
  "image_pull_progress_timeout",
  "image_pull_with_sync_fs",
  "stats_collect_period",
]

const movedToImagesFromContainerd = ["snapshotter", "disable_snapshot_annotations", "discard_unpacked_layers"]

const staysWithServer = [
  "disable_tcp_service",
  "stream_server_address",
  "stream_server_port",
  "stream_idle_timeout",
  "enable_tls_streaming",
  "x509_key_pair_streaming",
]

const notInRuntime = new Set([...movedToImages, ...staysWithServer, "sandbox_image", "cni", "containerd"])

/** A plugins table after the migration, and whether the schema 2 handlers found their place taken. */
export interface Migrated {
  readonly plugins: Toml.Table
  readonly handlersLeftBehind: boolean
}

/** Splits the schema 2 CRI table; fails, as the daemon panics, where a table is none. */
export const splitCri = (
  plugins: Toml.Table,
  generation: Pick<Generation, "line">,
): Result.Result<Migrated, string> => {
  const cri = plugins[grpcCri]
  if (cri === undefined) return Result.succeed({ plugins, handlersLeftBehind: false })
  const containerd = Toml.isTable(cri) ? (cri["containerd"] ?? {}) : undefined
  if (!Toml.isTable(cri) || !Toml.isTable(containerd)) {
    return Result.fail(`plugins.${grpcCri} holds a value where a table has to be`)
  }
  const runtime = runtimeHalf(
    tableOr(plugins[criRuntime]),
    generation.line === "2.4" ? without(cri, "enable_cdi") : cri,
    containerd,
  )
  if (Result.isFailure(runtime)) return Result.fail(runtime.failure)
  const there = tableOr(tableOr(plugins[criRuntime])["containerd"])
  return Result.succeed({
    plugins: {
      ...plugins,
      [criRuntime]: runtime.success,
      [criImages]: imagesHalf(tableOr(plugins[criImages]), cri, containerd),
      [grpcCri]: pick(cri, staysWithServer),
    },
    handlersLeftBehind: there["runtimes"] !== undefined && containerd["runtimes"] !== undefined,
  })
}

const tableOr = (value: unknown): Toml.Table => (Toml.isTable(value) ? value : {})

const without = (table: Toml.Table, key: string): Toml.Table => {
  const { [key]: _, ...rest } = table
  return rest
}

const pick = (table: Toml.Table, keys: ReadonlyArray<string>): Toml.Table =>
  Object.fromEntries(keys.flatMap((key) => (Object.hasOwn(table, key) ? [[key, table[key]]] : [])))

/** What is there already stays: a whole key of schema 2 is taken or left, `runtimes` among them. */
const runtimeHalf = (
  there: Toml.Table,
  cri: Toml.Table,
  containerd: Toml.Table,
): Result.Result<Toml.Table, string> => {
  const rest = Object.fromEntries(Object.entries(cri).filter(([key]) => !notInRuntime.has(key)))
  const moved = Object.fromEntries(
    Object.entries(containerd).filter(([key]) => !movedToImagesFromContainerd.includes(key)),
  )
  const merged = { ...moved, ...tableOr(there["containerd"]) }
  const handlers = merged["runtimes"]
  if (handlers !== undefined) {
    if (!Toml.isTable(handlers) || !Object.values(handlers).every(Toml.isTable)) {
      return Result.fail(`plugins.${grpcCri}.containerd.runtimes holds a value where a table has to be`)
    }
    merged["runtimes"] = Object.fromEntries(
      Object.entries(handlers).map(([k, v]) => [k, renamed(v as Toml.Table)]),
    )
  }
  return Result.succeed({
    ...rest,
    ...there,
    ...(Toml.isTable(cri["cni"]) ? { cni: cniOf(tableOr(there["cni"]), cri["cni"]) } : {}),
    ...(cri["containerd"] === undefined ? {} : { containerd: merged }),
  })
}

const renamed = (handler: Toml.Table): Toml.Table => {
  if (handler["sandbox_mode"] === undefined || handler["sandboxer"] !== undefined) return handler
  const { sandbox_mode, ...rest } = handler
  return { ...rest, sandboxer: sandbox_mode }
}

const cniOf = (there: Toml.Table, cni: Toml.Table): Toml.Table => {
  const { bin_dir, ...rest } = cni
  return { ...rest, ...(bin_dir === undefined ? {} : { bin_dirs: [bin_dir] }), ...there }
}

const imagesHalf = (there: Toml.Table, cri: Toml.Table, containerd: Toml.Table): Toml.Table => {
  const pause = cri["sandbox_image"]
  return {
    ...there,
    ...(pause === undefined ? {} : { pinned_images: { ...tableOr(there["pinned_images"]), sandbox: pause } }),
    ...pick(cri, movedToImages),
    // Without a table of handlers the migration ends before it has looked at these (source, v2.1.4).
    ...(containerd["runtimes"] === undefined ? {} : pick(containerd, movedToImagesFromContainerd)),
  }
}
