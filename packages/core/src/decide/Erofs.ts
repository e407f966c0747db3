/**
 * Answers: what is containerd told about its EROFS snapshotter, and which shims can read what it makes?
 * Source: spec 07 §4; decisions §5; 12 W-24.
 */
import { Result } from "effect"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { ConfigSchema } from "../model/ContainerdVersion.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { ProbeFile, Tried } from "../model/ProbeFile.ts"
import * as Shim from "../model/Shim.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import { annotationsTable, below } from "./SnapshotterTables.ts"

/** How the operator wants it. */
export type ErofsSettings = Settings["erofs"]

/** Options that `mkfs.erofs` is run with; the two long ones need erofs-utils 1.8.2. */
export const mkfsOptions: ReadonlyArray<string> = ["-T0", "--mkfs-time", "--sort=none"]

/** Size of the writable layer: a sparse file, or none where it is kept in memory. Both are texts for containerd. */
export const defaultSize = (mode: ErofsSettings["mode"]): "10G" | "0" => (mode === "memory" ? "0" : "10G")

/**
 * What containerd is told only where the filesystem of its root takes it. Switched on without support, `enable_fsverity`
 * leaves every service of containerd down (measured on 2.1.9), so only a probe file that took it counts.
 */
const integrity: ReadonlyArray<{
  readonly key: "enable_fsverity" | "set_immutable"
  readonly tried: keyof ProbeFile
  /** What the filesystem has to be like. */
  readonly needs: string
  /** What a pod needs for trying it beside the directory. */
  readonly podNeeds: string
}> = [
  {
    key: "enable_fsverity",
    tried: "fsverity",
    needs:
      "one with fs-verity, such as ext4 with its verity feature (tune2fs -O verity) or btrfs, on a kernel with CONFIG_FS_VERITY",
    podNeeds: "",
  },
  {
    key: "set_immutable",
    tried: "immutable",
    needs: "one with file flags, such as ext4, xfs or btrfs",
    // No container has it unless it is added (capabilities(7)); then the kernel says EPERM.
    podNeeds: ", and the capability LINUX_IMMUTABLE",
  },
]

const isProven = (tried: Tried): boolean => tried._tag === "Accepted"

/** A warning for each that stays off. */
const unproven = (probe: ProbeFile): ReadonlyArray<Notice> =>
  integrity.flatMap(({ key, needs, podNeeds, tried }): ReadonlyArray<Notice> => {
    const answer = probe[tried]
    if (answer._tag === "Accepted") return []
    const because =
      answer._tag === "Refused"
        ? `the filesystem of containerd's root does not take it: ${answer.why}`
        : `it is not known whether the filesystem of containerd's root takes it: ${answer.why}`
    return [
      {
        code: "erofs-integrity-off",
        severity: "warning",
        message: `${key} stays off, because ${because}. Layers on the host are not protected against changes that way.`,
        remedy:
          answer._tag === "Refused"
            ? `Put containerd's root on a filesystem that takes it: ${needs}.`
            : `Let this program try it: as root on the node with --host-root /, or in a pod with containerd's root directory mounted at its own path, writable${podNeeds}.`,
      },
    ]
  })

/**
 * A containerd for which erofs is not set up, or of unknown age: one without the snapshotter would not load its CRI. 2.1
 * has it already; upstream asks for 2.2 (spec 07 §4).
 */
export const versionProblem = (
  version: ContainerdVersion.ContainerdVersion | undefined,
  versionText?: string,
): Problem | undefined => {
  if (version === undefined)
    return {
      code: "E_RUNTIME_VERSION_UNKNOWN",
      setting: "CONTAINER_RUNTIME_VERSION",
      message: `It is not known whether this containerd${versionText === undefined ? "" : ` (${versionText})`} is new enough for erofs, which is set up from 2.2 on.`,
      remedy: "Set CONTAINER_RUNTIME_VERSION, e.g. containerd://2.2.1.",
    }
  return ContainerdVersion.hasErofs(version)
    ? undefined
    : {
        code: "E_CONTAINERD_TOO_OLD_FOR_EROFS",
        setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
        value: "erofs",
        message: `containerd ${ContainerdVersion.format(version)} is too old: erofs is set up from 2.2 on.`,
        remedy: "Upgrade containerd to 2.2 or newer, or leave erofs out.",
      }
}

/** A containerd that would ignore dm-verity, and leave layers unprotected that somebody wants protected. */
export const dmverityProblem = (
  { dmverity }: Pick<ErofsSettings, "dmverity">,
  version: ContainerdVersion.ContainerdVersion | undefined,
): Problem | undefined =>
  !dmverity ||
  version === undefined ||
  !ContainerdVersion.hasErofs(version) ||
  ContainerdVersion.hasErofsDmverity(version)
    ? undefined
    : {
        code: "E_CONTAINERD_TOO_OLD_FOR_DMVERITY",
        setting: "EROFS_DMVERITY",
        value: "true",
        message: `The erofs snapshotter of containerd ${ContainerdVersion.format(version)} knows no dm-verity, which came with 2.3; it would ignore that, and layers would not be protected.`,
        remedy: "Upgrade containerd to 2.3 or newer, or set EROFS_DMVERITY=false.",
      }

/** The tables, and what is worth saying about them; refused where containerd is too old or of unknown age. */
export const containerdTables = (input: {
  readonly settings: ErofsSettings
  readonly schema: ConfigSchema
  readonly version: ContainerdVersion.ContainerdVersion | undefined
  readonly probe: ProbeFile
}): Result.Result<{ readonly tables: PrintTable; readonly notices: ReadonlyArray<Notice> }, Problem> => {
  const { probe, settings } = input
  const refused = versionProblem(input.version) ?? dmverityProblem(settings, input.version)
  if (refused !== undefined) return Result.fail(refused)
  return renderedTables({ settings, schema: input.schema, probe })
}

/** The tables for a containerd that has the snapshotter; also for trying them on one that was given it early. */
export const renderedTables = (input: {
  readonly settings: ErofsSettings
  readonly schema: ConfigSchema
  readonly probe: ProbeFile
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
            enable_fsverity: isProven(probe.fsverity),
            set_immutable: isProven(probe.immutable),
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
      notices: unproven(probe),
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
