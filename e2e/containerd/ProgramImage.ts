/**
 * How does a container image come to be that has a real program in it? From a folder, as one layer, without a builder:
 * an archive in OCI's layout, for `ctr images import`.
 */
import { createHash } from "node:crypto"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { must } from "../Command.ts"

const oci = "application/vnd.oci.image"

/** Writes the image `name` of a folder's content, which runs `command`, to the file `archive`. */
export const pack = async (
  name: string,
  content: string,
  command: ReadonlyArray<string>,
  archive: string,
): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), "kd-image-"))
  const blobs = join(folder, "blobs/sha256")
  /** Stores a blob and describes it. */
  const put = async (kind: string, bytes: Buffer) => {
    const digest = createHash("sha256").update(bytes).digest("hex")
    await writeFile(join(blobs, digest), bytes)
    return { mediaType: `${oci}.${kind}`, digest: `sha256:${digest}`, size: bytes.length }
  }
  const putJson = (kind: string, value: unknown) => put(kind, Buffer.from(JSON.stringify(value)))
  try {
    await mkdir(blobs, { recursive: true })
    const tar = join(folder, "layer.tar")
    await must("tar", ["--create", `--file=${tar}`, `--directory=${content}`, "--numeric-owner", "."])
    const layer = await put("layer.v1.tar", await readFile(tar))
    await rm(tar)
    const config = await putJson("config.v1+json", {
      architecture: process.arch === "arm64" ? "arm64" : "amd64",
      os: "linux",
      config: { Cmd: command },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    })
    const layout = { schemaVersion: 2, config, layers: [layer] }
    const manifest = await putJson("manifest.v1+json", {
      ...layout,
      mediaType: `${oci}.manifest.v1+json`,
    })
    const annotations = { "io.containerd.image.name": name }
    const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] }
    await writeFile(join(folder, "index.json"), JSON.stringify(index))
    await writeFile(join(folder, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}')
    await must("tar", ["--create", `--file=${archive}`, `--directory=${folder}`, "."])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
