/**
 * Answers: what would containerd accept without doing what was meant? Each of these is silent on a node, or one line
 * in a log that nobody reads. Source: facts containerd §4, §6, §7; toml-safety §5 (M1–M11).
 */
import type { Notice } from "../../input/Problem.ts"
import * as ContainerdVersion from "../../model/ContainerdVersion.ts"
import * as HostPath from "../../model/HostPath.ts"
import * as Toml from "../../toml/Toml.ts"
import type { Cri, CriTable } from "./Cri.ts"
import { type Generation, isFirst } from "./Generation.ts"
import { topLevel, unknownKeys } from "./KnownKeys.ts"
import type { Files, Loaded } from "./Loading.ts"
import type { Merged } from "./Merging.ts"
import * as Migration from "./Migration.ts"

/** Everything that is known once the files have been merged. */
export interface Work {
  readonly files: Files
  readonly root: HostPath.HostPath
  readonly version: ContainerdVersion.ContainerdVersion
  readonly generation: Generation
  readonly loaded: Loaded
  readonly merged: Merged
}

const warning = (code: string, message: string, remedy?: string): Notice => ({
  code,
  severity: "warning",
  message,
  ...(remedy === undefined ? {} : { remedy }),
})

/** All warnings, in a fixed order. */
export const of = (work: Work, tables: ReadonlyArray<CriTable>, cri: Cri): ReadonlyArray<Notice> => [
  ...unverified(work),
  ...newerDropIns(work),
  ...unreadDirectory(work),
  ...ignoredGlobs(work),
  ...unreadTables(work),
  ...leftBehind(work),
  ...misplacedLevel(work),
  ...(isFirst(work.generation) ? [] : unknown(work, tables)),
  ...imagesElsewhere(cri),
]

const unverified = ({ generation, version }: Work): ReadonlyArray<Notice> =>
  generation.measured
    ? []
    : [
        {
          code: "effective-config-unverified",
          severity: "info",
          message: `What containerd ${ContainerdVersion.format(version)} makes of its files is predicted from its source only; no such release was run beside the prediction.`,
        },
      ]

/**
 * v2.3.0 to v2.3.4 compare the version of each file with that of the first one that declares any; the last number of a
 * version is not known here.
 */
const newerDropIns = ({ generation, loaded }: Work): ReadonlyArray<Notice> => {
  const declared = loaded.files.flatMap(({ path, table }) => {
    const version = Toml.versionIn(table) ?? 0
    return version === 0 ? [] : [{ path, version }]
  })
  const [first] = declared
  if (generation.line !== "2.3" || first === undefined) return []
  return declared.flatMap(({ path, version }) =>
    version > first.version
      ? [
          warning(
            "containerd-newer-drop-in",
            `containerd 2.3.0 to 2.3.4 do not start: ${path} declares version ${version}, and ${first.path}, which is read before, only ${first.version}. 2.3.5 and newer take it.`,
            `Leave the version out of ${path}.`,
          ),
        ]
      : [],
  )
}

