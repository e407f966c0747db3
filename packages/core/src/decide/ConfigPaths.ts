/**
 * Answers: which files of the CRI runtime are read, and where does our drop-in go? All paths are host paths.
 * Source: spec 02 §4, 03 §2–§5; decisions §5.
 */
import { Context, Layer, Result } from "effect"
import { type Problem, PrerequisiteError } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import type { FileState } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { type Instance, suffixed } from "../model/Instance.ts"
import * as Toml from "../toml/Toml.ts"

/** What the paths depend on. */
export interface PathFacts {
  readonly instance: Instance
  readonly row: RuntimeRow
  /** Host directory that the operator pinned instead of the distribution's. */
  readonly pinnedDir: HostPath.HostPath | undefined
  /** Name of the main config on a vanilla node. */
  readonly fileName: string
  /** The runtime's version as text, if anybody knows it. */
  readonly version: string | undefined
  /** What is at `mainConfigPath`. */
  readonly mainConfig: FileState
}

/** Where containerd's configuration of this instance goes. */
export interface ContainerdPaths {
  /** `drop-in`: a file of ours is merged; `whole-file`: a marked block in the main config. */
  readonly mode: "drop-in" | "whole-file"
  /** The main config: the operator's, or the rendered one that is only read. */
  readonly mainConfig: HostPath.HostPath
  /** What the operator changes where the distribution renders the main config from it; we never touch it. */
  readonly template: HostPath.HostPath | undefined
  /** The file whose `imports` has to name our drop-in; `undefined` where the directory is read anyway. */
  readonly importsFile: HostPath.HostPath | undefined
  /** Our drop-in; in whole-file mode nothing is written there. */
  readonly dropIn: HostPath.HostPath
  /** The operator's drop-in as we copy it; sorts behind ours. */
  readonly userDropIn: HostPath.HostPath
  /** Schema whose table names we write: the one that the main config declares. */
  readonly schema: ContainerdVersion.ConfigSchema
  /** The daemon's version where it is known. */
  readonly version: ContainerdVersion.ContainerdVersion | undefined
  /** Whether the drop-in has to repeat the main config's CRI table, which containerd 1.x would replace (decisions §5). */
  readonly repeatsCriTable: boolean
}

/** Host directory of the CRI runtime's configuration. */
export const configDir = (row: RuntimeRow, pinnedDir: HostPath.HostPath | undefined): HostPath.HostPath =>
  pinnedDir ?? row.configDir

/** The main config of a runtime; it has to be looked at before `decide` can be asked. */
export const mainConfigPath = (facts: Pick<PathFacts, "row" | "pinnedDir" | "fileName">): HostPath.HostPath =>
  HostPath.join(configDir(facts.row, facts.pinnedDir), facts.row.mainFile ?? facts.fileName)

const schemaOf = (declared: number | undefined): ContainerdVersion.ConfigSchema =>
  declared === undefined || declared <= 1 ? 1 : declared === 2 ? 2 : declared === 3 ? 3 : 4

const refuse = (problem: Problem): Result.Result<never, PrerequisiteError> =>
  Result.fail(new PrerequisiteError({ problems: [problem] }))

