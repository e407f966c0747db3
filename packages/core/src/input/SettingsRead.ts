/**
 * Answers: what does each variable say on its own? Reads texts by the one grammar; what concerns several variables
 * together is checked in `SettingsChecks.ts`.
 */
import { Result } from "effect"
import * as Architecture from "../model/Architecture.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Shim from "../model/Shim.ts"
import type { Problem } from "./Problem.ts"
import type { SettingsInput } from "./Settings.ts"
import * as Grammar from "./SettingsGrammar.ts"
import { exportModes, olderNames } from "./SettingsTable.ts"

/** Every variable, read but not yet checked against one another. */
export type RawSettings = ReturnType<typeof read>

const mappingProblem = (setting: string, item: string, why: Grammar.MappingProblem["why"]): Problem => {
  if (why === "key-twice") {
    const shim = item.slice(0, item.indexOf(":")).trim()
    return {
      code: "E_MAPPING",
      setting,
      value: shim,
      message: `${setting} maps ${shim} twice, so it is not clear which one is meant.`,
      remedy: "Keep one item for each shim.",
    }
  }
  const what = { "no-pair": "no pair", "key-empty": "without a shim", "value-empty": "without a value" }[why]
  return {
    code: "E_MAPPING",
    setting,
    value: item,
    message: `${setting} has the item ${JSON.stringify(item)}, which is ${what}.`,
    remedy: "Write each item as shim:value, and separate items with commas.",
  }
}

