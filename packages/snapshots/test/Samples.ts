/** Configurations and labels that the tables are tried with. */
import { Labels, NydusConfig, TarfsExport } from "../src/index.ts"

export const root = "/var/lib/nydus"
export const proxy = NydusConfig.guestPull(root, "nydus-overlayfs")
export const blockdev = NydusConfig.hostShare(root, "layer_block")
export const fusedev: NydusConfig.NydusConfig = {
  ...blockdev,
  driver: "fusedev",
  daemon: "dedicated",
  kataVolume: false,
  tarfs: undefined,
}

export const hash = "ab".repeat(32)

/** Labels by their short names. */
export const labels = (given: Partial<Record<Labels.Key, string>>): Labels.Labels =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [Labels.keys[key as Labels.Key], value]))

/** Every way of making something for guests. */
export const exportModes = Object.keys(TarfsExport.modes) as ReadonlyArray<TarfsExport.ExportMode>
