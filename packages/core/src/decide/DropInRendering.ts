/**
 * Answers: what does our containerd drop-in say? It is rendered whole from the settings, printed by our own printer,
 * and holds table names of one schema family only. Source: spec 03 §4, §6; decisions §5; facts containerd §5–§7.
 */
import { Context, Layer } from "effect"
import type { Settings } from "../input/Settings.ts"
import type { ConfigSchema } from "../model/ContainerdVersion.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import * as Handler from "../model/Handler.ts"
import type { Instance } from "../model/Instance.ts"
import { suffixed } from "../model/Instance.ts"
import * as Shim from "../model/Shim.ts"
import type { PrintTable, Value } from "../toml/TomlPrinter.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import type { ContainerdPaths } from "./ConfigPaths.ts"

/** What the drop-in is rendered from. */
export interface RenderInput {
  readonly settings: Pick<Settings, "instance" | "handlers" | "debug">
  readonly paths: Pick<ContainerdPaths, "schema" | "version" | "repeatsCriTable" | "mainConfig">
  /** The CRI table of the main config, for containerd 1.x, which would otherwise lose it. */
  readonly criTable: PrintTable | undefined
  /** Tables beside the handlers, merged key by key: what the snapshotters need (`Snapshotter.containerdTables`). */
  readonly extraTables?: PrintTable
  /** Version of this program, for the header. */
  readonly release: string
}

/** Plugin that holds the runtime handlers, by schema. Source: facts containerd §2. */
export const criPlugin = (schema: ConfigSchema): string =>
  schema >= 3 ? "io.containerd.cri.v1.runtime" : schema === 2 ? "io.containerd.grpc.v1.cri" : "cri"

const imagesPlugin = "io.containerd.cri.v1.images"

/** The name under which containerd knows a snapshotter that the settings call by its short name (spec 03 §6). */
export const snapshotterName = (setting: string, instance: Instance): string =>
  setting === "nydus"
    ? suffixed(instance, "nydus-for-kata-tee")
    : setting === "nydus-hs"
      ? suffixed(instance, "nydus-for-kata-hs")
      : setting

/** The table of one handler. */
export const handlerTable = (handler: Handler.Handler, instance: Instance): PrintTable => {
  const row = Shim.lookup(handler.shim)!
  return {
    runtime_type: `io.containerd.${handler.name}.v2`,
    runtime_path: Shim.binary(instance.installDir, row),
    privileged_without_host_devices: true,
    pod_annotations: ["io.katacontainers.*"],
    container_annotations: ["io.kubernetes.container.terminationMessage*"],
    ...(handler.snapshotter === undefined
      ? {}
      : { snapshotter: snapshotterName(handler.snapshotter, instance) }),
    options: { ConfigPath: Handler.configPath(handler, row, instance.installDir) },
  }
}

/** Handler tables by name, in the order of the settings. */
export const handlerTables = (settings: RenderInput["settings"]): PrintTable =>
  Object.fromEntries(settings.handlers.map((h) => [h.name, handlerTable(h, settings.instance)]))

/**
 * Whether the images plugin has to be told the snapshotter of each handler: from schema 3 on, and with a schema 2
 * root on containerd 2.0–2.2, whose migration loses it (facts containerd §7).
 */
const tellsImages = ({ schema, version }: RenderInput["paths"]): boolean =>
  schema >= 3 ||
  (schema === 2 &&
    version !== undefined &&
    ContainerdVersion.atLeast(version, 2, 0) &&
    !ContainerdVersion.atLeast(version, 2, 3))

/**
 * containerd 1.x has a built-in `runc` only while the configuration names no handler at all: with the first one that
 * is named it is gone, and the CRI does not load without its default handler (measured on 1.6.20 and 1.7.24).
 */
export const withBuiltIn = (named: PrintTable | undefined, handlers: PrintTable): PrintTable =>
  named !== undefined && Object.keys(named).length > 0
    ? handlers
    : { runc: { runtime_type: "io.containerd.runc.v2" }, ...handlers }

/** Both tables as one, key by key; where both have a value that is no table, the one of `over` stays. */
export const mergeTables = (base: PrintTable, over: PrintTable): PrintTable => {
  const merged: Record<string, Value> = { ...base }
  for (const [name, value] of Object.entries(over)) {
    const before = merged[name]
    merged[name] = isTable(before) && isTable(value) ? mergeTables(before, value) : value
  }
  return merged
}

/** The handlers that a CRI table names. */
const runtimesOf = (cri: PrintTable | undefined): PrintTable | undefined => {
  const containerd = cri?.["containerd"]
  const runtimes = isTable(containerd) ? containerd["runtimes"] : undefined
  return isTable(runtimes) ? runtimes : undefined
}

const isTable = (value: Value | undefined): value is PrintTable =>
  typeof value === "object" && !Array.isArray(value)

/** The tables of the drop-in. */
export const tables = (input: RenderInput): PrintTable => {
  const { paths, settings } = input
  const handlers = handlerTables(settings)
  const cri = paths.repeatsCriTable
    ? mergeTables(input.criTable ?? {}, {
        containerd: { runtimes: withBuiltIn(runtimesOf(input.criTable), handlers) },
      })
    : { containerd: { runtimes: handlers } }
  const mapped = settings.handlers.filter((h) => h.snapshotter !== undefined)
  const platforms: PrintTable = Object.fromEntries(
    mapped.map((h) => [h.name, { snapshotter: snapshotterName(h.snapshotter!, settings.instance) }]),
  )
  const own: PrintTable = {
    plugins: {
      [criPlugin(paths.schema)]: cri,
      ...(tellsImages(paths) && mapped.length > 0
        ? { [imagesPlugin]: { runtime_platforms: platforms } }
        : {}),
    },
    ...(settings.debug ? { debug: { level: "debug" } } : {}),
  }
  return mergeTables(own, input.extraTables ?? {})
}

/** First words of every file that we write whole; tells people where changes belong. */
export const header = (what: string, instance: string, release: string): ReadonlyArray<string> => [
  `Written by kata-deploy ${release} for the instance ${instance}: ${what}.`,
  "Changes made here are lost with the next install; change the settings of kata-deploy instead.",
]

/** The whole text of the drop-in. */
export const render = (input: RenderInput): string => {
  const { paths, settings } = input
  const comment = [
    ...header("runtime handlers for containerd", settings.instance.suffix ?? "default", input.release),
  ]
  if (paths.repeatsCriTable && input.criTable !== undefined) {
    comment.push(
      `containerd 1.x replaces the whole CRI table by the one below, so the settings of ${paths.mainConfig} are repeated in it.`,
    )
  }
  return TomlPrinter.print(comment, tables(input))
}

/** The replaceable policy behind `render`. */
export class DropInRendering extends Context.Service<
  DropInRendering,
  {
    readonly render: (input: RenderInput) => string
  }
>()("@kata-deploy/core/DropInRendering") {
  /** The drop-in as this module renders it. */
  static readonly layer = Layer.succeed(DropInRendering, DropInRendering.of({ render }))
}
