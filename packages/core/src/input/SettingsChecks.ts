/**
 * Answers: do the settings agree with one another and with the shim registry? Source: spec 01 §5, decisions §6,
 * 12 W-03, W-05.
 */
import { guestPull } from "../decide/KubeletAdvice.ts"
import * as Handler from "../model/Handler.ts"
import type * as Instance from "../model/Instance.ts"
import * as Shim from "../model/Shim.ts"
import type { CustomRuntime } from "./CustomRuntimes.ts"
import { mask } from "./Masking.ts"
import { didYouMean } from "./NearestName.ts"
import type { Notice, Problem } from "./Problem.ts"
import { isDnsLabel, type PerShim } from "./SettingsGrammar.ts"
import type { RawSettings } from "./SettingsRead.ts"

interface Checked {
  readonly raw: RawSettings
  readonly shims: ReadonlyArray<string>
  readonly custom: ReadonlyArray<CustomRuntime>
  readonly handlers: ReadonlyArray<Handler.Handler>
  readonly instance: Instance.Instance
  /** Whether what is wrong with the operator's files counts. */
  readonly customFiles: "needed" | "best-effort"
}

/** Problems and notices of the settings as a whole. */
export const check = (
  settings: Checked,
): { readonly problems: ReadonlyArray<Problem>; readonly notices: ReadonlyArray<Notice> } => {
  const notices: Array<Notice> = []
  const problems = [
    ...unknownShims(settings),
    ...noRuntimes(settings),
    ...defaultShim(settings),
    ...members(settings),
    ...proxies(settings, notices),
    ...suffix(settings),
    ...collisions(settings),
  ]
  notices.push(
    ...replacedVariants(settings),
    ...unusedExportMode(settings),
    ...unknownPullTypes(settings),
    ...unfitTaints(settings),
  )
  if (settings.raw.devkit && !settings.raw.debug) {
    notices.push({
      code: "devkit-without-debug",
      severity: "warning",
      message: "DEVKIT is on but DEBUG is off, so no devkit variant is made.",
      remedy: "Set DEBUG=true as well.",
    })
  }
  return { problems, notices }
}

/** The operator's own runtime of a variant's name wins (spec 01 §7); that the variant is missing is worth saying. */
const replacedVariants = ({ custom, instance, raw, shims }: Checked): ReadonlyArray<Notice> => {
  const kinds = raw.debug ? (raw.devkit ? (["debug", "devkit"] as const) : (["debug"] as const)) : []
  const variants = kinds.flatMap((kind) => shims.map((shim) => Handler.variantName(shim, kind, instance)))
  return custom
    .filter(({ handler }) => variants.includes(handler))
    .map(({ handler }) => ({
      code: "custom-runtime-replaces-variant",
      severity: "warning",
      message: `The custom runtime ${handler} has the name of a variant, so that variant is not made.`,
      remedy: "Give the custom runtime another name to have both.",
    }))
}

/** The export mode without the snapshotter that exports is no error, but hardly what was meant. */
const unusedExportMode = ({ raw }: Checked): ReadonlyArray<Notice> =>
  raw.nydusHsExportMode === undefined || raw.setupSnapshotters.includes("nydus-hs")
    ? []
    : [
        {
          code: "nydus-hs-export-mode-unused",
          severity: "warning",
          message:
            "NYDUS_HS_EXPORT_MODE is set, but EXPERIMENTAL_SETUP_SNAPSHOTTER does not name nydus-hs; it has no effect.",
          remedy: "Add nydus-hs to EXPERIMENTAL_SETUP_SNAPSHOTTER, or leave NYDUS_HS_EXPORT_MODE out.",
        },
      ]

