/**
 * Answers: what is containerd told about its EROFS snapshotter, and which shims can read what it makes?
 * Source: spec 07 §4; decisions §5; 12 W-24.
 */
import { Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { ConfigSchema } from "../model/ContainerdVersion.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import * as Shim from "../model/Shim.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import { annotationsTable, below } from "./SnapshotterTables.ts"

/** How the operator wants it. */
export type ErofsSettings = Settings["erofs"]

/** Options that `mkfs.erofs` is run with; the two long ones need erofs-utils 1.8.2. */
export const mkfsOptions: ReadonlyArray<string> = ["-T0", "--mkfs-time", "--sort=none"]

/** Size of the writable layer: a sparse file, or none where it is kept in memory. Both are texts for containerd. */
export const defaultSize = (mode: ErofsSettings["mode"]): "10G" | "0" => (mode === "memory" ? "0" : "10G")

/** What a probe file on the filesystem of containerd's root showed. */
export interface ErofsProbe {
  /** Whether it takes fs-verity. */
  readonly fsverity: Fact<boolean>
  /** Whether it takes the immutable flag. */
  readonly immutable: Fact<boolean>
}

/** Switched on without support it leaves every containerd service down, so only a probe that worked counts. */
const proven = (fact: Fact<boolean>): boolean => fact._tag === "Known" && fact.value

const unproven = (key: string, fact: Fact<boolean>): ReadonlyArray<Notice> =>
  proven(fact)
    ? []
    : [
        {
          code: "erofs-integrity-off",
          severity: "warning",
          message: `${key} stays off, because ${fact._tag === "Known" ? "the filesystem of containerd's root does not take it" : `it is not known whether the filesystem of containerd's root takes it (${fact.why})`}. Layers on the host are not protected against changes that way.`,
          remedy:
            "Put containerd's root on a filesystem with fs-verity, such as ext4 with the verity feature.",
        },
      ]

/** A containerd that has no erofs snapshotter, or may have none: told of it, it would not load its CRI. */
export const versionProblem = (
  version: ContainerdVersion.ContainerdVersion | undefined,
  versionText?: string,
): Problem | undefined => {
  if (version === undefined)
    return {
      code: "E_RUNTIME_VERSION_UNKNOWN",
      setting: "CONTAINER_RUNTIME_VERSION",
      message: `It is not known whether this containerd${versionText === undefined ? "" : ` (${versionText})`} has the erofs snapshotter, which came with 2.2.`,
      remedy: "Set CONTAINER_RUNTIME_VERSION, e.g. containerd://2.2.1.",
    }
  return ContainerdVersion.hasErofs(version)
    ? undefined
    : {
        code: "E_CONTAINERD_TOO_OLD_FOR_EROFS",
        setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
        value: "erofs",
        message: `containerd ${ContainerdVersion.format(version)} has no erofs snapshotter; it came with 2.2.`,
        remedy: "Upgrade containerd to 2.2 or newer, or leave erofs out.",
      }
}

/** The tables, and what is worth saying about them; refused where containerd is too old or of unknown age. */
export const containerdTables = (input: {
  readonly settings: ErofsSettings
  readonly schema: ConfigSchema
  readonly version: ContainerdVersion.ContainerdVersion | undefined
  readonly probe: ErofsProbe
}): Result.Result<{ readonly tables: PrintTable; readonly notices: ReadonlyArray<Notice> }, Problem> => {
  const { probe, settings } = input
  const refused = versionProblem(input.version)
  if (refused !== undefined) return Result.fail(refused)
  return renderedTables({ settings, schema: input.schema, probe })
}

/** The tables for a containerd that has the snapshotter; also for trying them on one that was given it early. */
export const renderedTables = (input: {
  readonly settings: ErofsSettings
  readonly schema: ConfigSchema
  readonly probe: ErofsProbe
}): Result.Result<{ readonly tables: PrintTable; readonly notices: ReadonlyArray<Notice> }, Problem> => {
  const { probe, settings } = input
  return Result.map(annotationsTable(input.schema), (images) => {
    const imagesTable = below(images.slice(1), { discard_unpacked_layers: false })
    return {
      tables: {
        plugins: {
          ...imagesTable,
          "io.containerd.service.v1.diff-service": { default: ["erofs", "walking"] },
          "io.containerd.snapshotter.v1.erofs": {
            enable_fsverity: proven(probe.fsverity),
            set_immutable: proven(probe.immutable),
            dmverity_mode: settings.dmverity ? "on" : "off",
            default_size: defaultSize(settings.mode),
            ...(settings.mergeMode === "merged" ? { max_unmerged_layers: 0 } : {}),
          },
          "io.containerd.differ.v1.erofs": {
            enable_dmverity: settings.dmverity,
            mkfs_options: mkfsOptions,
            enable_tar_index: false,
          },
        },
      },
      notices: [
        ...unproven("enable_fsverity", probe.fsverity),
        ...unproven("set_immutable", probe.immutable),
      ],
    }
  })
}

/** Who uses the snapshotter: a shim by the mapping, or a custom runtime on its base. */
export interface ErofsUser {
  /** Shim or handler, as the operator calls it. */
  readonly name: string
  /** The shim that decides which Kata runtime it is. */
  readonly shim: string
  readonly snapshotter: string | undefined
}

/** Every user of a snapshotter in the settings. */
export const usersIn = (
  settings: Pick<Settings, "snapshotterMapping" | "customRuntimes">,
): ReadonlyArray<ErofsUser> => [
  ...settings.snapshotterMapping.map((item) => ({
    name: item.key,
    shim: item.key,
    snapshotter: item.value,
  })),
  ...settings.customRuntimes.map((runtime) => ({
    name: runtime.handler,
    shim: runtime.base,
    snapshotter: runtime.snapshotter,
  })),
]

/** Only runtime-rs reads merged layers: a problem that lists everything on a Go shim that would get them. */
export const goGuard = (
  mergeMode: ErofsSettings["mergeMode"],
  users: ReadonlyArray<ErofsUser>,
): ReadonlyArray<Problem> => {
  if (mergeMode === "unmerged") return []
  const names = users
    .filter((user) => user.snapshotter === "erofs" && Shim.lookup(user.shim)?.runtime === "go")
    .map((user) => user.name)
  if (names.length === 0) return []
  return [
    {
      code: "E_EROFS_MERGED_GO_SHIM",
      setting: "EROFS_MERGE_MODE",
      value: mergeMode,
      message: `${names.join(", ")} would get merged EROFS layers, which only shims of runtime-rs can read; their pods would not start.`,
      remedy: "Set EROFS_MERGE_MODE=unmerged, or map a runtime-rs shim to erofs instead.",
    },
  ]
}
