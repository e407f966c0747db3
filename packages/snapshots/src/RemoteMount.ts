/**
 * Answers: how is the mount of an image put together that nydus serves? Table D, step by step.
 * Source: facts nydus §5.
 */
import { Result } from "effect"
import * as Base64 from "effect/encoding/Base64"
import type { KataVolume } from "./KataVolume.ts"
import * as KataMount from "./KataMount.ts"
import { has, type Labels } from "./Labels.ts"
import { type Mount, nydusOverlay, overlay, upperDir, workDir } from "./Mount.ts"
import type { NydusConfig } from "./NydusConfig.ts"

const rows = {
  D1: "volatile stands first where the label or the configuration asks for it",
  D2: "the lower directories are those above the nydus image, then what nydus mounted, or the directory where it mounted nothing",
  D3: "what is written on has a work and an upper directory; a view is the last lower directory itself",
  D4: "the lower directories are one option",
  "D5.kata": "the Kata runtime gets volumes",
  "D5.extra": "nydus' mount program gets the image's metadata and configuration",
  "D5.plain": "the kernel's overlay is enough",
} as const

/** A row of table D. */
export type Row = keyof typeof rows

/** What nydus-overlayfs is told of an image; the configuration may hold secrets of a registry. */
export interface ExtraOption {
  /** Path of the metadata of the image. */
  readonly source: string
  /** The whole configuration of nydusd. */
  readonly config: string
  readonly snapshotdir: string
  /** Version of the format, `v5` or `v6`. */
  readonly fs_version: string
}

/** A snapshot that is mounted through nydus. */
export interface RemoteSnapshot {
  readonly id: string
  readonly kind: "active" | "view"
  readonly labels: Labels
  /** Directories of the layers below, the topmost first. */
  readonly parents: ReadonlyArray<string>
  /** Directory of the snapshot that the mount goes by. */
  readonly image: string
  /** Where nydus mounted the image; `undefined` where it mounted nothing. */
  readonly mountpoint: string | undefined
  /** The volumes of `KataMount.volumes`; used where the configuration wants Kata volumes. */
  readonly volumes: ReadonlyArray<KataVolume>
  /** Used for nydus' mount program. */
  readonly extra: ExtraOption
}

/** Option with which nydus-overlayfs finds the image. Never to be logged. */
export const extraOption = ({ config, fs_version, snapshotdir, source }: ExtraOption): string =>
  `extraoption=${Base64.encode(JSON.stringify({ source, config, snapshotdir, fs_version }))}`

/** Lower directories from the top down: D2, with the view itself behind them (D3). */
const lower = (config: NydusConfig, snapshot: RemoteSnapshot): ReadonlyArray<string> => {
  const { image, mountpoint, parents } = snapshot
  const detects = config.indexDetection || config.referrerDetection
  const at = parents.indexOf(image)
  const above = detects ? parents.slice(0, at === -1 ? parents.length : at) : []
  const served = mountpoint ?? upperDir(config.root, image)
  const own = snapshot.id === image ? served : upperDir(config.root, snapshot.id)
  const view = snapshot.kind === "view" ? [own] : []
  return [...above.map((id) => upperDir(config.root, id)), served, ...view]
}

/** The overlay's options: D1 to D4. */
export const options = (config: NydusConfig, snapshot: RemoteSnapshot): ReadonlyArray<string> => [
  ...(config.volatile || has(snapshot.labels, "volatile") ? ["volatile"] : []),
  ...(snapshot.kind === "active"
    ? [`workdir=${workDir(config.root, snapshot.id)}`, `upperdir=${upperDir(config.root, snapshot.id)}`]
    : []),
  `lowerdir=${lower(config, snapshot).join(":")}`,
]

/** The last step: who mounts it, and what is told to them. */
export const wrapper = (
  config: Pick<NydusConfig, "kataVolume" | "nydusOverlayfs" | "daemon">,
): Extract<Row, `D5.${string}`> => {
  if (config.kataVolume) return "D5.kata"
  return config.nydusOverlayfs || config.daemon === "none" ? "D5.extra" : "D5.plain"
}

/** The whole mount; fails with a clause where a volume is not valid. */
export const mount = (
  config: NydusConfig,
  snapshot: RemoteSnapshot,
): Result.Result<{ readonly row: Row; readonly mount: Mount }, string> => {
  const assembled = options(config, snapshot)
  const row = wrapper(config)
  if (row === "D5.kata")
    return Result.map(KataMount.mount(config, assembled, snapshot.volumes), (found) => ({
      row,
      mount: found,
    }))
  return Result.succeed({
    row,
    mount:
      row === "D5.extra"
        ? nydusOverlay(config.overlayfsProgram, [...assembled, extraOption(snapshot.extra)])
        : overlay(assembled),
  })
}

/** What a step does, with its row. */
export const explain = (row: Row): string => `${row}: ${rows[row]}.`
