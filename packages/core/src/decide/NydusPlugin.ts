/**
 * Answers: what has containerd to be told about a nydus? A proxy plugin, and that it wants to know which image a layer
 * belongs to. Source: spec 07 §2; facts containerd §8; docs/decisions/0005.
 */
import { Result } from "effect"
import type { Problem } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { Instance } from "../model/Instance.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import { type NydusMode, paths } from "./NydusMode.ts"
import { annotationsTable, below } from "./SnapshotterTables.ts"

/**
 * How the snapshotter comes to know which image a layer belongs to. From containerd 2.1 on the plugin asks for it by
 * itself; the switch for the whole node would take every other pull off the transfer service (facts containerd §8).
 */
export const annotationsBy = (
  version: ContainerdVersion.ContainerdVersion | undefined,
): "plugin-export" | "node-wide-switch" =>
  version !== undefined && ContainerdVersion.atLeast(version, 2, 1) ? "plugin-export" : "node-wide-switch"

/** What containerd has to be told, in the tables of the schema that its main config declares. */
export const containerdTables = (
  mode: NydusMode,
  input: {
    readonly instance: Instance
    readonly schema: ContainerdVersion.ConfigSchema
    readonly version: ContainerdVersion.ContainerdVersion | undefined
  },
): Result.Result<PrintTable, Problem> => {
  const at = paths(mode, input.instance)
  const by = annotationsBy(input.version)
  const plugin = {
    type: "snapshot",
    address: at.socket,
    exports: {
      root: at.data,
      // A string: containerd takes exports as texts and compares this one with "true".
      ...(by === "plugin-export" ? { enable_remote_snapshot_annotations: "true" } : {}),
    },
  }
  return Result.map(annotationsTable(input.schema), (table) => ({
    ...(by === "plugin-export" ? {} : below(table, { disable_snapshot_annotations: false })),
    proxy_plugins: { [at.name]: plugin },
  }))
}