const unreadDirectory = ({ files, loaded, root }: Work): ReadonlyArray<Notice> => {
  const directory = HostPath.join(HostPath.parent(root), "conf.d")
  const isRead = new Set(loaded.files.map((file) => file.path))
  const unread = [...files.keys()].filter(
    (path) => HostPath.parent(path) === directory && path.endsWith(".toml") && !isRead.has(path),
  )
  return unread.length === 0
    ? []
    : [
        warning(
          "containerd-conf-d-not-read",
          `${unread.join(", ")} ${unread.length === 1 ? "is" : "are"} not read: ${root} ${files.has(root) ? "does not import it" : "does not exist, and then nothing is imported"}.`,
          `Add ${JSON.stringify(`${directory}/*.toml`)} to the imports of ${root}.`,
        ),
      ]
}

const ignoredGlobs = ({ loaded, version }: Work): ReadonlyArray<Notice> =>
  loaded.ignoredGlobs.map(({ file, glob }) =>
    warning(
      "containerd-relative-glob-ignored",
      `containerd ${ContainerdVersion.format(version)} looks the import ${JSON.stringify(glob)} of ${file} up in its working directory, where nothing matches.`,
      "Write it as an absolute path.",
    ),
  )

/** Names of the CRI's tables, each with the schemas that it belongs to. */
const criNames = ["cri", Migration.grpcCri, Migration.criRuntime, Migration.criImages]

const unreadTables = (work: Work): ReadonlyArray<Notice> => {
  const { generation, loaded, merged, version } = work
  const isRead = (name: string, table: Toml.Table): boolean => {
    if (isFirst(generation)) return name === (merged.schema < 2 ? "cri" : Migration.grpcCri)
    if (generation.migratesEachFile) return true
    const full = name === "cri" ? Migration.grpcCri : name
    // A configuration that counts as schema 3 is not migrated; of schema 2's table only the server half is read.
    return full !== Migration.grpcCri || merged.schema < 3 || table["containerd"] === undefined
  }
  return loaded.files.flatMap(({ path, table }) =>
    criNames.flatMap((name) => {
      const own = Toml.tableAt(table, "plugins", name)
      if (own === undefined || isRead(name, own)) return []
      return [
        warning(
          "containerd-table-not-read",
          `containerd ${ContainerdVersion.format(version)} does not read the table plugins.${name} of ${path}: all files together count as version ${merged.schema}, in which it goes by another name.`,
          "Write the table under the name that belongs to the version, and leave the version out of imported files.",
        ),
      ]
    }),
  )
}

const leftBehind = ({ merged }: Work): ReadonlyArray<Notice> =>
  merged.handlersLeftBehind
    ? [
        warning(
          "containerd-handlers-not-migrated",
          `The handlers below plugins.${Migration.grpcCri} are lost: one table of handlers below plugins.${Migration.criRuntime} keeps all of them from being migrated.`,
          "Write all handlers below the same plugin.",
        ),
      ]
    : []

const misplacedLevel = ({ merged }: Work): ReadonlyArray<Notice> =>
  Toml.at(merged.plugins, "io.containerd.server.v1.debug", "level") === undefined
    ? []
    : [
        warning(
          "containerd-log-level-misplaced",
          `The level in plugins."io.containerd.server.v1.debug" is not read: only the socket's settings moved there with version 4.`,
          "Write it as level in [debug].",
        ),
      ]

/** Names that people, and containerd's own migration, take for `runtime_platforms`. */
const misspelt = new Set(["runtime_platform", "runtimes_platform", "runtimes_platforms"])

const unknown = ({ generation, loaded }: Work, tables: ReadonlyArray<CriTable>): ReadonlyArray<Notice> => {
  const inFiles = loaded.files.flatMap(({ path, table }) =>
    unknownKeys(table, topLevel(generation)).map((key) =>
      warning(
        "containerd-unknown-key",
        `containerd passes over ${key.join(".")} in ${path}, which it does not know.`,
      ),
    ),
  )
  const inPlugins = tables.flatMap(({ plugin, shape, table }) =>
    unknownKeys(table, shape).map((key) =>
      plugin === Migration.criImages && misspelt.has(key[0]!)
        ? warning(
            "containerd-runtime-platform-misspelt",
            `containerd passes over ${key[0]} in plugins.${plugin}: the name is runtime_platforms. Images of its handlers go to the default snapshotter.`,
            "Write it as runtime_platforms.",
          )
        : warning(
            "containerd-unknown-key",
            `containerd passes over ${key.join(".")} in plugins.${plugin}, which it does not know.`,
          ),
    ),
  )
  return [...inFiles, ...inPlugins]
}

/** On 2.x images are pulled by the images plugin's own table, and containers are made by the handler's. */
const imagesElsewhere = (cri: Cri): ReadonlyArray<Notice> =>
  Object.entries(cri.handlers).flatMap(([name, handler]) => {
    const [pulled, made] = [handler.imageSnapshotter, handler.snapshotter].map(
      (own) => own || cri.snapshotter,
    )
    return pulled === made
      ? []
      : [
          warning(
            "containerd-images-not-told-snapshotter",
            `Images of the handler ${name} are pulled into ${JSON.stringify(pulled)}, and its containers are made from ${JSON.stringify(made)}.`,
            `Name one snapshotter in both places: as runtime_platforms.${name}.snapshotter in plugins.${JSON.stringify(Migration.criImages)} and as the snapshotter of the handler.`,
          ),
        ]
  })