/** Decides where everything goes. */
export const decide = (facts: PathFacts): Result.Result<ContainerdPaths, PrerequisiteError> => {
  const mainConfig = mainConfigPath(facts)
  const version = facts.version === undefined ? undefined : ContainerdVersion.parse(facts.version)
  if (facts.mainConfig._tag === "Link" || facts.mainConfig._tag === "Directory") {
    const { mainConfig: found } = facts
    return refuse({
      code: "E_CONTAINERD_CONFIG_UNREADABLE",
      path: mainConfig,
      message:
        found._tag === "Link"
          ? `The main config ${mainConfig} is a link to ${found.target}. What another tool keeps behind a link is changed through that tool, or the change is lost with its next run.`
          : `The main config ${mainConfig} is a directory, so there is nothing that could import our drop-in.`,
      remedy:
        "Put a file there, or name the real one with CONTAINERD_CONFIG_DIR and CONTAINERD_CONFIG_FILE_NAME.",
    })
  }
  if (facts.mainConfig._tag === "Unreadable") {
    return refuse({
      code: facts.row.layout === "rendered" ? "E_K3S_RENDERED_UNREADABLE" : "E_CONTAINERD_CONFIG_UNREADABLE",
      path: mainConfig,
      message: `The main config ${mainConfig} cannot be read (${facts.mainConfig.detail}), so it is not known which tables to write.`,
      remedy: "Give this program permission to read the file, or repair it.",
    })
  }
  const parsed = facts.mainConfig._tag === "File" ? Toml.parse(facts.mainConfig.text) : undefined
  if (parsed !== undefined && Result.isFailure(parsed)) {
    const { detail, line } = parsed.failure
    return refuse({
      code: "E_CONTAINERD_CONFIG_NOT_TOML",
      path: mainConfig,
      message: `The main config ${mainConfig} is not valid TOML${line === undefined ? "" : ` (line ${line})`}: ${detail}. The runtime itself could not start with it.`,
      remedy: "Repair the file, check it with `containerd config dump`, and try again.",
    })
  }
  const decided = { facts, mainConfig, version, table: parsed?.success }
  switch (facts.row.layout) {
    case "rendered":
      return rendered(decided)
    case "merged":
      return merged(decided)
    default:
      return main(decided)
  }
}

interface Decided {
  readonly facts: PathFacts
  readonly mainConfig: HostPath.HostPath
  readonly version: ContainerdVersion.ContainerdVersion | undefined
  /** The main config's content; `undefined` where there is none. */
  readonly table: Toml.Table | undefined
}

/** k3s and RKE2 render `config.toml` at each start and import a directory from it (spec 02 §4). */
const rendered = ({
  facts,
  mainConfig,
  table,
  version,
}: Decided): Result.Result<ContainerdPaths, PrerequisiteError> => {
  if (table === undefined) {
    return refuse({
      code: "E_K3S_RENDERED_UNREADABLE",
      path: mainConfig,
      message: `${mainConfig} does not exist, so it is not known whether ${facts.row.distribution} reads drop-ins.`,
      remedy: `Start ${facts.row.unit} once, which renders the file, and try again.`,
    })
  }
  const declared = Toml.versionIn(table)
  // Where nobody names a version the file answers for it; one that cannot be read is a mistake (decisions §6).
  const isUnreadable = facts.version !== undefined && version === undefined
  const schema = isUnreadable
    ? undefined
    : declared !== undefined && declared >= 2
      ? schemaOf(declared)
      : version === undefined
        ? undefined
        : ContainerdVersion.newestSchema(version)
  if (schema === undefined) return refuse(unknownVersion(facts, mainConfig))
  const template = HostPath.join(
    HostPath.parent(mainConfig),
    schema >= 3 ? "config-v3.toml.tmpl" : "config.toml.tmpl",
  )
  const dir = HostPath.join(HostPath.parent(mainConfig), schema >= 3 ? "config-v3.toml.d" : "config.toml.d")
  const dropIn = HostPath.join(dir, `${suffixed(facts.instance, "kata-deploy")}.toml`)
  if (!importsDropIn(table, { file: mainConfig, dropIn, version })) {
    return refuse({
      code: "E_K3S_IMPORT_MISSING",
      path: mainConfig,
      message: `${mainConfig} does not import ${dir}/*.toml, so containerd would never read our drop-in.`,
      remedy: `Add imports = ["${dir}/*.toml"] to the template ${template}, restart ${facts.row.unit}, and try again.`,
    })
  }
  return Result.succeed({
    mode: "drop-in",
    mainConfig,
    template,
    importsFile: undefined,
    dropIn,
    userDropIn: HostPath.join(dir, `${suffixed(facts.instance, "zz-kata-deploy")}-user.toml`),
    schema,
    version,
    repeatsCriTable: schema < 3 && (version === undefined || version.major < 2),
  })
}

