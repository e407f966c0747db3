/**
 * From where does a daemon pull the images of a test? From a registry that knows them by heart and nothing else: the
 * pull half of OCI's distribution API, without TLS, on this machine's loopback.
 */
import type { SampleImage } from "@kata-deploy/core/testing"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** A registry that answers. */
export interface Registry {
  /** Host and port, as the first part of an image's name. */
  readonly address: string
  readonly close: () => Promise<void>
}

/** Serves images under the name behind the first slash of theirs: `example.com/app:1` as `ADDRESS/app:1`. */
export const serve = async (images: ReadonlyArray<SampleImage.SampleImage>): Promise<Registry> => {
  const blobs = new Map(images.flatMap(({ blobs: own }) => [...own]))
  const tags = new Map(images.map(({ name, target }) => [name.slice(name.indexOf("/") + 1), target]))
  const typeOf = (digest: string): string =>
    [...tags.values()].includes(digest)
      ? "application/vnd.oci.image.manifest.v1+json"
      : "application/octet-stream"
  const server = createServer((request, response) => {
    const [, name, kind, reference] =
      /^\/v2\/([^/]+)\/(manifests|blobs)\/([^?]+)/.exec(request.url ?? "") ?? []
    const digest = kind === "manifests" ? (tags.get(`${name}:${reference}`) ?? reference) : reference
    const text = digest === undefined ? undefined : blobs.get(digest)
    if (digest === undefined || text === undefined) {
      response.writeHead(request.url === "/v2/" ? 200 : 404).end()
      return
    }
    const body = Buffer.from(text, "latin1")
    response.writeHead(200, {
      "content-type": typeOf(digest),
      "content-length": body.length,
      "docker-content-digest": digest,
    })
    response.end(request.method === "HEAD" ? undefined : body)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}