/** Anything may stand there, and only one word means anything (spec 01 §5, 04); others look like a decision. */
const unknownPullTypes = ({ custom, raw }: Checked): ReadonlyArray<Notice> =>
  [
    ...raw.pullTypeMapping.map(({ key, value }) => ({
      name: key,
      pullType: value,
      setting: raw.variableOf("PULL_TYPE_MAPPING"),
    })),
    ...custom.map(({ handler, pullType }) => ({
      name: handler,
      pullType,
      setting: "The list of custom runtimes",
    })),
  ]
    .filter(({ pullType }) => pullType !== undefined && pullType !== guestPull)
    .map(({ name, pullType, setting }) => ({
      code: "pull-type-unknown",
      severity: "warning",
      message: `${setting} maps ${name} to ${JSON.stringify(pullType)}, a pull type that means nothing: images are pulled as if it were not there.`,
      remedy: `Write ${guestPull} where guests pull the images themselves, else leave it out.`,
    }))

/** Source: https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/ */
const taintEffects = ["NoSchedule", "PreferNoSchedule", "NoExecute"]

/** A taint that no item fits is never lifted, and pods would wait for that without end. */
const unfitTaints = ({ raw }: Checked): ReadonlyArray<Notice> =>
  raw.startupTaints
    .filter((item) => {
      const [key = "", effect, ...rest] = item.split(":")
      return (
        key === "" || key.includes("=") || rest.length > 0 || !taintEffects.includes(effect ?? "NoExecute")
      )
    })
    .map((item) => ({
      code: "startup-taint-fits-none",
      severity: "warning",
      message: `STARTUP_TAINTS has the item ${JSON.stringify(item)}, which no taint can be called; a taint that it was meant for stays on the node.`,
      remedy: `Write key or key:effect, without the taint's value; effects are ${taintEffects.join(", ")}.`,
    }))

const unknownShims = ({ raw, shims }: Checked): ReadonlyArray<Problem> =>
  shims
    .filter((shim) => Shim.lookup(shim) === undefined)
    .map((shim) => ({
      code: "E_UNKNOWN_SHIM",
      setting: raw.shimsVariable,
      value: shim,
      message: `${raw.shimsVariable} names the unknown shim ${JSON.stringify(shim)}.${didYouMean(shim, Shim.names)}`,
      remedy: `Valid shims are ${Shim.names.join(", ")}.`,
    }))

const noRuntimes = ({ custom, customFiles, raw, shims }: Checked): ReadonlyArray<Problem> =>
  raw.shims !== undefined &&
  shims.length === 0 &&
  custom.length === 0 &&
  (customFiles === "needed" || !raw.customRuntimesEnabled)
    ? [
        {
          code: "E_NO_RUNTIMES",
          setting: raw.shimsVariable,
          message: `${raw.shimsVariable} is set but blank and there is no custom runtime, so there is nothing to install.`,
          remedy: `Name at least one shim in ${raw.shimsVariable}, or set CUSTOM_RUNTIMES_ENABLED=true with a list.`,
        },
      ]
    : []

const defaultShim = ({ raw, shims }: Checked): ReadonlyArray<Problem> =>
  raw.defaultShim === undefined || shims.length === 0 || shims.includes(raw.defaultShim)
    ? []
    : [notMember("E_DEFAULT_SHIM_UNKNOWN", raw.variableOf("DEFAULT_SHIM"), raw.defaultShim, shims)]

const notMember = (code: string, setting: string, shim: string, shims: ReadonlyArray<string>): Problem => ({
  code,
  setting,
  value: shim,
  message: `${setting} names ${JSON.stringify(shim)}, which is not among the enabled shims.${didYouMean(shim, shims)}`,
  remedy: shims.length === 0 ? "No shim is enabled." : `Enabled shims are ${shims.join(", ")}.`,
})

