/**
 * Answers: which Kata virtual volumes go with a mount? By the labels of the snapshots: the image's name where the
 * guest pulls it, one disk of the image, or one disk for each layer. Source: facts nydus §7.
 */
import { Result } from "effect"
import type { KataVolume } from "./KataVolume.ts"
import * as KataVolumeText from "./KataVolumeText.ts"
import { has, type Labels, one, valueOf } from "./Labels.ts"
import { type Mount, nydusOverlay, overlay, upperDir, workDir } from "./Mount.ts"
import type { NydusConfig } from "./NydusConfig.ts"
import { parse } from "./VerityLabel.ts"

const rows = {
  F9: "the guest pulls the image; the volume says which layer is its topmost one, and no name",
  F10: "the guest gets one disk with the whole image; that label wins over the one of layers",
  F11: "the guest gets one disk for each layer, the topmost first",
  F12: "the guest gets nothing beside the directories",
} as const

/** A row about which volumes there are. */
export type Row = keyof typeof rows

/** Stands for an image without a name: the Kata runtime in Rust refuses an empty one. */
export const namelessImage = "dummy-image-reference"

/** The volume with which a guest pulls an image, from the annotations of the image. */
export const guestPull = (annotations: Labels): KataVolume => {
  const name = valueOf(annotations, "imageRef") ?? ""
  return {
    volume_type: "image_guest_pull",
    source: name === "" ? namelessImage : name,
    options: Object.entries(annotations)
      .map(([key, value]) => `${key}=${value}`)
      .sort(),
    image_pull: { metadata: annotations },
  }
}

/**
 * Annotations that nydus-snapshotter takes over from the labels of an image that the guest pulls: the digest of its
 * topmost layer, and the mark. The image's name, which is among the labels, stays behind; the runtime knows it from the
 * CRI (`pkg/filesystem/fs.go` at v0.15.15 and v0.16.1; measured, e2e/nydus.test.ts).
 */
export const annotationsOf = (image: Labels): Labels => {
  const digest = valueOf(image, "layerDigest")
  return { ...(digest === undefined ? {} : one("layerDigest", digest)), ...one("proxyMode", "true") }
}

/** A snapshot of the chain, from the one that is mounted down to the base. */
export interface Link {
  readonly kind: "active" | "view" | "committed"
  readonly labels: Labels
}

const disk = (
  kind: "image" | "layer",
  cache: string,
  blob: string,
  verity: string,
): Result.Result<KataVolume, string> =>
  Result.map(parse(verity), (parameters) => ({
    volume_type: `${kind}_raw_block` as const,
    source: `${cache}/${blob}.${kind}.disk`,
    fs_type: "erofs",
    options: ["ro"],
    ...(parameters === undefined ? {} : { dm_verity: parameters }),
  }))

/** The volumes, and the row that says so. */
export interface Volumes {
  readonly row: Row
  readonly volumes: ReadonlyArray<KataVolume>
}

/**
 * The volumes of a chain. `image` has the labels of the snapshot that the mount goes by; `cache` is the directory with
 * the disks. Fails with a clause where a label cannot be read.
 */
export const volumes = (
  image: Labels,
  chain: ReadonlyArray<Link>,
  cache: string,
): Result.Result<Volumes, string> => {
  if (has(image, "proxyMode"))
    return Result.succeed({ row: "F9", volumes: [guestPull(annotationsOf(image))] })
  const blob = valueOf(image, "tarfs")
  const whole = valueOf(image, "imageBlock")
  if (blob !== undefined && whole !== undefined)
    return Result.map(disk("image", cache, blob, whole), (volume) => ({ row: "F10", volumes: [volume] }))
  const top = valueOf(image, "layerBlock")
  if (blob === undefined || top === undefined) return Result.succeed({ row: "F12", volumes: [] })
  const layers = chain.filter(({ kind }) => kind !== "active")
  return Result.gen(function* () {
    const found: Array<KataVolume> = []
    for (const { labels } of layers) {
      const layer = valueOf(labels, "tarfs")
      if (layer === undefined)
        return yield* Result.fail("a layer of the image has no disk, so the guest would miss it")
      // Without verity nothing is lost with the label, which nydus-snapshotter forgets on disks that layers share.
      const verity = valueOf(labels, "layerBlock") ?? (top === "" ? "" : undefined)
      if (verity === undefined)
        return yield* Result.fail("a layer has no verity parameters, so the guest would not check it")
      found.push(yield* disk("layer", cache, layer, verity))
    }
    return { row: "F11" as const, volumes: found }
  })
}

/** The mount for volumes: an ordinary overlay without any, nydus' program with them behind its options. */
export const mount = (
  config: Pick<NydusConfig, "overlayfsProgram">,
  options: ReadonlyArray<string>,
  found: ReadonlyArray<KataVolume>,
): Result.Result<Mount, string> =>
  found.length === 0
    ? Result.succeed(overlay(options))
    : Result.map(Result.all(found.map(KataVolumeText.option)), (texts) =>
        nydusOverlay(config.overlayfsProgram, [...options, ...texts]),
      )

/** The mount that rescues an image of another snapshotter (table C); `parents` are directories, the topmost first. */
export const rescue = (
  config: Pick<NydusConfig, "root" | "overlayfsProgram">,
  snapshot: {
    readonly id: string
    readonly kind: "active" | "view"
    readonly parents: ReadonlyArray<string>
  },
): Result.Result<Mount, string> => {
  const own =
    snapshot.kind === "active"
      ? [`workdir=${workDir(config.root, snapshot.id)}`, `upperdir=${upperDir(config.root, snapshot.id)}`]
      : []
  const lower =
    snapshot.parents.length === 0
      ? `${config.root}/snapshots`
      : snapshot.parents.map((id) => upperDir(config.root, id)).join(":")
  return mount(config, [...own, `lowerdir=${lower}`], [guestPull({})])
}

/** Why these volumes, with the row. */
export const explain = ({ row }: Pick<Volumes, "row">): string => `${row}: ${rows[row]}.`
