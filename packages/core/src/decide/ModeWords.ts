/**
 * Answers: in which words do settings put a shim into guest pull or into host sharing? What they say of one shim, the
 * words with it in a mode, and what that changes in each variable. Source: spec 07 §1; facts nydus §10.
 */
import type { Settings } from "../input/Settings.ts"
import type { MappingItem } from "../input/SettingsGrammar.ts"
import * as Architecture from "../model/Architecture.ts"
import type { ShimWords } from "../model/ModeChoice.ts"
import { guestPull } from "./KubeletAdvice.ts"
import { modes, type NydusMode } from "./NydusMode.ts"

/** The settings that a mode consists of. */
export type Words = Pick<
  Settings,
  "snapshotterMapping" | "pullTypeMapping" | "forceGuestPull" | "setupSnapshotters"
>

/** One setting that changes. */
export interface SettingChange {
  /** The environment variable, with its architecture. */
  readonly variable: string
  /** Its text; `undefined` where it is not set. */
  readonly before: string | undefined
  readonly after: string | undefined
}

/** What a mapping maps a shim to, if to anything. */
export const mapped = (items: ReadonlyArray<MappingItem>, shim: string): string | undefined =>
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

/** What the words say of one shim. */
export const ofShim = (words: Words, shim: string): ShimWords => {
  const snapshotter = mapped(words.snapshotterMapping, shim)
  const pullType = mapped(words.pullTypeMapping, shim)
  return {
    ...(snapshotter === undefined ? {} : { snapshotter }),
    ...(pullType === undefined ? {} : { pullType }),
    ...(words.forceGuestPull.includes(shim) ? { forcesGuestPull: true } : {}),
  }
}

/** Whether two sayings about a shim are the same. */
export const areSame = (one: ShimWords, other: ShimWords): boolean =>
  one.snapshotter === other.snapshotter &&
  one.pullType === other.pullType &&
  one.forcesGuestPull === other.forcesGuestPull

/** What is said of a shim, for people: `the snapshotter nydus and the pull type guest-pull`, or `nothing`. */
export const inPlain = ({ forcesGuestPull, pullType, snapshotter }: ShimWords): string => {
  const parts = [
    ...(snapshotter === undefined ? [] : [`the snapshotter ${snapshotter}`]),
    ...(pullType === undefined ? [] : [`the pull type ${pullType}`]),
    ...(forcesGuestPull === undefined ? [] : ["forced guest pull"]),
  ]
  return parts.length === 0 ? "nothing" : parts.join(" and ")
}

/** The words with the shim in a mode. The other mode stays set up: both may run, and other shims may use it. */
export const withMode = (words: Words, shim: string, mode: NydusMode): Words => {
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

/** A variable's name on an architecture. */
const on = (architecture: Architecture.Architecture, variable: string): string => {
  const suffix = Architecture.variableSuffix(architecture)
  return suffix === undefined ? variable : `${variable}_${suffix}`
}

/** The variable that maps shims to snapshotters on an architecture. */
export const mappingVariable = (architecture: Architecture.Architecture): string =>
  on(architecture, "SNAPSHOTTER_HANDLER_MAPPING")

/** Every variable with its text. */
const texts = (words: Words, architecture: Architecture.Architecture): ReadonlyMap<string, string> =>
  new Map([
    [mappingVariable(architecture), mappingText(words.snapshotterMapping)],
    [on(architecture, "PULL_TYPE_MAPPING"), mappingText(words.pullTypeMapping)],
    [on(architecture, "EXPERIMENTAL_FORCE_GUEST_PULL"), words.forceGuestPull.join(",")],
    ["EXPERIMENTAL_SETUP_SNAPSHOTTER", words.setupSnapshotters.join(",")],
  ])

/** The variables whose texts differ. */
export const changes = (
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