/** Every setting that speaks of single shims may name enabled ones only (spec 01 §5 rules 7, 9, 11). */
const members = ({ raw, shims }: Checked): ReadonlyArray<Problem> => {
  const named: ReadonlyArray<readonly [variable: string, names: ReadonlyArray<string>]> = [
    [
      "ALLOWED_HYPERVISOR_ANNOTATIONS",
      raw.annotations.flatMap((item) => {
        const shim = item.includes(":") ? item.slice(0, item.indexOf(":")).trim() : ""
        return shim === "" ? [] : [shim]
      }),
    ],
    ["SNAPSHOTTER_HANDLER_MAPPING", raw.snapshotterMapping.map((item) => item.key)],
    ["PULL_TYPE_MAPPING", raw.pullTypeMapping.map((item) => item.key)],
    ["EXPERIMENTAL_FORCE_GUEST_PULL", raw.forceGuestPull],
  ]
  return named.flatMap(([variable, names]) =>
    names
      .filter((name) => !shims.includes(name))
      .map((name) => notMember(`E_UNKNOWN_SHIM_IN_${variable}`, raw.variableOf(variable), name, shims)),
  )
}

/** Proxy entries: an unknown name is an error, a known shim that is not enabled a warning (decisions §6). */
const proxies = ({ raw, shims, custom }: Checked, notices: Array<Notice>): ReadonlyArray<Problem> => {
  const usable = [...shims, ...custom.map((c) => c.base)]
  return (
    [
      ["AGENT_HTTPS_PROXY", raw.httpsProxy],
      ["AGENT_NO_PROXY", raw.noProxy],
    ] as const
  ).flatMap(([variable, setting]: readonly [string, PerShim | undefined]) => {
    if (setting?._tag !== "Each") return []
    return setting.values.flatMap(({ key }) => {
      if (usable.includes(key)) return []
      if (Shim.lookup(key) === undefined)
        // What is no name may be the front part of an URL with credentials.
        return [notMember(`E_UNKNOWN_SHIM_IN_${variable}`, variable, isDnsLabel(key) ? key : mask, shims)]
      notices.push({
        code: "proxy-for-disabled-shim",
        severity: "warning",
        message: `${variable} has a value for ${key}, which is not enabled here; it has no effect.`,
      })
      return []
    })
  })
}

/** Names that a suffix may not be: they would make our handlers or marks look like those of another install. */
const reserved = ["default", "debug", "devkit"]

const suffix = ({ raw }: Checked): ReadonlyArray<Problem> => {
  const value = raw.suffix
  if (value === undefined) return []
  const about = { code: "E_SUFFIX", setting: "MULTI_INSTALL_SUFFIX", value }
  if (!isDnsLabel(value)) {
    return [
      {
        ...about,
        message: `MULTI_INSTALL_SUFFIX is ${JSON.stringify(value)}, which is no DNS label; it becomes part of handler, unit, label and path names.`,
        remedy: "Use lower-case letters, digits and inner dashes, at most 63.",
      },
    ]
  }
  const twin = Shim.names.find((shim) => Object.hasOwn(Shim.shims, `${shim}-${value}`))
  if (reserved.includes(value) || twin !== undefined) {
    const why =
      twin === undefined
        ? `${value} is reserved`
        : `kata-${twin}-${value} is already the handler of the shim ${twin}-${value} in an install without suffix`
    return [
      {
        ...about,
        message: `MULTI_INSTALL_SUFFIX cannot be ${value}: ${why}, and two installs would be mistaken for one another.`,
        remedy: "Choose another suffix.",
      },
    ]
  }
  return []
}

const collisions = ({ handlers, shims, custom, customFiles, instance }: Checked): ReadonlyArray<Problem> => [
  ...(customFiles === "needed" ? custom : [])
    .filter((c) => shims.some((s) => Handler.nameOf(s, instance) === c.handler))
    .map((c) => ({
      code: "E_HANDLER_COLLISION",
      setting: "CUSTOM_RUNTIMES_ENABLED",
      value: c.handler,
      message: `The custom runtime ${c.handler} has the name of an enabled shim's handler.`,
      remedy: "Give the custom runtime a name of its own.",
    })),
  ...handlers
    .filter((h) => h.kind !== "custom" && h.name.length > 63)
    .map((h) => ({
      code: "E_HANDLER_NAME",
      setting: "MULTI_INSTALL_SUFFIX",
      value: h.name,
      message: `The handler name ${h.name} is longer than the 63 characters that a RuntimeClass can name.`,
      remedy: "Choose a shorter suffix.",
    })),
]
