/**
 * Answers: which line of containerd releases loads the files, and by which rules? Five lines differ; within one the
 * loader is the same code. Source: containerd `services/server/config/config.go` at v1.6.20 and v1.7.24,
 * `cmd/containerd/server/config/config.go` at v2.1.4, v2.2.9, v2.3.0 to v2.3.7 and v2.4.2; facts containerd §4–§6.
 */
import * as ContainerdVersion from "../../model/ContainerdVersion.ts"

/** A line of releases whose loader is the same. */
export interface Generation {
  /** First release of the line. */
  readonly line: "1.6" | "1.7" | "2.0" | "2.3" | "2.4"
  /** Whether one of its releases was run beside the simulator (`e2e/effective.test.ts`). */
  readonly measured: boolean
  /** 1.x takes a plugin's table from the last file that has one; 2.x merges key by key. */
  readonly replacesPluginTables: boolean
  /** 1.6 looks a relative glob up in the daemon's working directory. */
  readonly ignoresRelativeGlobs: boolean
  /** Newest schema that the daemon accepts. */
  readonly newestSchema: number
  /** Whether each file is migrated by itself before it is merged; 2.0–2.2 migrate the merged whole. */
  readonly migratesEachFile: boolean
  /**
   * Whether a handler's own snapshotter reaches the images plugin where `runtime_platforms` says nothing of the handler
   * (`plugins/cri/cri.go` at v2.3.0 and later); 1.x has one plugin for both.
   */
  readonly tellsImagesByItself: boolean
  /** Whether it knows `cni.bin_dir`, which went with 2.4, and `cni.bin_dirs`, which came with 2.1, and refuses both. */
  readonly knowsBothCniFolders: boolean
}

const rows: Readonly<Record<Generation["line"], Generation>> = {
  "1.6": {
    line: "1.6",
    measured: true,
    replacesPluginTables: true,
    ignoresRelativeGlobs: true,
    // 1.6 never looks whether it knows the number; it just finds nothing under the newer names.
    newestSchema: Number.POSITIVE_INFINITY,
    migratesEachFile: false,
    tellsImagesByItself: true,
    knowsBothCniFolders: false,
  },
  "1.7": {
    line: "1.7",
    measured: true,
    replacesPluginTables: true,
    ignoresRelativeGlobs: false,
    newestSchema: 2,
    migratesEachFile: false,
    tellsImagesByItself: true,
    knowsBothCniFolders: false,
  },
  "2.0": {
    line: "2.0",
    measured: true,
    replacesPluginTables: false,
    ignoresRelativeGlobs: false,
    newestSchema: 3,
    migratesEachFile: false,
    tellsImagesByItself: false,
    knowsBothCniFolders: true,
  },
  "2.3": {
    line: "2.3",
    measured: true,
    replacesPluginTables: false,
    ignoresRelativeGlobs: false,
    newestSchema: 4,
    migratesEachFile: true,
    tellsImagesByItself: true,
    knowsBothCniFolders: true,
  },
  "2.4": {
    line: "2.4",
    measured: true,
    replacesPluginTables: false,
    ignoresRelativeGlobs: false,
    newestSchema: 4,
    migratesEachFile: true,
    tellsImagesByItself: true,
    knowsBothCniFolders: false,
  },
}

/** The line that a release belongs to. */
export const of = (version: ContainerdVersion.ContainerdVersion): Generation => {
  if (ContainerdVersion.atLeast(version, 2, 5)) return { ...rows["2.4"], measured: false }
  if (ContainerdVersion.atLeast(version, 2, 4)) return rows["2.4"]
  if (ContainerdVersion.atLeast(version, 2, 3)) return rows["2.3"]
  if (ContainerdVersion.atLeast(version, 2, 1)) return rows["2.0"]
  if (ContainerdVersion.atLeast(version, 2, 0)) return { ...rows["2.0"], knowsBothCniFolders: false }
  if (ContainerdVersion.atLeast(version, 1, 7)) return rows["1.7"]
  return ContainerdVersion.atLeast(version, 1, 6) ? rows["1.6"] : { ...rows["1.6"], measured: false }
}

/** Whether the line is one of 1.x. */
export const isFirst = (generation: Generation): boolean => generation.replacesPluginTables