/** k0s merges `containerd.d` by itself; the daemon's version does not matter (decisions §5). */
const merged = ({
  facts,
  mainConfig,
  table,
  version,
}: Decided): Result.Result<ContainerdPaths, PrerequisiteError> => {
  const schema =
    table === undefined
      ? ContainerdVersion.schemaOfRelease(facts.version ?? "")
      : schemaOfRoot(table, version)
  if (schema === undefined) {
    return refuse({
      code: "E_CONTAINERD_CONFIG_UNREADABLE",
      path: mainConfig,
      message: `${mainConfig} does not exist, and without the daemon's version it is not known which tables k0s's containerd reads.`,
      remedy: `Start ${facts.row.unit} once, which writes the file, or set CONTAINER_RUNTIME_VERSION.`,
    })
  }
  const dir = HostPath.join(HostPath.parent(mainConfig), "containerd.d")
  return Result.succeed({
    mode: "drop-in",
    mainConfig,
    template: undefined,
    importsFile: undefined,
    dropIn: HostPath.join(dir, `${suffixed(facts.instance, "kata-deploy")}.toml`),
    userDropIn: HostPath.join(dir, `${suffixed(facts.instance, "zz-kata-deploy")}-user.toml`),
    schema,
    version,
    repeatsCriTable: false,
  })
}

/**
 * The schema whose table names a root file takes. Without a `version` line 2.0 to 2.2 count it as schema 3 and pass
 * over its own tables of older families (measured on 2.1.9, docs/effective-config.md). From 2.3 on each file is
 * migrated: there the family of the tables that are there stands, and without any the newest is as good.
 */
const schemaOfRoot = (
  root: Toml.Table,
  version: ContainerdVersion.ContainerdVersion | undefined,
): ContainerdVersion.ConfigSchema => {
  const declared = Toml.versionIn(root)
  const countsAs3 =
    version !== undefined &&
    ContainerdVersion.atLeast(version, 2, 0) &&
    !ContainerdVersion.atLeast(version, 2, 3)
  if (countsAs3 && schemaOf(declared) === 1) return 3
  if (declared !== undefined || version === undefined || version.major < 2) return schemaOf(declared)
  const plugins = Toml.tableAt(root, "plugins")
  const has = (plugin: string): boolean => plugins !== undefined && Object.hasOwn(plugins, plugin)
  if (has("cri")) return 1
  return has("io.containerd.grpc.v1.cri") ? 2 : ContainerdVersion.newestSchema(version)
}

/** Whether handlers go into files of their own: always where the distribution merges them, else from 2.0 on. */
export const takesDropIns = (
  row: Pick<RuntimeRow, "layout">,
  version: ContainerdVersion.ContainerdVersion | undefined,
): boolean =>
  row.layout === "rendered" ||
  row.layout === "merged" ||
  (row.layout === "main" && version !== undefined && ContainerdVersion.atLeast(version, 2, 0))

/** A main config of the operator: drop-in from containerd 2.0 on, a marked block before. */
const main = ({
  facts,
  mainConfig,
  table,
  version,
}: Decided): Result.Result<ContainerdPaths, PrerequisiteError> => {
  if (version === undefined) return refuse(unknownVersion(facts, mainConfig))
  const confD = HostPath.join(HostPath.parent(mainConfig), "conf.d")
  const inConfD = HostPath.join(confD, `${suffixed(facts.instance, "kata-deploy")}.toml`)
  const usesConfD =
    facts.row.runtime === "containerd" &&
    ContainerdVersion.atLeast(version, 2, 2) &&
    table !== undefined &&
    importsDropIn(table, { file: mainConfig, dropIn: inConfD, version })
  const ownDir = HostPath.join(facts.instance.installDir, "containerd/config.d")
  const wholeFile = !takesDropIns(facts.row, version)
  if (wholeFile && facts.instance.suffix !== undefined) {
    return refuse({
      code: "E_MULTI_INSTALL_NEEDS_DROPIN",
      setting: "MULTI_INSTALL_SUFFIX",
      value: facts.instance.suffix,
      path: mainConfig,
      message: `Several installs on a node need drop-ins, which containerd ${ContainerdVersion.format(version)} cannot merge into ${mainConfig}.`,
      remedy: "Upgrade containerd to 2.0 or newer, or install without MULTI_INSTALL_SUFFIX.",
    })
  }
  return Result.succeed({
    mode: wholeFile ? "whole-file" : "drop-in",
    mainConfig,
    template: undefined,
    importsFile: wholeFile || usesConfD ? undefined : mainConfig,
    dropIn: usesConfD ? inConfD : HostPath.join(ownDir, "kata-deploy.toml"),
    userDropIn: usesConfD
      ? HostPath.join(confD, `${suffixed(facts.instance, "zz-kata-deploy")}-user.toml`)
      : HostPath.join(ownDir, "zz-kata-deploy-user.toml"),
    schema: table === undefined ? ContainerdVersion.newestSchema(version) : schemaOfRoot(table, version),
    version,
    repeatsCriTable: false,
  })
}

