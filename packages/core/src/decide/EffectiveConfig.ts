/**
 * Answers: what would containerd make of these files? Which handlers, snapshotters and log level result, or why the
 * daemon does not start. Nothing is run and nothing is read: files in, answer out. What it covers and how far it was
 * held against real daemons is in docs/effective-config.md. Source: facts containerd; lab, imports by experiment.
 */
import { Result } from "effect"
import type { Notice } from "../input/Problem.ts"
import type { ContainerdVersion } from "../model/ContainerdVersion.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"
import * as Cri from "./effective/Cri.ts"
import * as Generation from "./effective/Generation.ts"
import { wrongKey } from "./effective/KnownKeys.ts"
import * as Loading from "./effective/Loading.ts"
import * as Merging from "./effective/Merging.ts"
import * as Migration from "./effective/Migration.ts"
import * as Warnings from "./effective/Warnings.ts"

export type { Availability, Handler } from "./effective/Cri.ts"
export type { Files } from "./effective/Loading.ts"

/** What is simulated. */
export interface Input {
  /** Every file that exists and that an import may name, as text or as the table that is known to be in it. */
  readonly files: Loading.Files
  /** The file that the daemon is started with. */
  readonly root: HostPath
  readonly version: ContainerdVersion
}

/** The daemon does not start. */
export interface Refused extends Loading.Refusal {
  readonly _tag: "Refused"
}

/** The daemon starts. */
export interface Loaded {
  readonly _tag: "Loaded"
  /** Handlers by name, the built-in one where it survives. */
  readonly handlers: Readonly<Record<string, Cri.Handler>>
  readonly cri: Cri.Availability
  readonly defaultRuntime: string
  /** The snapshotter of everything that names none. */
  readonly snapshotter: string
  /** Every snapshotter that the daemon knows by name. */
  readonly snapshotters: ReadonlyArray<string>
  /** Types of the proxy plugins by name. */
  readonly proxies: Readonly<Record<string, string>>
  /** `info` where no file says otherwise. */
  readonly logLevel: string
  /** The files in the order in which they were loaded; later ones win. */
  readonly order: ReadonlyArray<HostPath>
  readonly warnings: ReadonlyArray<Notice>
}

/** What containerd makes of its files. */
export type EffectiveConfig = Refused | Loaded

/** Simulates the daemon. */
export const simulate = ({ files, root, version }: Input): EffectiveConfig => {
  const generation = Generation.of(version)
  // Without a root the loader is passed over, and with it every import (facts containerd §4).
  const loading: Result.Result<Loading.Loaded, Loading.Refusal> = files.has(root)
    ? Loading.load(files, root, generation)
    : Result.succeed({ files: [], ignoredGlobs: [] })
  const answer = Result.flatMap(loading, (loaded) =>
    Result.flatMap(Merging.merge(loaded.files, generation), (merged) =>
      finish({ files, root, version, generation, loaded, merged }),
    ),
  )
  return Result.match(answer, {
    onFailure: (refusal): EffectiveConfig => ({ _tag: "Refused", ...refusal }),
    onSuccess: (loaded) => loaded,
  })
}

