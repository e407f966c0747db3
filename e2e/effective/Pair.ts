/**
 * What is a case of the agreement test? A root file and the files that it may import, as a host has them.
 */
import { stringify } from "smol-toml"
import type { Files } from "../hostTree/SampleHost.ts"

/** Where the daemon's root file lies in every case. */
export const rootPath = "/etc/containerd/config.toml"

/** One case. */
export interface Pair {
  /** For messages. */
  readonly name: string
  /** TOML texts by host path, the root among them. */
  readonly files: Readonly<Record<string, string>>
}

/** A TOML document as data. */
export type Document = { readonly [key: string]: unknown }

/** Names of the CRI's tables by schema. */
export const plugin = {
  1: "cri",
  2: "io.containerd.grpc.v1.cri",
  3: "io.containerd.cri.v1.runtime",
  images: "io.containerd.cri.v1.images",
} as const

/** Text of a document; a text stays as it is. */
export const text = (document: Document | string): string =>
  typeof document === "string" ? document : `${stringify(document as Record<string, unknown>)}\n`

/** A case from documents by host path. */
export const pair = (
  name: string,
  root: Document | string,
  imported: Readonly<Record<string, Document | string>> = {},
): Pair => ({
  name,
  files: Object.fromEntries(
    Object.entries({ [rootPath]: root, ...imported }).map(([path, document]) => [path, text(document)]),
  ),
})

/** The files of a case as a host tree; the folders that globs look into are there in any case. */
export const treeOf = ({ files }: Pair): Files => ({ "/etc/containerd/conf.d/": "", "/opt/d/": "", ...files })