/** Reads every variable of this architecture; problems are collected. */
export const read = (input: SettingsInput) => {
  const problems: Array<Problem> = []
  const suffix = Architecture.variableSuffix(input.architecture)
  const older = Object.fromEntries(Object.entries(olderNames).map(([old, now]) => [now, old]))

  const raw = (variable: string): string | undefined => {
    const direct = input.variables[variable]
    return direct ?? (older[variable] === undefined ? undefined : input.variables[older[variable]])
  }
  /** Trimmed text; blank is unset (decisions §6). */
  const text = (variable: string): string | undefined => {
    const value = raw(variable)?.trim()
    return value === "" ? undefined : value
  }
  /** Name of this architecture's variable; on other architectures none is read at all (spec 01 §4). */
  const here = (variable: string): string => (suffix === undefined ? "" : `${variable}_${suffix}`)

  const reject = (code: string, setting: string, value: string, expected: string) => {
    problems.push({
      code,
      setting,
      value: value,
      message: `${setting} is ${JSON.stringify(value)}, which it cannot be.`,
      remedy: `Set it to ${expected}, or leave it out.`,
    })
  }
  const take = <A>(
    code: string,
    variable: string,
    readText: (text: string) => Result.Result<A, string>,
    fallback: A,
  ): A => {
    const value = text(variable)
    if (value === undefined) return fallback
    const result = readText(value)
    if (Result.isSuccess(result)) return result.success
    reject(code, variable, value, result.failure)
    return fallback
  }
  const flag = (variable: string, alsoTrue?: string) =>
    take(`E_${variable}`, variable, (t) => Grammar.boolean(t, alsoTrue), false)
  const items = (variable: string, separator: "space" | "comma" | "either") =>
    Grammar.list(text(variable) ?? "", separator)
  const mapping = (variable: string) => {
    const { items, problems: wrong } = Grammar.mappingItems(text(here(variable)) ?? "")
    for (const { item, why } of wrong) problems.push(mappingProblem(here(variable), item, why))
    return items
  }
  const perShim = (variable: string) => {
    const value = text(variable)
    return value === undefined ? undefined : Grammar.perShim(value, (name) => Shim.lookup(name) !== undefined)
  }

  const nodeNameText = raw("NODE_NAME")
  const nodeName = text("NODE_NAME")
  if (input.api === "used" && nodeName === undefined) {
    problems.push({
      code: nodeNameText === undefined ? "E_NODE_NAME_MISSING" : "E_NODE_NAME_EMPTY",
      setting: "NODE_NAME",
      message:
        nodeNameText === undefined
          ? "NODE_NAME is not set, so the Node object of this host cannot be found."
          : "NODE_NAME is blank, so the Node object of this host cannot be found.",
      remedy: "Set it from the downward API (fieldRef spec.nodeName), or pass --kube none.",
    })
  }

  const fileName = text("CONTAINERD_CONFIG_FILE_NAME") ?? "config.toml"
  if (!Grammar.isFileName(fileName)) {
    reject("E_CONTAINERD_CONFIG_FILE_NAME", "CONTAINERD_CONFIG_FILE_NAME", fileName, "a simple file name")
  }
  const shimsText = suffix === undefined ? undefined : raw(here("SHIMS"))

  return {
    problems,
    api: input.api,
    architecture: input.architecture,
    shimsVariable: suffix === undefined ? "SHIMS" : here("SHIMS"),
    variableOf: here,
    nodeName,
    daemonSetName: text("DAEMONSET_NAME") ?? "kata-deploy",
    debug: flag("DEBUG"),
    devkit: flag("DEVKIT"),
    /** `undefined` when not set, empty when set and blank. */
    shims: shimsText === undefined ? undefined : Grammar.list(shimsText, "space"),
    shimsOfOtherArchitecture: Architecture.known.some(
      (a) => a !== input.architecture && (input.variables[`SHIMS_${a.toUpperCase()}`] ?? "").trim() !== "",
    ),
    defaultShim: text(here("DEFAULT_SHIM")),
    annotations: items(here("ALLOWED_HYPERVISOR_ANNOTATIONS"), "space"),
    snapshotterMapping: mapping("SNAPSHOTTER_HANDLER_MAPPING"),
    pullTypeMapping: mapping("PULL_TYPE_MAPPING"),
    forceGuestPull: items(here("EXPERIMENTAL_FORCE_GUEST_PULL"), "comma"),
    httpsProxy: perShim("AGENT_HTTPS_PROXY"),
    noProxy: perShim("AGENT_NO_PROXY"),
    prefix: take<string | undefined>(
      "E_PREFIX_NOT_ABSOLUTE",
      "INSTALLATION_PREFIX",
      Grammar.hostPath,
      undefined,
    ),
    suffix: text("MULTI_INSTALL_SUFFIX"),
    setupSnapshotters: items("EXPERIMENTAL_SETUP_SNAPSHOTTER", "comma"),
    /** `undefined` when not set. */
    nydusHsExportMode: take<string | undefined>(
      "E_NYDUS_HS_EXPORT_MODE",
      "NYDUS_HS_EXPORT_MODE",
      (t) => Grammar.choice(t, exportModes),
      undefined,
    ) as (typeof exportModes)[number] | undefined,
    erofs: {
      mergeMode: take(
        "E_EROFS_MERGE_MODE",
        "EROFS_MERGE_MODE",
        (t) => Grammar.choice(t, ["merged", "unmerged"]),
        "merged",
      ) as "merged" | "unmerged",
      mode: take(
        "E_EROFS_SNAPSHOTTER_MODE",
        "EROFS_SNAPSHOTTER_MODE",
        (t) => Grammar.choice(t, ["disk", "memory"]),
        "disk",
      ) as "disk" | "memory",
      dmverity: flag("EROFS_DMVERITY", "dmverity"),
    },
    containerdConfigFileName: fileName,
    containerdConfigDir: take<HostPath.HostPath | undefined>(
      "E_CONTAINERD_CONFIG_DIR",
      "CONTAINERD_CONFIG_DIR",
      (t) => Result.map(Grammar.hostPath(t), HostPath.make),
      undefined,
    ),
    userDropInSource: text("CONTAINERD_USER_DROP_IN_SOURCE_FILE"),
    customRuntimesEnabled: flag("CUSTOM_RUNTIMES_ENABLED"),
    helmPostDeleteHook: flag("HELM_POST_DELETE_HOOK"),
    startupTaints: items("STARTUP_TAINTS", "either"),
    containerRuntimeVersion: text("CONTAINER_RUNTIME_VERSION"),
    k8sDistribution: text("K8S_DISTRIBUTION"),
    machineId: raw("NODE_MACHINE_ID")?.trim(),
    healthPort: take("E_HEALTH_PORT", "HEALTH_PORT", Grammar.port, 8090),
  }
}
