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
 * Whether the plugin itself can ask which image a layer belongs to, by an export. The switch for the node is needed all
 * the same: it makes pulls of a kubelet go without the transfer service, which unpacks for the default snapshotter
 * alone and fails every pull for another one ("no unpack platforms defined", measured on 2.1.9).
 */
export const asksByItself = (version: ContainerdVersion.ContainerdVersion | undefined): boolean =>
  version !== undefined && ContainerdVersion.atLeast(version, 2, 1)

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
  const plugin = {
    type: "snapshot",
    address: at.socket,
    exports: {
      root: at.data,
      // A string: containerd takes exports as texts and compares this one with "true".
      ...(asksByItself(input.version) ? { enable_remote_snapshot_annotations: "true" } : {}),
    },
  }
  return Result.map(annotationsTable(input.schema), (table) => ({
    ...below(table, { disable_snapshot_annotations: false }),
    proxy_plugins: { [at.name]: plugin },
  }))
}
