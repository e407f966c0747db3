/**
 * Answers: what is made of a tarfs for guests, of each layer or of the whole image, and which label tells of it?
 * Source: facts nydus §8.
 */
import * as Labels from "./Labels.ts"

/** `experimental.tarfs.export_mode`; anything unknown to nydus-snapshotter counts as `none`. */
export type ExportMode =
  | "none"
  | "layer_verity_only"
  | "image_verity_only"
  | "layer_block"
  | "image_block"
  | "layer_block_with_verity"
  | "image_block_with_verity"

/** What a mode makes. */
export interface ModeRow {
  readonly row: string
  readonly whole: "layer" | "image" | "nothing"
  /** Whether a disk is made. */
  readonly disk: boolean
  /** Whether a hash tree is made. */
  readonly verity: boolean
  readonly says: string
}

/** The modes, in the order of the table. */
export const modes: Readonly<Record<ExportMode, ModeRow>> = {
  none: { row: "X1", whole: "nothing", disk: false, verity: false, says: "nothing is made for guests" },
  layer_verity_only: {
    row: "X2",
    whole: "layer",
    disk: false,
    verity: true,
    says: "a hash tree of each layer is made, and no disk",
  },
  image_verity_only: {
    row: "X3",
    whole: "image",
    disk: false,
    verity: true,
    says: "a hash tree of the whole image is made, and no disk",
  },
  layer_block: {
    row: "X4",
    whole: "layer",
    disk: true,
    verity: false,
    says: "a disk of each layer is made, which layers of several images share",
  },
  image_block: {
    row: "X5",
    whole: "image",
    disk: true,
    verity: false,
    says: "one disk of the whole image is made",
  },
  layer_block_with_verity: {
    row: "X6",
    whole: "layer",
    disk: true,
    verity: true,
    says: "a disk of each layer is made, with a hash tree that the guest checks it against",
  },
  image_block_with_verity: {
    row: "X7",
    whole: "image",
    disk: true,
    verity: true,
    says: "one disk of the whole image is made, with a hash tree that the guest checks it against",
  },
}

/** The mode that a text of the configuration means. */
export const parse = (text: string): ExportMode =>
  Object.hasOwn(modes, text) ? (text as ExportMode) : "none"

/** What is known of the disk that would be made. */
export type Disk =
  | { readonly _tag: "Absent" }
  /** `verity` is the label's text on a snapshot that shares it, where one is known. */
  | { readonly _tag: "Present"; readonly verity: string | undefined }

/** What there is to do at one of the two moments, and the label that tells of it. */
export type Export =
  | { readonly _tag: "Nothing" }
  /** The label gets the text that the export gives; without verity it is empty. */
  | { readonly _tag: "Export"; readonly label: Labels.Key; readonly verity: boolean }
  /** It was made before: only the label is missing. */
  | { readonly _tag: "Reuse"; readonly labels: Labels.Labels }
  /** The image is made of layers: an empty label says so to whoever mounts it. */
  | { readonly _tag: "Mark"; readonly labels: Labels.Labels }
  | { readonly _tag: "Refuse"; readonly because: string }

const make = ({ verity, whole }: ModeRow, disk: Disk): Export => {
  const label = whole === "image" ? "imageBlock" : "layerBlock"
  if (disk._tag === "Absent") return { _tag: "Export", label, verity }
  if (!verity) return { _tag: "Reuse", labels: Labels.one(label, "") }
  // nydus-snapshotter leaves the label out here, and guests then get a disk that nobody checks.
  return disk.verity === undefined
    ? {
        _tag: "Refuse",
        because:
          "the disk is there already and its verity parameters are not known, so a guest would not check it",
      }
    : { _tag: "Reuse", labels: Labels.one(label, disk.verity) }
}

/** What is done for each layer, when it is unpacked. */
export const ofLayer = (mode: ExportMode, disk: Disk): Export =>
  modes[mode].whole === "layer" ? make(modes[mode], disk) : { _tag: "Nothing" }

/** What is done for the whole image, when the first container lies on it; `parents` counts the layers below it. */
export const ofImage = (mode: ExportMode, disk: Disk, parents: number): Export => {
  if (mode !== "layer_block" && modes[mode].whole !== "image") return { _tag: "Nothing" }
  if (parents === 0) return { _tag: "Refuse", because: "there is no layer below that it could be made of" }
  return mode === "layer_block"
    ? { _tag: "Mark", labels: Labels.one("layerBlock", "") }
    : make(modes[mode], disk)
}

/** What a mode does, with its row. */
export const explain = (mode: ExportMode): string => `${modes[mode].row}: ${modes[mode].says}.`
