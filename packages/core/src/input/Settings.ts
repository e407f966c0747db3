/**
 * Answers: what did the operator ask for? All variables are decoded and checked together, and every problem is
 * reported at once, each with the variable that it concerns. Source: spec 01 §4–§7, decisions §6.
 */
import { Result } from "effect"
import type * as Architecture from "../model/Architecture.ts"
import * as Handler from "../model/Handler.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Instance from "../model/Instance.ts"
import type { ModeChoice } from "../model/ModeChoice.ts"
import * as Shim from "../model/Shim.ts"
import * as CustomRuntimes from "./CustomRuntimes.ts"
import { maskSecrets } from "./Masking.ts"
import { type Notice, type Problem, SettingsError } from "./Problem.ts"
import { check } from "./SettingsChecks.ts"
import type { MappingItem, PerShim } from "./SettingsGrammar.ts"
import { read } from "./SettingsRead.ts"
import type { exportModes } from "./SettingsTable.ts"

/** Hypervisor annotations to allow, for every shim and for single ones. */
export interface AllowedAnnotations {
  readonly all: ReadonlyArray<string>
  readonly each: ReadonlyArray<{ readonly shim: string; readonly annotations: ReadonlyArray<string> }>
}

/** Everything that the operator asked for, checked. */
export interface Settings {
  readonly architecture: Architecture.Architecture
  readonly nodeName: string | undefined
  readonly daemonSetName: string
  readonly instance: Instance.Instance
  readonly debug: boolean
  readonly devkit: boolean
  /** Shims to set up, in the operator's order. */
  readonly shims: ReadonlyArray<string>
  /** Every handler of the instance: shims, custom runtimes, variants, in the order of the rendered tables. */
  readonly handlers: ReadonlyArray<Handler.Handler>
  readonly customRuntimes: ReadonlyArray<CustomRuntimes.CustomRuntime>
  /** The shim of the node's default class; it decides nothing here (decisions §6). */
  readonly defaultShim: string | undefined
  readonly allowedAnnotations: AllowedAnnotations
  readonly snapshotterMapping: ReadonlyArray<MappingItem>
  readonly pullTypeMapping: ReadonlyArray<MappingItem>
  readonly forceGuestPull: ReadonlyArray<string>
  readonly httpsProxy: PerShim | undefined
  readonly noProxy: PerShim | undefined
  readonly setupSnapshotters: ReadonlyArray<string>
  /** Modes that were chosen on this node and that lie over the four settings above; none as they are decoded. */
  readonly recordedModes: ReadonlyArray<ModeChoice>
  readonly nydusHs: {
    /** What the host shares with guests. */
    readonly exportMode: (typeof exportModes)[number]
  }
  readonly erofs: {
    readonly mergeMode: "merged" | "unmerged"
    readonly mode: "disk" | "memory"
    readonly dmverity: boolean
  }
  /** Plain file name of the main config on a vanilla node. */
  readonly containerdConfigFileName: string
  /** Host directory that the operator pinned for the CRI runtime's configuration. */
  readonly containerdConfigDir: HostPath | undefined
  /** File of this process with the operator's containerd drop-in. */
  readonly userDropInSource: string | undefined
  readonly startupTaints: ReadonlyArray<string>
  readonly containerRuntimeVersion: string | undefined
  readonly k8sDistribution: string | undefined
  readonly machineId: string | undefined
  readonly healthPort: number
  /** Whether a cleanup runs as Helm's post-delete hook. */
  readonly helmPostDeleteHook: boolean
  /** The operator's Kata drop-ins (`50-user-overrides.toml`) by shim. */
  readonly shimDropIns: ReadonlyMap<string, string>
  /** Whether no handler is asked for on this architecture, which is an empty plan and no error. */
  readonly nothingToDo: boolean
  readonly notices: ReadonlyArray<Notice>
}

/** What settings are decoded from. */
export interface SettingsInput {
  readonly architecture: Architecture.Architecture
  /** Text by variable name; flags already lie over environment variables over the settings file. */
  readonly variables: Readonly<Record<string, string | undefined>>
  /** The operator's files of `/custom-configs`. */
  readonly customConfigs: CustomRuntimes.CustomConfigs
  /** Whether the API is used, which needs the node's name. */
  readonly api: "used" | "not-used"
  /**
   * Whether the operator's files are asked for, `needed` where nothing is said. What takes away goes by the ledger, so
   * that a list that somebody broke since does not keep a cleanup from its work.
   */
  readonly customFiles?: "needed" | "best-effort"
}

const annotationsFrom = (items: ReadonlyArray<string>): AllowedAnnotations => {
  const all: Array<string> = []
  const each: Array<{ readonly shim: string; readonly annotations: ReadonlyArray<string> }> = []
  for (const item of items) {
    const cut = item.indexOf(":")
    const names = item
      .slice(cut + 1)
      .split(",")
      .flatMap((n) => (n.trim() === "" ? [] : [n.trim()]))
    if (cut < 0) all.push(item)
    else if (item.slice(0, cut).trim() === "") all.push(...names)
    else each.push({ shim: item.slice(0, cut).trim(), annotations: names })
  }
  return { all, each }
}

