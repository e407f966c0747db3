/**
 * Answers: which settings put a shim into guest pull or into host sharing, and what speaks against it? The decision
 * behind `snapshotter set-mode`, and behind the choices that it has recorded. Source: cli.md; facts nydus §10;
 * docs/decisions/0006.
 */
import { Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import { didYouMean } from "../input/NearestName.ts"
import { type Notice, type Problem, SettingsError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { MappingItem } from "../input/SettingsGrammar.ts"
import * as Architecture from "../model/Architecture.ts"
import type { HostPath } from "../model/HostPath.ts"
import { guestPull } from "./KubeletAdvice.ts"
import { modes, type NydusMode, paths } from "./NydusMode.ts"

/** Why the modes need two names; said with every refusal about one. */
export const whyTwoNames =
  "containerd remembers a pull for each image and not for each snapshotter of it, so under one name, images that were pulled in one mode would never get what the other one needs."

/** A nydus-snapshotter on the node that is not this change's, as its configuration and containerd's say. */
export interface OtherSnapshotter {
  /** Name of its proxy plugin. */
  readonly plugin: string
  readonly root: HostPath
  readonly socket: HostPath
  /** `undefined` where its configuration could not be read. */
  readonly mode: NydusMode | undefined
}

/** One setting that changes. */
export interface SettingChange {
  /** The environment variable, with its architecture. */
  readonly variable: string
  /** Its text; `undefined` where it is not set. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** What a change of mode comes to. */
export interface ModeChange {
  readonly shim: string
  readonly mode: NydusMode
  /** What the settings map the shim to so far, if to anything. */
  readonly from: string | undefined
  /** Empty where the settings say so already. */
  readonly changes: ReadonlyArray<SettingChange>
  /** Handlers whose pods pull anew. */
  readonly handlers: ReadonlyArray<string>
  readonly notices: ReadonlyArray<Notice>
}

type Asked = Pick<
  Settings,
  | "architecture"
  | "instance"
  | "shims"
  | "handlers"
  | "customRuntimes"
  | "snapshotterMapping"
  | "pullTypeMapping"
  | "forceGuestPull"
  | "setupSnapshotters"
>

/** The settings that a mode consists of. */
type Words = Pick<Settings, "snapshotterMapping" | "pullTypeMapping" | "forceGuestPull" | "setupSnapshotters">

const mapped = (items: ReadonlyArray<MappingItem>, shim: string): string | undefined =>
  items.find(({ key }) => key === shim)?.value

/** The mapping with the shim's value replaced where it stands, added at the end, or taken out. */
const mapTo = (
  items: ReadonlyArray<MappingItem>,
  shim: string,
  value: string | undefined,
): ReadonlyArray<MappingItem> => {
  if (value === undefined) return items.filter(({ key }) => key !== shim)
  return mapped(items, shim) === undefined
    ? [...items, { key: shim, value }]
    : items.map((item) => (item.key === shim ? { key: shim, value } : item))
}

/** The settings with the shim in a mode. The other mode stays set up: both may run, and other shims may use it. */
const wordsWith = (words: Words, shim: string, mode: NydusMode): Words => {
  const { setting } = modes[mode]
  return {
    snapshotterMapping: mapTo(words.snapshotterMapping, shim, setting),
    pullTypeMapping: mapTo(words.pullTypeMapping, shim, mode === "guest-pull" ? guestPull : undefined),
    forceGuestPull:
      mode === "guest-pull" ? words.forceGuestPull : words.forceGuestPull.filter((name) => name !== shim),
    setupSnapshotters: words.setupSnapshotters.includes(setting)
      ? words.setupSnapshotters
      : [...words.setupSnapshotters, setting],
  }
}

const mappingText = (items: ReadonlyArray<MappingItem>): string =>
  items.map(({ key, value }) => `${key}:${value}`).join(",")

/** Every variable with its text. */
const texts = (words: Words, architecture: Architecture.Architecture): ReadonlyMap<string, string> => {
  const suffix = Architecture.variableSuffix(architecture)
  const here = (variable: string): string => (suffix === undefined ? variable : `${variable}_${suffix}`)
  return new Map([
    [here("SNAPSHOTTER_HANDLER_MAPPING"), mappingText(words.snapshotterMapping)],
    [here("PULL_TYPE_MAPPING"), mappingText(words.pullTypeMapping)],
    [here("EXPERIMENTAL_FORCE_GUEST_PULL"), words.forceGuestPull.join(",")],
    ["EXPERIMENTAL_SETUP_SNAPSHOTTER", words.setupSnapshotters.join(",")],
  ])
}

const changesBetween = (
  before: Words,
  after: Words,
  architecture: Architecture.Architecture,
): ReadonlyArray<SettingChange> => {
  const wanted = texts(after, architecture)
  return [...texts(before, architecture)].flatMap(([variable, text]) => {
    const next = wanted.get(variable)!
    return next === text
      ? []
      : [{ variable, before: text === "" ? undefined : text, after: next === "" ? undefined : next }]
  })
}

const shimProblem = (settings: Asked, shim: string): Problem | undefined => {
  if (settings.shims.includes(shim)) return undefined
  const variable = [...texts(settings, settings.architecture).keys()][0]!
  const isCustom = settings.customRuntimes.some(({ handler }) => handler === shim)
  return {
    code: isCustom ? "E_SET_MODE_CUSTOM_RUNTIME" : "E_SET_MODE_UNKNOWN_SHIM",
    setting: isCustom ? "CUSTOM_RUNTIMES_ENABLED" : variable,
    value: shim,
    message: isCustom
      ? `${shim} is a custom runtime, whose snapshotter stands in its own line of custom-runtimes.list.`
      : `${JSON.stringify(shim)} is not among the enabled shims.${didYouMean(shim, settings.shims)}`,
    remedy: isCustom
      ? "Change the third field of that line to nydus or nydus-hs."
      : settings.shims.length === 0
        ? "No shim is enabled."
        : `Enabled shims are ${settings.shims.join(", ")}.`,
  }
}

/** What another snapshotter has in common with the mode, when it is not the same mode. */
const sharing = (settings: Asked, mode: NydusMode, other: OtherSnapshotter): ReadonlyArray<Problem> => {
  if (other.mode === mode) return []
  const at = paths(mode, settings.instance)
  const shared = [
    ...(other.plugin === at.name ? [`the plugin name ${at.name}`] : []),
    ...(other.root === at.data ? [`the root ${at.data}`] : []),
    ...(other.socket === at.socket ? [`the socket ${at.socket}`] : []),
  ]
  if (shared.length === 0) return []
  const does = other.mode === undefined ? "of which it is not known what it does" : modes[other.mode].says
  return [
    {
      code: "E_SET_MODE_SHARED",
      setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
      value: modes[mode].setting,
      message: `${modes[mode].setting} would share ${shared.join(" and ")} with the snapshotter ${other.plugin} of this node (${does}). It must not: ${whyTwoNames}`,
      remedy: `Give ${other.plugin} a name, a root and a socket of its own, or remove it; or set this install up with another MULTI_INSTALL_SUFFIX.`,
    },
  ]
}

/** Decides what putting a shim into a mode means; fails with everything that speaks against it. */
export const decide = (
  settings: Asked,
  wish: { readonly shim: string; readonly mode: NydusMode },
  others: Fact<ReadonlyArray<OtherSnapshotter>>,
): Result.Result<ModeChange, SettingsError> => {
  const { mode, shim } = wish
  const unknownShim = shimProblem(settings, shim)
  const problems = [
    ...(unknownShim === undefined ? [] : [unknownShim]),
    ...(others._tag === "Known" ? others.value.flatMap((other) => sharing(settings, mode, other)) : []),
  ]
  if (problems.length > 0) return Result.fail(new SettingsError({ problems }))
  const changes = changesBetween(settings, wordsWith(settings, shim, mode), settings.architecture)
  const handlers = settings.handlers
    .filter((handler) => handler.kind !== "custom" && handler.shim === shim)
    .map(({ name }) => name)
  return Result.succeed({
    shim,
    mode,
    from: mapped(settings.snapshotterMapping, shim),
    changes,
    handlers,
    notices: [
      ...(changes.length === 0 ? [] : [pullsAnew(handlers, mode)]),
      ...(others._tag === "Unknown" ? [othersUnseen(others.why)] : []),
    ],
  })
}

const pullsAnew = (handlers: ReadonlyArray<string>, mode: NydusMode): Notice => ({
  code: "set-mode-pulls-anew",
  severity: "info",
  message: `Pods of ${handlers.join(", ")} that run keep what they have. New ones get their images by ${modes[mode].setting}, under a name of its own: ${whyTwoNames}`,
})

const othersUnseen = (why: string): Notice => ({
  code: "set-mode-others-unknown",
  severity: "warning",
  message: `It could not be seen whether another nydus-snapshotter of this node has the same name, root or socket (${why}).`,
  remedy: "Look at proxy_plugins in `containerd config dump`.",
})

/** A choice that `set-mode --apply` records. */
export interface ModeChoice {
  readonly shim: string
  readonly mode: NydusMode
  /** What the settings mapped the shim to when it was chosen, if to anything. */
  readonly said: string | undefined
}

/** The choice to be recorded with a change. */
export const choiceOf = ({ from, mode, shim }: ModeChange): ModeChoice => ({ shim, mode, said: from })

/**
 * What recorded choices change in the settings, to be laid over them before they are decoded again. Settings that say
 * something else than when the choice was made win, and that is told; so they do over a shim that is gone.
 */
export const recorded = (
  settings: Asked,
  choices: ReadonlyArray<ModeChoice>,
): { readonly changes: ReadonlyArray<SettingChange>; readonly notices: ReadonlyArray<Notice> } => {
  let words: Words = settings
  const notices: Array<Notice> = []
  for (const { mode, said, shim } of choices) {
    const says = mapped(settings.snapshotterMapping, shim)
    const { setting } = modes[mode]
    if (!settings.shims.includes(shim) || says === setting) continue
    if (says === said) words = wordsWith(words, shim, mode)
    else
      notices.push({
        code: "set-mode-choice-overridden",
        severity: "warning",
        message: `${shim} was put into ${mode} with set-mode, but the settings now ${says === undefined ? "map it to nothing" : `map it to ${says}`}, and they win.`,
        remedy: `Map it to ${setting} in the settings to have ${mode}, or run set-mode once more.`,
      })
  }
  return { changes: changesBetween(settings, words, settings.architecture), notices }
}
