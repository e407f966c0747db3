/** Configurations and labels that the tables are tried with. */
import { Labels, type Lineage, NydusConfig, TarfsExport } from "../src/index.ts"

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
export type Given = Partial<Record<Labels.Key, string>>

/** Labels as the snapshotter has them. */
export const labels = (given: Given): Labels.Labels =>
  Object.fromEntries(Object.entries(given).map(([key, value]) => [Labels.keys[key as Labels.Key], value]))

/** A snapshot that others lie on. */
export const ancestor = (
  id: string,
  given: Given,
  referrer: NydusConfig.Lookup = "not-found",
): Lineage.Ancestor => ({ id, labels: labels(given), referrer })

/** What lies on a parent with these labels, and on those below it. */
export const on = (given: Given, ...below: ReadonlyArray<Lineage.Ancestor>): Lineage.Lineage => ({
  _tag: "Read",
  parent: ancestor("9", given),
  below,
})

/** Every way of making something for guests. */
export const exportModes = Object.keys(TarfsExport.modes) as ReadonlyArray<TarfsExport.ExportMode>
