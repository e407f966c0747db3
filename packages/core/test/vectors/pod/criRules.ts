/**
 * Rules of `deviations.json` about the files of containerd and CRI-O: each changes what upstream writes into what our
 * decisions ask for.
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

type Files = Readonly<Record<string, string>>

/** Every file that is TOML, changed in place by `change`. */
const changingFiles =
  (change: (file: Table, files: Files) => void) =>
  (files: Files): Files =>
    Object.fromEntries(
      Object.entries(files).map(([path, text]) => {
        const file = parsed(text)
        if (file === undefined) return [path, text]
        change(file, files)
        return [path, stringify(file)]
      }),
    )

const isOurs = (runtimes: Table | undefined): runtimes is Table =>
  runtimes !== undefined && Object.keys(runtimes).some((name) => name.startsWith("kata-"))

/** Every file with handlers of ours in tables of an older family, changed in place. */
const changingHandlers = (change: (file: Table, plugin: string, runtimes: Table, files: Files) => void) =>
  changingFiles((file, files) => {
    for (const plugin of families) {
      const runtimes = at(file, "plugins", plugin, "containerd", "runtimes")
      if (isOurs(runtimes)) change(file, plugin, runtimes, files)
    }
  })

const version = ({ version }: PodNode) =>
  version === undefined ? undefined : ContainerdVersion.parse(version)

/** containerd 1.x takes its built-in `runc` away as soon as a file names a handler. */
const builtInRunc: Rule = {
  name: "containerd-1-keeps-runc",
  apply: (files, node) =>
    version(node)?.major === 1
      ? changingHandlers((_file, _plugin, runtimes) => {
          runtimes["runc"] ??= { runtime_type: "io.containerd.runc.v2" }
        })(files)
      : undefined,
}

/** A drop-in takes the CRI table of the rendered root away on containerd 1.x, so it repeats it. */
const repeatedCriTable: Rule = {
  name: "containerd-1-repeats-the-cri-table",
  apply: (files, node) =>
    version(node)?.major === 1 && Distribution.lookup(node.runtime)?.layout === "rendered"
      ? changingHandlers((file, plugin, runtimes, all) => {
          const root = at(parsed(all["/etc/containerd/config.toml"] ?? ""), "plugins", plugin)
          if (root === undefined) return
          const there = at(root, "containerd", "runtimes")
          ;(file["plugins"] as Table)[plugin] = {
            ...root,
            containerd: { ...at(root, "containerd"), runtimes: { ...there, ...runtimes } },
          }
        })(files)
      : undefined,
}

/** With a schema 2 root containerd 2.0 to 2.2 loses the snapshotter of image pulls in its migration. */
const imagesPlugin: Rule = {
  name: "schema-2-tells-the-images-plugin",
  apply: (files, node) => {
    const daemon = version(node)
    if (daemon?.major !== 2 || daemon.minor > 2) return undefined
    return changingHandlers((file, _plugin, runtimes) => {
      const mapped = Object.entries(runtimes).flatMap(([name, table]) => {
        const snapshotter = (table as Table)["snapshotter"]
        return snapshotter === undefined ? [] : [[name, { snapshotter }] as const]
      })
      if (mapped.length === 0) return
      const plugins = file["plugins"] as Table
      const images = at(plugins, "io.containerd.cri.v1.images")
      plugins["io.containerd.cri.v1.images"] = { ...images, runtime_platforms: Object.fromEntries(mapped) }
    })(files)
  },
}

/** From 2.1 on nydus asks for annotations by an export of its own, beside the switch for the whole node. */
const nydusExport: Rule = {
  name: "nydus-asks-for-annotations-itself",
  apply: (files, node) => {
    const daemon = version(node)
    if (daemon === undefined || !ContainerdVersion.atLeast(daemon, 2, 1)) return undefined
    return changingFiles((file) => {
      const proxies = at(file, "proxy_plugins") ?? {}
      const ours = Object.keys(proxies).filter((name) => name.startsWith("nydus-for-kata-"))
      if (ours.length === 0) return
      for (const name of ours) {
        const exported = at(proxies, name, "exports")
        if (exported !== undefined) exported["enable_remote_snapshot_annotations"] = "true"
      }
    })(files)
  },
}

/** Integrity of erofs layers is switched on only where a probe worked, and nobody probed in a vector. */
const erofsProbe: Rule = {
  name: "erofs-integrity-needs-a-probe",
  apply: changingFiles((file) => {
    const erofs = at(file, "plugins", "io.containerd.snapshotter.v1.erofs")
    for (const key of ["enable_fsverity", "set_immutable"]) if (erofs?.[key] === true) erofs[key] = false
  }),
}

/** Names in directories that instances share carry the suffix; upstream leaves some without. */
const sharedNames: Rule = {
  name: "shared-names-have-the-suffix",
  apply: (files, { env }) => {
    const suffix = (env["MULTI_INSTALL_SUFFIX"] ?? "").trim()
    if (suffix === "") return undefined
    return Object.fromEntries(
      Object.entries(files).map(([path, text]) => {
        const [, directory, name] = /^(\/etc\/(?:containerd|crio)\/.+\/)([^/]+)$/.exec(path) ?? []
        const renamed = {
          "kata-deploy.toml": `kata-deploy-${suffix}.toml`,
          "zz-kata-deploy-user.toml": `zz-kata-deploy-${suffix}-user.toml`,
          "100-debug": `100-debug-${suffix}`,
        }[name ?? ""]
        return [renamed === undefined ? path : `${directory}${renamed}`, text]
      }),
    )
  },
}

/** CRI-O's debug drop-in is there only when debug is on; upstream leaves an empty one. */
const emptyDebugDropIn: Rule = {
  name: "no-empty-debug-drop-in",
  apply: (files) =>
    Object.fromEntries(
      Object.entries(files).filter(([path, text]) => !path.endsWith("/100-debug") || text.trim() !== ""),
    ),
}

/** In the order in which they are tried. */
export const containerdRules: ReadonlyArray<Rule> = [
  sharedNames,
  repeatedCriTable,
  builtInRunc,
  imagesPlugin,
  nydusExport,
  erofsProbe,
]

/** The rules that concern CRI-O. */
export const crioRules: ReadonlyArray<Rule> = [emptyDebugDropIn, sharedNames]