const unknownVersion = (facts: PathFacts, mainConfig: HostPath.HostPath): Problem => ({
  code: facts.version === undefined ? "E_NO_RUNTIME_VERSION" : "E_RUNTIME_VERSION_UNKNOWN",
  setting: "CONTAINER_RUNTIME_VERSION",
  ...(facts.version === undefined ? {} : { value: facts.version }),
  path: mainConfig,
  message:
    facts.version === undefined
      ? `The version of ${facts.row.runtime} is not known, and it decides whether ${mainConfig} may be extended by a drop-in.`
      : `${JSON.stringify(facts.version)} is no version of containerd, and the version decides how its configuration (${mainConfig}) may be changed.`,
  remedy: "Set CONTAINER_RUNTIME_VERSION, e.g. containerd://2.1.5, as `kubectl get node -o wide` shows it.",
})

/** Which file is asked for in the imports of which. */
interface ImportQuestion {
  readonly file: HostPath.HostPath
  readonly dropIn: HostPath.HostPath
  readonly version: ContainerdVersion.ContainerdVersion | undefined
}

/**
 * Whether a containerd file's `imports` reads the given drop-in: a path or glob that names it, absolute or relative
 * to the file (facts: containerd §4). Only the file's own parsed array counts, never a comment. containerd 1.6 takes
 * a relative glob as relative to its working directory, where nothing matches (measured).
 */
const importsDropIn = (table: Toml.Table, { dropIn, file, version }: ImportQuestion): boolean => {
  const relativeGlobs = version === undefined || ContainerdVersion.atLeast(version, 1, 7)
  return Toml.stringsAt(table, "imports").some((entry) => {
    const absolute = entry.startsWith("/")
    const pattern = absolute ? HostPath.make(entry) : HostPath.join(HostPath.parent(file), entry)
    // Without a star the path is taken literally, whatever else it holds.
    if (!entry.includes("*")) return pattern === dropIn
    return (absolute || relativeGlobs) && globMatchesPath(pattern, dropIn)
  })
}

const globMatchesPath = (pattern: HostPath.HostPath, path: HostPath.HostPath): boolean => {
  const parts = path.split("/")
  const patterns = pattern.split("/")
  return parts.length === patterns.length && parts.every((part, at) => globMatches(patterns[at]!, part))
}

/** Whether a Go glob without separators (`*`, `?`, `[…]`) matches a file name. */
export const globMatches = (pattern: string, fileName: string): boolean => {
  // Most parts of a path are names, and a regular expression for each would be most of the work.
  if (!/[*?[]/.test(pattern)) return pattern === fileName
  const source = pattern.replace(/[.+^${}()|\\]|\*|\?|\[\^?/g, (c) =>
    c === "*" ? ".*" : c === "?" ? "." : c === "[" || c === "[^" ? c : `\\${c}`,
  )
  try {
    return new RegExp(`^${source}$`).test(fileName)
  } catch {
    return false
  }
}

/** The replaceable policy behind `decide`. */
export class ConfigPaths extends Context.Service<
  ConfigPaths,
  {
    readonly decide: (facts: PathFacts) => Result.Result<ContainerdPaths, PrerequisiteError>
  }
>()("@kata-deploy/core/ConfigPaths") {
  /** Paths as this module decides them. */
  static readonly layer = Layer.succeed(ConfigPaths, ConfigPaths.of({ decide }))
}
