/**
 * Answers: what is in a container image of a test? A chain of small layers, with the digests and chain ids that
 * containerd will compute; the double takes the blobs as they are, a real containerd imports the layout.
 */
import { ofText } from "./Digest.ts"

/** A sample image; every text in it is plain ASCII, so that a character is a byte. */
export interface SampleImage {
  readonly name: string
  /** Digest of its manifest, `sha256:…`. */
  readonly target: string
  /** Digest of its config. */
  readonly config: string
  /** Digests of its layers, the lowest first; they are not compressed, so these are the diff ids, too. */
  readonly layers: ReadonlyArray<string>
  /** Keys of its snapshots, the lowest first. */
  readonly chain: ReadonlyArray<string>
  /** Its blobs by digest. */
  readonly blobs: ReadonlyMap<string, string>
}

/** The image's media types. */
const types = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const

const digestOf = (text: string): string => `sha256:${ofText(text)}`

/** Chain ids of layers by their diff ids: each names everything below it. Source: OCI image specification, "Layer ChainID". */
export const chainOf = (diffIds: ReadonlyArray<string>): ReadonlyArray<string> => {
  const chain: Array<string> = []
  for (const diffId of diffIds) {
    const below = chain.at(-1)
    chain.push(below === undefined ? diffId : digestOf(`${below} ${diffId}`))
  }
  return chain
}

/**
 * An image with one layer per text; images whose first texts agree share those layers. `architecture` is Go's word
 * for the machine that is to unpack it.
 */
export const make = (
  name: string,
  texts: ReadonlyArray<string>,
  architecture: "amd64" | "arm64" = "amd64",
): SampleImage => {
  const blobs = new Map<string, string>()
  const put = (text: string): string => {
    const digest = digestOf(text)
    blobs.set(digest, text)
    return digest
  }
  const descriptor = (mediaType: string, digest: string) => ({
    mediaType,
    digest,
    size: blobs.get(digest)!.length,
  })
  const layers = texts.map((text, at) => put(tar([[`layer-${at}`, text]])))
  const config = put(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Cmd: ["/layer-0"] },
      rootfs: { type: "layers", diff_ids: layers },
    }),
  )
  const target = put(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: types.manifest,
      config: descriptor(types.config, config),
      layers: layers.map((digest) => descriptor(types.layer, digest)),
    }),
  )
  return { name, target, config, layers, chain: chainOf(layers), blobs }
}

/** The image as an archive in OCI's layout, for `ctr images import`. */
export const layout = (image: SampleImage): string => {
  const index = {
    schemaVersion: 2,
    mediaType: types.index,
    manifests: [
      {
        mediaType: types.manifest,
        digest: image.target,
        size: image.blobs.get(image.target)!.length,
        annotations: { "io.containerd.image.name": image.name },
      },
    ],
  }
  return tar([
    ["oci-layout", '{"imageLayoutVersion":"1.0.0"}'],
    ["index.json", JSON.stringify(index)],
    ...[...image.blobs].map(([digest, text]) => [`blobs/${digest.replace(":", "/")}`, text] as const),
  ])
}

/** An archive of regular files in the format of POSIX. */
const tar = (files: ReadonlyArray<readonly [name: string, text: string]>): string =>
  `${files.map(([name, text]) => header(name, text.length) + padded(text, Math.ceil(text.length / 512) * 512)).join("")}${padded("", 1024)}`

const padded = (text: string, length: number): string => text.padEnd(length, "\0")

const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`

const header = (name: string, size: number): string => {
  const front = `${padded(name, 100)}${octal(0o755, 8)}${octal(0, 8)}${octal(0, 8)}${octal(size, 12)}${octal(0, 12)}`
  const back = `0${padded("", 100)}ustar\x0000${padded("", 64)}${octal(0, 8)}${octal(0, 8)}${padded("", 167)}`
  let sum = 8 * 32
  for (const part of [front, back]) for (let at = 0; at < part.length; at++) sum += part.charCodeAt(at)
  return `${front}${sum.toString(8).padStart(6, "0")}\0 ${back}`
}