const handlersOf = (
  instance: Instance.Instance,
  shims: ReadonlyArray<string>,
  custom: ReadonlyArray<CustomRuntimes.CustomRuntime>,
  variants: ReadonlyArray<"debug" | "devkit">,
  snapshotters: ReadonlyArray<MappingItem>,
  pullTypes: ReadonlyArray<MappingItem>,
): ReadonlyArray<Handler.Handler> => {
  const mapped = (mapping: ReadonlyArray<MappingItem>, shim: string) =>
    mapping.find((m) => m.key === shim)?.value
  const derived = (shim: string, kind: Handler.Handler["kind"], name: string): Handler.Handler => ({
    name,
    shim,
    kind,
    snapshotter: mapped(snapshotters, shim),
    pullType: mapped(pullTypes, shim),
  })
  const handlers: Array<Handler.Handler> = shims.map((s) => derived(s, "shim", Handler.nameOf(s, instance)))
  for (const c of custom) {
    handlers.push({
      name: c.handler,
      shim: c.base,
      kind: "custom",
      snapshotter: c.snapshotter,
      pullType: c.pullType,
    })
  }
  for (const variant of variants) {
    for (const shim of shims) {
      const name = Handler.variantName(shim, variant, instance)
      // The operator's own runtime of that name wins (spec 01 §7).
      if (!handlers.some((h) => h.name === name)) handlers.push(derived(shim, variant, name))
    }
  }
  return handlers
}

/** The shims to set up, by the rule of decisions §6. */
const shimsOf = (
  set: ReadonlyArray<string> | undefined,
  architecture: Architecture.Architecture,
  elsewhere: boolean,
): ReadonlyArray<string> => set ?? (elsewhere ? [] : Shim.defaultShims(architecture))

/** A problem without the credentials that the value of a setting may hold. */
const masked = (problem: Problem): Problem => ({
  ...problem,
  message: maskSecrets(problem.message),
  ...(problem.value === undefined ? {} : { value: maskSecrets(problem.value) }),
})

/** The architecture's usual default shim where it is enabled. */
const usualShim = (
  architecture: Architecture.Architecture,
  shims: ReadonlyArray<string>,
): string | undefined => {
  const usual = Shim.defaultShim(architecture)
  return shims.includes(usual) ? usual : undefined
}

/** Decodes and checks everything; on failure every problem is in the error. */
export const decode = (input: SettingsInput): Result.Result<Settings, SettingsError> => {
  const raw = read(input)
  const customFiles = input.customFiles ?? "needed"
  const { problems: customProblems, runtimes: custom } = raw.customRuntimesEnabled
    ? CustomRuntimes.parse(input.customConfigs)
    : { problems: [], runtimes: [] }
  const shims = [
    ...new Set(
      shimsOf(raw.shims, input.architecture, raw.customRuntimesEnabled || raw.shimsOfOtherArchitecture),
    ),
  ]
  const instance = Instance.make({ prefix: raw.prefix, suffix: raw.suffix })
  const variants = raw.debug ? (raw.devkit ? (["debug", "devkit"] as const) : (["debug"] as const)) : []
  const handlers = handlersOf(instance, shims, custom, variants, raw.snapshotterMapping, raw.pullTypeMapping)
  const checked = check({ raw, shims, custom, handlers, instance, customFiles })
  const ofFiles = [
    ...customProblems,
    ...CustomRuntimes.dropInProblems(input.customConfigs, [
      ...shims,
      ...custom.map(({ handler }) => handler),
    ]),
  ]
  const problems = [...raw.problems, ...(customFiles === "needed" ? ofFiles : []), ...checked.problems].map(
    masked,
  )
  if (problems.length > 0) return Result.fail(new SettingsError({ problems }))
  const shimDropIns = new Map<string, string>()
  for (const shim of shims) {
    const text = CustomRuntimes.dropInFor(input.customConfigs, shim)
    if (text !== undefined) shimDropIns.set(shim, text)
  }
  return Result.succeed({
    architecture: input.architecture,
    nodeName: raw.nodeName,
    daemonSetName: raw.daemonSetName,
    instance,
    debug: raw.debug,
    devkit: raw.debug && raw.devkit,
    shims,
    handlers,
    customRuntimes: custom,
    defaultShim: raw.defaultShim ?? usualShim(input.architecture, shims),
    allowedAnnotations: annotationsFrom(raw.annotations),
    snapshotterMapping: raw.snapshotterMapping,
    pullTypeMapping: raw.pullTypeMapping,
    forceGuestPull: raw.forceGuestPull,
    httpsProxy: raw.httpsProxy,
    noProxy: raw.noProxy,
    setupSnapshotters: raw.setupSnapshotters,
    recordedModes: [],
    nydusHs: { exportMode: raw.nydusHsExportMode ?? "layer_block" },
    erofs: raw.erofs,
    containerdConfigFileName: raw.containerdConfigFileName,
    containerdConfigDir: raw.containerdConfigDir,
    userDropInSource: raw.userDropInSource,
    startupTaints: raw.startupTaints,
    containerRuntimeVersion: raw.containerRuntimeVersion,
    k8sDistribution: raw.k8sDistribution,
    machineId: raw.machineId,
    healthPort: raw.healthPort,
    helmPostDeleteHook: raw.helmPostDeleteHook,
    shimDropIns,
    nothingToDo: handlers.length === 0,
    notices: checked.notices,
  })
}
