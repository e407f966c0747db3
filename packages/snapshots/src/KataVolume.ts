/**
 * Answers: what is a Kata virtual volume, and which ones are valid? Table F: by volume type, what has to be there.
 * Source: facts nydus §7.
 */
import { complaint, type DmVerity } from "./VerityLabel.ts"

/** What the runtime is to make of the volume. */
export type VolumeType =
  | "direct_block"
  | "image_raw_block"
  | "layer_raw_block"
  | "image_nydus_block"
  | "layer_nydus_block"
  | "image_nydus_fs"
  | "layer_nydus_fs"
  | "image_guest_pull"

/** Texts by key. */
export type Metadata = Readonly<Record<string, string>>

/** A volume; everything but its type may be absent. Names are those of the JSON. */
export interface KataVolume {
  readonly volume_type: VolumeType
  readonly source?: string
  readonly fs_type?: string
  readonly options?: ReadonlyArray<string>
  readonly direct_volume?: { readonly metadata: Metadata }
  readonly image_pull?: { readonly metadata: Metadata }
  readonly nydus_image?: { readonly config: string; readonly snapshot_dir: string }
  readonly dm_verity?: DmVerity
}

type Need = (volume: KataVolume) => string | undefined

const source: Need = (volume) => ((volume.source ?? "") === "" ? "it has no source" : undefined)

const raw: Need = (volume) =>
  source(volume) ?? (volume.dm_verity === undefined ? undefined : complaint(volume.dm_verity))

const nydus: Need = (volume) =>
  source(volume) ??
  ((volume.nydus_image?.config ?? "") === "" && (volume.nydus_image?.snapshot_dir ?? "") === ""
    ? "it names neither a configuration nor a directory of nydus"
    : undefined)

/** One volume type: its row, what it is, what it needs. */
export interface TypeRow {
  readonly row: string
  readonly says: string
  readonly complaint: Need
}

/** Table F, by volume type. */
export const types: Readonly<Record<VolumeType, TypeRow>> = {
  direct_block: {
    row: "F1",
    says: "a block device of the host",
    complaint: (volume) =>
      source(volume) ?? (volume.direct_volume === undefined ? "it has no metadata of the device" : undefined),
  },
  image_raw_block: { row: "F2", says: "a disk with a whole image", complaint: raw },
  layer_raw_block: { row: "F3", says: "a disk with one layer of an image", complaint: raw },
  image_nydus_block: {
    row: "F4",
    says: "a whole image in nydus' format, as a block device",
    complaint: nydus,
  },
  layer_nydus_block: { row: "F5", says: "a layer in nydus' format, as a block device", complaint: nydus },
  image_nydus_fs: { row: "F6", says: "a whole image in nydus' format, as a filesystem", complaint: nydus },
  layer_nydus_fs: { row: "F7", says: "a layer in nydus' format, as a filesystem", complaint: nydus },
  image_guest_pull: {
    row: "F8",
    says: "an image that the guest pulls by itself",
    complaint: (volume) =>
      volume.image_pull === undefined ? "it has no metadata of the image, not even empty ones" : undefined,
  },
}

/** What is wrong with a volume, as a clause; `undefined` when nothing is. */
export const invalid = (volume: KataVolume): string | undefined => types[volume.volume_type].complaint(volume)

/** What a volume is, with its row. */
export const explain = ({ volume_type }: KataVolume): string =>
  `${types[volume_type].row}: ${types[volume_type].says}.`
