/**
 * Rules of `deviations.json` about containerd's files: each adds to what upstream writes what our decisions ask for
 * beyond it.
 */
import { ContainerdVersion, Distribution } from "@kata-deploy/core"
import { parse, stringify } from "smol-toml"
import type { Rule } from "./hostCases.ts"
import type { PodNode } from "./PodHost.ts"

type Table = Record<string, unknown>

const families = ["cri", "io.containerd.grpc.v1.cri"]

const at = (table: unknown, ...keys: ReadonlyArray<string>): Table | undefined => {
  let value = table
  for (const key of keys) value = (value as Table | undefined)?.[key]
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Table) : undefined
}

const parsed = (text: string): Table | undefined => {
  try {
    return parse(text)
  } catch {
    return undefined
  }
}

/** A file with handlers of ours in tables of an older family, changed. */
const changing =
  (
    change: (
      file: Table,
      plugin: string,
      runtimes: Table,
      node: PodNode,
      all: Readonly<Record<string, string>>,
    ) => void,
  ) =>
  (files: Readonly<Record<string, string>>, node: PodNode): Readonly<Record<string, string>> =>
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => {
        const file = parsed(text)
        for (const plugin of families) {
          const runtimes = at(file, "plugins", plugin, "containerd", "runtimes")
          if (
            file !== undefined &&
            runtimes !== undefined &&
            Object.keys(runtimes).some((name) => name.startsWith("kata-"))
          ) {
            change(file, plugin, runtimes, node, files)
            return [path, stringify(file)]
          }
        }
        return [path, text]
      }),
    )

const version = ({ version }: PodNode) =>
  version === undefined ? undefined : ContainerdVersion.parse(version)

/** containerd 1.x takes its built-in `runc` away as soon as a file names a handler. */
const builtInRunc: Rule = {
  name: "containerd-1-keeps-runc",
  apply: (files, node) =>
    version(node)?.major === 1
      ? changing((_file, _plugin, runtimes) => {
          runtimes["runc"] ??= { runtime_type: "io.containerd.runc.v2" }
        })(files, node)
      : undefined,
}

/** A drop-in takes the CRI table of the rendered root away on containerd 1.x, so it repeats it. */
const repeatedCriTable: Rule = {
  name: "containerd-1-repeats-the-cri-table",
  apply: (files, node) =>
    version(node)?.major === 1 && Distribution.lookup(node.runtime)?.layout === "rendered"
      ? changing((file, plugin, runtimes, _node, all) => {
          const root = at(parsed(all["/etc/containerd/config.toml"] ?? ""), "plugins", plugin)
          if (root === undefined) return
          const there = at(root, "containerd", "runtimes")
          ;(file["plugins"] as Table)[plugin] = {
            ...root,
            containerd: { ...at(root, "containerd"), runtimes: { ...there, ...runtimes } },
          }
        })(files, node)
      : undefined,
}

/** With a schema 2 root containerd 2.0 to 2.2 loses the snapshotter of image pulls in its migration. */
const imagesPlugin: Rule = {
  name: "schema-2-tells-the-images-plugin",
  apply: (files, node) => {
    const daemon = version(node)
    if (daemon?.major !== 2 || daemon.minor > 2) return undefined
    return changing((file, _plugin, runtimes) => {
      const mapped = Object.entries(runtimes).flatMap(([name, table]) => {
        const snapshotter = (table as Table)["snapshotter"]
        return snapshotter === undefined ? [] : [[name, { snapshotter }] as const]
      })
      if (mapped.length === 0) return
      const plugins = file["plugins"] as Table
      const images = at(plugins, "io.containerd.cri.v1.images")
      plugins["io.containerd.cri.v1.images"] = { ...images, runtime_platforms: Object.fromEntries(mapped) }
    })(files, node)
  },
}

/** In the order in which they are tried. */
export const containerdRules: ReadonlyArray<Rule> = [builtInRunc, repeatedCriTable, imagesPlugin]
