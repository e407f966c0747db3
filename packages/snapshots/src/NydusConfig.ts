/**
 * Answers: which of nydus-snapshotter's settings decide what becomes of a snapshot? The two presets are the ways in
 * which Kata uses it. Source: facts nydus §8, §10.
 */
import type { ExportMode } from "./TarfsExport.ts"

/** How images reach containers: `daemon.fs_driver`. */
export type Driver = "fusedev" | "fscache" | "blockdev" | "nodev" | "proxy"

/** What a lookup outside of the snapshotter came to. A failed one goes on like `not-found`, and is told. */
export type Lookup = "found" | "not-found" | "failed"

/** What the tables go by. */
export interface NydusConfig {
  /** `root`: where snapshots and their metadata are. */
  readonly root: string
  readonly driver: Driver
  /** `daemon_mode`; with `none` no nydusd runs. */
  readonly daemon: "dedicated" | "shared" | "none"
  /** `snapshot.enable_kata_volume`. */
  readonly kataVolume: boolean
  /** `snapshot.enable_nydus_overlayfs`. */
  readonly nydusOverlayfs: boolean
  /** `snapshot.nydus_overlayfs_path`: name or path of the mount program. */
  readonly overlayfsProgram: string
  /** `snapshot.enable_overlayfs_volatile`. */
  readonly volatile: boolean
  readonly stargz: boolean
  readonly indexDetection: boolean
  readonly referrerDetection: boolean
  /** `experimental.tarfs`, where it is enabled. */
  readonly tarfs: { readonly hintRequired: boolean; readonly exportMode: ExportMode } | undefined
  /** `snapshot.sync_remove`; the driver fscache forces it. */
  readonly syncRemove: boolean
}

const plain: Omit<NydusConfig, "root" | "driver" | "daemon" | "tarfs"> = {
  kataVolume: true,
  nydusOverlayfs: false,
  overlayfsProgram: "nydus-overlayfs",
  volatile: false,
  stargz: false,
  indexDetection: false,
  referrerDetection: false,
  syncRemove: false,
}

/** Images are pulled inside the guest. */
export const guestPull = (root: string, overlayfsProgram: string): NydusConfig => ({
  ...plain,
  root,
  overlayfsProgram,
  driver: "proxy",
  daemon: "dedicated",
  tarfs: undefined,
})

/** Images are pulled on the host and handed to guests as block devices. */
export const hostShare = (root: string, exportMode: ExportMode): NydusConfig => ({
  ...plain,
  root,
  driver: "blockdev",
  daemon: "none",
  tarfs: { hintRequired: false, exportMode },
})
