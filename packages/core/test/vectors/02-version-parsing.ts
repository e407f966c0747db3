/** Answers the vectors about small parsers: versions, schemas, mappings, proxies. */
import { Result, Schema } from "effect"
import {
  ContainerdVersion,
  DropInRendering,
  HostPath,
  Instance,
  SettingsGrammar,
  Shim,
  SnapshotterTables,
  Toml,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"

const Text = Schema.NullOr(Schema.String)

/** Our reasons in the vectors' words. */
const mappingCodes: Readonly<Record<SettingsGrammar.MappingProblem["why"], string>> = {
  "no-pair": "E_FORMAT",
  "key-empty": "E_SHIM_EMPTY",
  "value-empty": "E_SNAPSHOTTER_EMPTY",
  "key-twice": "E_DUPLICATE_SHIM",
}

const versionAnswers = (text: string) => {
  const version = ContainerdVersion.parse(text)
  return {
    is2OrNewer: version !== undefined && ContainerdVersion.atLeast(version, 2, 0),
    is2_2OrNewer: version !== undefined && ContainerdVersion.atLeast(version, 2, 2),
    schemaForRelease: ContainerdVersion.schemaOfRelease(text) ?? "E_UNPARSABLE",
    snapshotterMappingAllowed: ContainerdVersion.takesSnapshotterPerHandler(version),
    erofsAllowed:
      version === undefined
        ? ContainerdVersion.unparsable(text)
        : ContainerdVersion.hasErofs(version) || "E_TOO_OLD",
  }
}

const instance = Instance.make({ prefix: undefined, suffix: undefined })

/** Where the drop-in of one handler with a snapshotter, in debug mode, says what. */
const pluginTables = (schema: ContainerdVersion.ConfigSchema) => {
  const rendered = DropInRendering.tables({
    settings: {
      instance,
      handlers: [
        { name: "kata-qemu", shim: "qemu", kind: "shim", snapshotter: "nydus", pullType: undefined },
      ],
      debug: true,
    },
    paths: {
      schema,
      version: undefined,
      repeatsCriTable: false,
      mainConfig: HostPath.make("/etc/containerd/config.toml"),
    },
    criTable: undefined,
    release: "vectors",
  })
  const plugins = Object.keys(Toml.tableAt(rendered, "plugins") ?? {})
  const pathTo = (path: ReadonlyArray<string>) => (Toml.at(rendered, ...path) === undefined ? null : path)
  return {
    criRuntimePlugin: plugins.find(
      (plugin) => Toml.at(rendered, "plugins", plugin, "containerd", "runtimes") !== undefined,
    ),
    snapshotAnnotationsTable: Result.match(SnapshotterTables.annotationsTable(schema), {
      onFailure: (problem) => problem.code,
      onSuccess: (path) => path,
    }),
    runtimePlatformsTable: pathTo(["plugins", "io.containerd.cri.v1.images", "runtime_platforms"]),
    debugLevel: pathTo(["debug", "level"]),
  }
}

/** Runner of `02-version-parsing`. */
export const runner: Vectors.Runner = {
  file: "02-version-parsing",
  sections: {
    schemaVersionFromToml: Vectors.answering(
      Schema.Struct({ content: Schema.String }),
      ({ content }) => Toml.declaredVersion(content) ?? null,
    ),
    containerRuntimeVersion: Vectors.answering(
      Schema.Struct({ containerRuntimeVersion: Schema.String }),
      ({ containerRuntimeVersion }) => versionAnswers(containerRuntimeVersion),
    ),
    snapshotterHandlerMappingValidation: Vectors.answering(
      Schema.Struct({ shims: Schema.Array(Schema.String), mapping: Text }),
      ({ mapping }) => {
        const problem = SettingsGrammar.mappingItems(mapping ?? "").problems[0]
        return problem === undefined || mappingCodes[problem.why]
      },
    ),
    proxyForShim: Vectors.answering(
      Schema.Struct({ value: Schema.String, shim: Schema.String }),
      ({ shim, value }) =>
        SettingsGrammar.perShimValue(
          SettingsGrammar.perShim(value, (name) => Shim.lookup(name) !== undefined),
          shim,
        ) ?? null,
    ),
    mappingLookupForVariants: Vectors.answering(
      Schema.Struct({ mapping: Schema.String, shim: Schema.String }),
      ({ mapping, shim }) =>
        SettingsGrammar.mappingItems(mapping).items.find((item) => item.key === shim)?.value ?? null,
    ),
    pluginTables: Vectors.answering(
      Schema.Struct({ schema: Schema.NullOr(Schema.Literals([1, 2, 3, 4])) }),
      ({ schema }) => pluginTables(schema ?? 1),
    ),
  },
}
