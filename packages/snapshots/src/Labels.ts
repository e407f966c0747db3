/**
 * Answers: what do the labels of a snapshot say about it? The keys are those of containerd and nydus-snapshotter, and
 * most of them count by being there, whatever their value. Source: facts nydus §1.
 */

/** Labels of a snapshot by key. */
export type Labels = Readonly<Record<string, string>>

/** Every label that decides something. */
export const keys = {
  /** The chain id that is being extracted: this is an image's layer, and no container's. */
  target: "containerd.io/snapshot.ref",
  /** An image in nydus' format keeps its metadata in this layer. */
  nydusMeta: "containerd.io/snapshot/nydus-bootstrap",
  /** An image in nydus' format keeps its data in layers like this one. */
  nydusData: "containerd.io/snapshot/nydus-blob",
  /** Digest of a layer without `sha256:`: the layer was made into a tarfs. */
  tarfs: "containerd.io/snapshot/nydus-tarfs",
  /** Verity parameters of the disk of a whole image; may be empty. */
  imageBlock: "containerd.io/snapshot/nydus-image-block",
  /** Verity parameters of the disk of one layer; may be empty. */
  layerBlock: "containerd.io/snapshot/nydus-layer-block",
  /** The guest pulls the image. */
  proxyMode: "containerd.io/snapshot/nydus-proxy-mode",
  /** The image's index names a nydus image beside this one. */
  indexAlternative: "containerd.io/snapshot/nydus-index-alternative",
  stargz: "containerd.io/snapshot/stargz",
  /** The builder of the image recommends tarfs. */
  tarfsHint: "containerd.io/snapshot/tarfs-hint",
  /** The overlay may be lost with the machine. */
  volatile: "containerd.io/snapshot/overlay.volatile",
  uidMapping: "containerd.io/snapshot/uidmapping",
  gidMapping: "containerd.io/snapshot/gidmapping",
  /** Name of the image, as the CRI was asked for it. */
  imageRef: "containerd.io/snapshot/cri.image-ref",
  layerDigest: "containerd.io/snapshot/cri.layer-digest",
} as const

/** Name of a label that decides something. */
export type Key = keyof typeof keys

/** Whether a label is there; its value does not matter. */
export const has = (labels: Labels, key: Key): boolean => Object.hasOwn(labels, keys[key])

/** The value of a label, `undefined` where it is not there. */
export const valueOf = (labels: Labels, key: Key): string | undefined =>
  has(labels, key) ? labels[keys[key]] : undefined

/** One label as a table, to be merged into others. */
export const one = (key: Key, value: string): Labels => ({ [keys[key]]: value })

/** Labels that reach the snapshotter at all: containerd hands on only these. */
export const inherited = (labels: Labels): Labels =>
  Object.fromEntries(
    Object.entries(labels).filter(
      ([key]) => key === keys.target || key.startsWith("containerd.io/snapshot/"),
    ),
  )