const finish = (work: Warnings.Work): Result.Result<Loaded, Loading.Refusal> => {
  const { generation, loaded, merged, root } = work
  const tables = Cri.tablesOf(merged, generation)
  const blame = (holds: (table: Toml.Table) => boolean): HostPath =>
    loaded.files.length === 0 ? root : Merging.lastWith(loaded.files, holds)
  for (const { plugin, shape, table } of tables) {
    const wrong = wrongKey(table, shape)
    if (wrong === undefined) continue
    return Loading.refuse(
      blame((file) => Object.values(Toml.tableAt(file, "plugins") ?? {}).some((t) => holds(t, wrong.path))),
      `${["plugins", `"${plugin}"`, ...wrong.path].join(".")} is not ${wrong.expected}`,
    )
  }
  const proxy = wrongProxy(merged, generation)
  if (proxy !== undefined) {
    return Loading.refuse(
      blame((file) => Toml.tableAt(file, "proxy_plugins", proxy.name) !== undefined),
      proxy.why,
    )
  }
  const logging = wrongLogging(merged.debug)
  if (logging !== undefined)
    return Loading.refuse(
      blame((file) => file["debug"] !== undefined),
      logging,
    )
  const cri = Cri.read(merged, generation, tables)
  const missing = missingRequired(merged, generation, cri)
  if (missing !== undefined) {
    return Loading.refuse(
      blame((file) =>
        Toml.stringsAt(file, "required_plugins").some((name) =>
          [name, Migration.fullName(name)].includes(missing.name),
        ),
      ),
      missing.why,
    )
  }
  return Result.succeed({
    _tag: "Loaded",
    handlers: cri.handlers,
    cri: cri.availability,
    defaultRuntime: cri.defaultRuntime,
    snapshotter: cri.snapshotter,
    snapshotters: Cri.snapshotters(merged, generation),
    proxies: Object.fromEntries(
      Object.entries(merged.proxies).map(([name, { type }]) => [name, type as string]),
    ),
    logLevel: (merged.debug["level"] as string | undefined) ?? "info",
    order: loaded.files.map((file) => file.path),
    warnings: Warnings.of(work, tables, cri),
  })
}

const holds = (table: unknown, path: ReadonlyArray<string>): boolean =>
  Toml.isTable(table) && Toml.at(table, ...path) !== undefined

const proxyTypes: Readonly<Record<Generation.Generation["line"], ReadonlyArray<string>>> = (() => {
  const first = ["snapshot", "io.containerd.snapshotter.v1", "content", "io.containerd.content.v1"]
  const second = [...first, "diff", "io.containerd.differ.v1"]
  const third = [...second, "sandbox", "io.containerd.sandbox.controller.v1"]
  return { "1.6": first, "1.7": second, "2.0": third, "2.3": third, "2.4": third }
})()

/** A proxy plugin without a type that the daemon knows, or with a name that is taken, makes it panic (measured). */
const wrongProxy = (
  merged: Merging.Merged,
  generation: Generation.Generation,
): { readonly name: string; readonly why: string } | undefined => {
  for (const [name, { type }] of Object.entries(merged.proxies)) {
    const known = proxyTypes[generation.line].includes(type as string)
    if (!known) {
      const what = type === undefined ? "has no type" : `is of the unknown type ${JSON.stringify(type)}`
      return { name, why: `its proxy_plugins.${name} ${what}` }
    }
    const isSnapshotter = type === "snapshot" || type === "io.containerd.snapshotter.v1"
    if (isSnapshotter && Cri.builtInSnapshotters(generation).includes(name)) {
      return { name, why: `its proxy_plugins.${name} has the name of a built-in snapshotter` }
    }
  }
  return undefined
}

const levels = new Set(["panic", "fatal", "error", "warn", "warning", "info", "debug", "trace"])

const wrongLogging = (debug: Toml.Table): string | undefined => {
  const { format, level } = debug
  if (typeof level === "string" && !levels.has(level.toLowerCase())) {
    return `debug.level ${JSON.stringify(level)} is no log level`
  }
  if (typeof format === "string" && format !== "text" && format !== "json") {
    return `debug.format ${JSON.stringify(format)} is neither text nor json`
  }
  return undefined
}

/**
 * A required plugin that is not there ends the daemon; only what concerns the CRI can be told from here. On 2.x its
 * server needs the other two plugins, and those need neither each other nor the server (measured).
 */
const missingRequired = (
  merged: Merging.Merged,
  generation: Generation.Generation,
  cri: Cri.Cri,
): { readonly name: string; readonly why: string } | undefined => {
  const names = Cri.pluginNames(merged, generation)
  for (const name of merged.required) {
    if (!names.includes(name)) {
      if (!Cri.fullNames.includes(name)) continue
      return { name, why: `it requires the plugin ${name}, which this containerd does not know by that name` }
    }
    const failing = cri.broken.find(({ plugin }) => plugin === name || name === names[0])
    if (failing !== undefined) {
      return { name, why: `it requires the plugin ${name}, which does not load: ${failing.why}` }
    }
  }
  return undefined
}
