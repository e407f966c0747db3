/**
 * Answers the vectors about settings, in upstream's vocabulary: what was decoded is told as upstream's configuration,
 * and compared with the baseline of the file changed by what the case says.
 */
import { Result, Schema } from "effect"
import {
  ConfigPaths,
  CriConfig,
  CrioDropIn,
  Distribution,
  FileState,
  type Problem,
  Settings,
  type SettingsGrammar,
  Shim,
} from "@kata-deploy/core"
import { Vectors } from "@kata-deploy/core/testing"
import { seenPath, tidy } from "./pod/PodPaths.ts"

const Texts = Schema.Record(Schema.String, Schema.String)

const Input = Schema.Struct({
  arch: Schema.String,
  env: Texts,
  customConfigs: Schema.optionalKey(Texts),
})

const Expected = Schema.Struct({
  config: Schema.optionalKey(Schema.Record(Schema.String, Schema.Unknown)),
  error: Schema.optionalKey(Schema.String),
  messageMentions: Schema.optionalKey(Schema.Array(Schema.String)),
  warns: Schema.optionalKey(Schema.Boolean),
})

const File = Schema.Struct({ baseline: Schema.Record(Schema.String, Schema.Unknown) })

const decode = ({ arch, customConfigs, env }: typeof Input.Type) =>
  Settings.decode({
    architecture: arch,
    variables: env,
    customConfigs:
      customConfigs === undefined
        ? { _tag: "Unreadable", why: "there is none" }
        : { _tag: "Files", files: new Map(Object.entries(customConfigs)) },
    api: "used",
  })

const mappingText = (items: ReadonlyArray<SettingsGrammar.MappingItem>): string | null =>
  items.length === 0 ? null : items.map(({ key, value }) => `${key}:${value}`).join(",")

const perShimText = (setting: SettingsGrammar.PerShim | undefined): string | null => {
  if (setting === undefined) return null
  return setting._tag === "All" ? setting.value : setting.values.map((v) => `${v.key}=${v.value}`).join(";")
}

const customRuntime = (settings: Settings.Settings) => (handler: Settings.Settings["handlers"][number]) => ({
  handler: handler.name,
  baseConfig: handler.shim,
  dropInFile: settings.customRuntimes.some((c) => c.handler === handler.name && c.dropIn !== undefined)
    ? `/custom-configs/dropin-${handler.name}.toml`
    : null,
  containerdSnapshotter: handler.snapshotter ?? null,
  crioPullType: handler.pullType ?? null,
  debugVariant: handler.kind === "debug" || handler.kind === "devkit",
  devkit: handler.kind === "devkit",
})

/** Our settings as upstream's configuration on a vanilla node. */
const configOf = (settings: Settings.Settings): Readonly<Record<string, unknown>> => {
  const { instance } = settings
  const row = Distribution.rowOf("containerd")
  const where = { containerdConfigDir: row.configDir, installDir: instance.installDir }
  const given = { row, pinnedDir: undefined, fileName: settings.containerdConfigFileName }
  const main = ConfigPaths.mainConfigPath(given)
  const paths = ConfigPaths.decide({
    ...given,
    instance,
    version: "containerd://2.1.0",
    mainConfig: FileState.absent,
  })
  const others = settings.handlers.filter((h) => h.kind !== "shim").map(customRuntime(settings))
  const own = `/opt/kata${instance.suffix === undefined ? "" : `-${instance.suffix}`}`
  const crio = CrioDropIn.dropInPath(settings)
  return {
    nodeName: settings.nodeName ?? null,
    debug: settings.debug,
    shims: settings.shims,
    // Not set, it is what the architecture usually has; it decides nothing (decisions §6).
    defaultShim: settings.defaultShim ?? Shim.defaultShim(settings.architecture),
    allowedHypervisorAnnotations: [
      ...settings.allowedAnnotations.all,
      ...settings.allowedAnnotations.each.map((each) => `${each.shim}:${each.annotations.join(",")}`),
    ],
    snapshotterHandlerMapping: mappingText(settings.snapshotterMapping),
    agentHttpsProxy: perShimText(settings.httpsProxy),
    agentNoProxy: perShimText(settings.noProxy),
    pullTypeMapping: mappingText(settings.pullTypeMapping),
    installationPrefix: instance.installDir === own ? null : instance.installDir.slice(0, -own.length),
    multiInstallSuffix: instance.suffix ?? null,
    helmPostDeleteHook: settings.helmPostDeleteHook,
    experimentalSetupSnapshotter: settings.setupSnapshotters,
    erofsMergeMode: settings.erofs.mergeMode,
    erofsSnapshotterMode: settings.erofs.mode,
    erofsDmverity: settings.erofs.dmverity,
    experimentalForceGuestPull: settings.forceGuestPull,
    destDir: instance.installDir,
    hostInstallDir: instance.installDir,
    crioDropInConfDir: crio.slice(0, crio.lastIndexOf("/")),
    crioDropInConfFile: crio,
    crioDropInConfFileDebug: CrioDropIn.debugPath(settings),
    containerdConfFile: seenPath(where, main),
    containerdConfFileBackup: seenPath(where, CriConfig.backupPaths(main)[0]!),
    containerdDropInConfFile: Result.match(paths, {
      onFailure: ({ problems }) => problems[0]?.code,
      onSuccess: ({ dropIn }) => seenPath(where, dropIn),
    }),
    containerdUserDropInSourceFile: settings.userDropInSource ?? null,
    daemonsetName: settings.daemonSetName,
    customRuntimesEnabled: others.length > 0,
    customRuntimes: others,
    devkitEnabled: settings.devkit,
    startupTaints: settings.startupTaints,
    containerRuntimeVersion: settings.containerRuntimeVersion ?? null,
    k8sDistribution: settings.k8sDistribution ?? null,
    shimHandlers: settings.handlers.filter((h) => h.kind === "shim").map((h) => h.name),
  }
}

