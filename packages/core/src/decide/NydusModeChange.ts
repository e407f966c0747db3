/**
 * Answers: which settings put a shim into guest pull or into host sharing, and what speaks against it? The decision
 * behind `snapshotter set-mode`. Source: cli.md; facts nydus §10; docs/decisions/0006, 0018.
 */
import { Result } from "effect"
import { didYouMean } from "../input/NearestName.ts"
import { type Notice, type Problem, SettingsError } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { ModeChoice } from "../model/ModeChoice.ts"
import { guestPull } from "./KubeletAdvice.ts"
import * as ModeWords from "./ModeWords.ts"
import { modes, type NydusMode, paths } from "./NydusMode.ts"
import type { OthersSeen, OtherSnapshotter } from "./OtherSnapshotters.ts"
import * as RecordedModes from "./RecordedModes.ts"

/** Why the modes need two names; said with every refusal about one. */
export const whyTwoNames =
  "containerd remembers a pull for each image and not for each snapshotter of it, so under one name, images that were pulled in one mode would never get what the other one needs."

/** What is asked for. */
export interface ModeWish {
  readonly shim: string
  readonly mode: NydusMode
}

/** What a change of mode comes to. */
export interface ModeChange extends ModeWish {
  /** What the shim is mapped to so far, if to anything. */
  readonly from: string | undefined
  /** In the settings as they hold on this node; empty where they say so already. */
  readonly changes: ReadonlyArray<ModeWords.SettingChange>
  /** Handlers whose pods pull anew. */
  readonly handlers: ReadonlyArray<string>
  readonly notices: ReadonlyArray<Notice>
}

/** A change, and the settings that carry it. */
export interface Decision {
  readonly change: ModeChange
  /** With the mode, and with the other choices that hold; `recordedModes` is what the ledger is to say. */
  readonly settings: Settings
}

const unknownShim = (settings: Settings, { mode, shim }: ModeWish): Problem | undefined => {
  if (settings.shims.includes(shim)) return undefined
  const custom = settings.customRuntimes.find(({ handler }) => handler === shim)
  const { setting } = modes[mode]
  return custom
    ? {
        code: "E_SET_MODE_CUSTOM_RUNTIME",
        setting: "CUSTOM_RUNTIMES_ENABLED",
        value: shim,
        message: `${shim} is a custom runtime, whose snapshotter stands in its own line of custom-runtimes.list.`,
        remedy: `Make that line ${shim}:${custom.base}:${setting}${mode === "guest-pull" ? `:${guestPull}` : ""} and have ${setting} in EXPERIMENTAL_SETUP_SNAPSHOTTER.`,
      }
    : {
        code: "E_SET_MODE_UNKNOWN_SHIM",
        setting: ModeWords.mappingVariable(settings.architecture),
        value: shim,
        message: `${JSON.stringify(shim)} is not among the enabled shims.${didYouMean(shim, settings.shims)}`,
        remedy:
          settings.shims.length === 0
            ? "No shim is enabled."
            : `Enabled shims are ${settings.shims.join(", ")}.`,
      }
}

/**
 * Decides what putting a shim into a mode means over the settings' own words and what was chosen before. Fails where
 * the shim is none that has a mode; what others on the node say to it is `sharing`'s.
 */
export const decide = (
  settings: Settings,
  choices: ReadonlyArray<ModeChoice>,
  { mode, shim }: ModeWish,
): Result.Result<Decision, SettingsError> => {
  const problem = unknownShim(settings, { mode, shim })
  if (problem !== undefined) return Result.fail(new SettingsError({ problems: [problem] }))
  const before = RecordedModes.layOver(settings, choices)
  const after = RecordedModes.layOver(settings, chosen(settings, choices, { mode, shim }))
  const changes = ModeWords.changes(before, after, settings.architecture)
  const handlers = settings.handlers
    .filter((handler) => handler.kind !== "custom" && handler.shim === shim)
    .map(({ name }) => name)
  const change = {
    shim,
    mode,
    from: ModeWords.mapped(before.snapshotterMapping, shim),
    changes,
    handlers,
    notices: [...(changes.length === 0 ? [] : [pullsAnew(handlers, mode)]), ...goes(before, after)],
  }
  return Result.succeed({ change, settings: after })
}

/** The choices with this one; where the settings say so themselves, nothing has to be remembered. */
const chosen = (
  settings: Settings,
  choices: ReadonlyArray<ModeChoice>,
  { mode, shim }: ModeWish,
): ReadonlyArray<ModeChoice> => {
  const wanted = ModeWords.withMode(settings, shim, mode)
  if (ModeWords.changes(settings, wanted, settings.architecture).length === 0)
    return choices.filter((choice) => choice.shim !== shim)
  const choice: ModeChoice = { shim, mode, said: ModeWords.ofShim(settings, shim) }
  return choices.some((other) => other.shim === shim)
    ? choices.map((other) => (other.shim === shim ? choice : other))
    : [...choices, choice]
}

/** What others on the node have in common with the mode, each a reason to refuse it. */
export const sharing = (
  { instance }: Pick<Settings, "instance">,
  mode: NydusMode,
  { found }: OthersSeen,
): ReadonlyArray<Problem> => found.flatMap((other) => sharingWith(paths(mode, instance), mode, other))

const sharingWith = (
  at: ReturnType<typeof paths>,
  mode: NydusMode,
  other: OtherSnapshotter,
): ReadonlyArray<Problem> => {
  const shared = [
    ...(other.plugin === at.name ? [`the plugin name ${at.name}`] : []),
    ...(other.root === at.data ? [`the root ${at.data}`] : []),
    ...(other.socket === at.socket ? [`the socket ${at.socket}`] : []),
  ]
  // Somebody else may write down once more what is ours; then it is the same in everything.
  const isOurs = shared.length === 3 && other.mode === mode
  if (shared.length === 0 || isOurs) return []
  return [
    {
      code: "E_SET_MODE_SHARED",
      setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER",
      value: modes[mode].setting,
      path: other.file,
      message: `${modes[mode].setting} would share ${shared.join(" and ")} with the snapshotter ${other.plugin} of this node (${does(other)}). It must not: ${whyTwoNames}`,
      remedy: `Give ${other.plugin} a name, a root and a socket of its own in ${other.file}, or remove it; or set this install up with another MULTI_INSTALL_SUFFIX.`,
    },
  ]
}

const does = ({ mode }: OtherSnapshotter): string => {
  if (mode === undefined) return "of which it is not known what it does"
  return mode === "another" ? "which works in another way" : modes[mode].says
}

const pullsAnew = (handlers: ReadonlyArray<string>, mode: NydusMode): Notice => ({
  code: "set-mode-pulls-anew",
  severity: "info",
  message: `Pods of ${handlers.join(", ")} that run keep what they have. New ones get their images by ${modes[mode].setting}, under a name of its own: ${whyTwoNames}`,
})

/** Going back to what the settings say may leave the other mode without anybody that asked for it. */
const goes = (
  before: Pick<Settings, "setupSnapshotters">,
  after: Pick<Settings, "setupSnapshotters">,
): ReadonlyArray<Notice> =>
  before.setupSnapshotters
    .filter((word) => !after.setupSnapshotters.includes(word))
    .map((word) => ({
      code: "set-mode-snapshotter-goes",
      severity: "warning",
      message: `${word} was set up by set-mode alone, so it goes. containerd cannot remove containers that were made with it while it is gone.`,
      remedy: `Remove such pods first, or name ${word} in EXPERIMENTAL_SETUP_SNAPSHOTTER to keep it.`,
    }))

/** Told where others, or what they use, could not be seen. */
export const unseenOthers = ({ found, unseen }: OthersSeen): ReadonlyArray<Notice> => {
  const hidden = [
    ...unseen,
    ...found
      .filter(({ root }) => root === undefined)
      .map(({ file, plugin }) => `${file} names the snapshotter ${plugin}, whose root is not known`),
  ]
  return hidden.length === 0
    ? []
    : [
        {
          code: "set-mode-others-unknown",
          severity: "warning",
          message: `It could not be seen whether another snapshotter of this node has the same name, root or socket: ${hidden.join("; ")}.`,
          remedy: "Look at proxy_plugins in `containerd config dump`, and at the configurations behind them.",
        },
      ]
}