/** What upstream leaves undefined and reads as these values. */
const unset: Readonly<Record<string, unknown>> = {
  erofsMergeMode: "merged",
  erofsSnapshotterMode: "disk",
  experimentalSetupSnapshotter: [],
}

/** Upstream keeps mappings and proxies as they were written, and annotations in the order of writing. */
const comparable = (config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (value === null && Object.hasOwn(unset, key)) return [key, unset[key]]
      if (key === "allowedHypervisorAnnotations" && Array.isArray(value)) return [key, value.toSorted()]
      if (typeof value !== "string") return [key, value]
      if (value.startsWith("/") && !key.startsWith("agent")) return [key, tidy(value)]
      if (key.endsWith("Mapping")) return [key, value.replaceAll(/\s+/g, "")]
      return [key, key.startsWith("agent") ? value.trim() : value]
    }),
  )

const mentions = (problem: Problem.Problem, word: string): boolean =>
  [problem.message, problem.remedy, problem.value, problem.setting].some((text) => text?.includes(word))

const refusal = (
  error: string,
  words: ReadonlyArray<string>,
  problems: ReadonlyArray<Problem.Problem>,
): Vectors.Verdict => {
  const said = problems.filter((problem) => problem.code === error)
  if (said.length === 0) {
    return Vectors.failed(`expected ${error}, got ${problems.map((problem) => problem.code).join(", ")}`)
  }
  const missing = words.filter((word) => !said.some((problem) => mentions(problem, word)))
  return Vectors.verdictOf(missing.map((word) => `${error} does not mention ${JSON.stringify(word)}`))
}

/** A proxy entry for a shim of the registry that is not enabled is a warning with us (decisions §6). */
const isDisabledProxy = (error: string, notices: ReadonlyArray<Problem.Notice>): boolean =>
  /^E_UNKNOWN_SHIM_IN_AGENT_(HTTPS|NO)_PROXY$/.test(error) &&
  notices.some((notice) => notice.code === "proxy-for-disabled-shim")

const accepted = (
  expected: typeof Expected.Type,
  baseline: Readonly<Record<string, unknown>>,
  settings: Settings.Settings,
): Vectors.Verdict => {
  const changed = expected.config ?? {}
  const wanted = comparable({ ...baseline, ...changed })
  const actual = comparable(configOf(settings))
  const missing = expected.warns === true && settings.notices.length === 0 ? ["no warning"] : []
  const different = Vectors.differences(wanted, actual)
  // The baseline is the default instance's: with a suffix we name the debug drop-in after the instance (decisions §5).
  const debugDropIn = "crioDropInConfFileDebug"
  const renamed =
    settings.instance.suffix !== undefined &&
    !Object.hasOwn(changed, debugDropIn) &&
    actual[debugDropIn] === `${String(wanted[debugDropIn])}-${settings.instance.suffix}`
  const left = renamed ? different.filter((line) => !line.startsWith(`.${debugDropIn}:`)) : different
  return left.length + missing.length > 0
    ? Vectors.verdictOf([...left, ...missing])
    : Vectors.passedBut(...(renamed ? ["shared-names-have-the-suffix"] : []))
}

/** Runner of `01-config`. */
export const runner: Vectors.Runner = {
  file: "01-config",
  shared: ["baseline", "baselineInput"],
  sections: {
    cases: (vector) =>
      Result.gen(function* () {
        const input = yield* Vectors.read(Input, vector.input)
        const expected = yield* Vectors.read(Expected, vector.expected)
        const { baseline } = yield* Vectors.read(File, vector.file)
        const decoded = decode(input)
        if (expected.error !== undefined) {
          if (Result.isFailure(decoded)) {
            return yield* refusal(expected.error, expected.messageMentions ?? [], decoded.failure.problems)
          }
          return yield* isDisabledProxy(expected.error, decoded.success.notices)
            ? Vectors.passedBut("proxy-for-a-disabled-shim-warns")
            : Vectors.failed(`expected ${expected.error}, but the settings are accepted`)
        }
        return yield* Result.isFailure(decoded)
          ? Vectors.failed(
              `refused: ${decoded.failure.problems.map((p) => `${p.code} ${p.message}`).join("; ")}`,
            )
          : accepted(expected, baseline, decoded.success)
      }),
  },
}
