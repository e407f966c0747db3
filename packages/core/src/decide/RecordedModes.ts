/**
 * Answers: which of the modes that were chosen on this node still hold, and what do the settings come to with them?
 * Settings that say something else of a shim than when the choice was made win, and that is told.
 * Source: cli.md; docs/decisions/0018.
 */
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import { textOf } from "../model/FileState.ts"
import type { ModeChoice, ShimWords } from "../model/ModeChoice.ts"
import type { Desired } from "./Desired.ts"
import * as ModeWords from "./ModeWords.ts"
import { modes, type NydusMode, paths } from "./NydusMode.ts"

/** The settings with choices laid over their own words; `recordedModes` are those that hold. */
export const layOver = (settings: Settings, choices: ReadonlyArray<ModeChoice>): Settings => {
  let words: ModeWords.Words = settings
  const holding: Array<ModeChoice> = []
  const told: Array<Notice> = []
  for (const choice of choices) {
    const says = ModeWords.ofShim(settings, choice.shim)
    const over = overridden(settings, choice, says)
    told.push(over ?? kept(choice))
    if (over !== undefined) continue
    words = ModeWords.withMode(words, choice.shim, choice.mode)
    holding.push(choice)
  }
  return {
    ...settings,
    snapshotterMapping: words.snapshotterMapping,
    pullTypeMapping: words.pullTypeMapping,
    forceGuestPull: words.forceGuestPull,
    setupSnapshotters: words.setupSnapshotters,
    handlers: settings.handlers.map((handler) =>
      handler.kind === "custom"
        ? handler
        : {
            ...handler,
            snapshotter: ModeWords.mapped(words.snapshotterMapping, handler.shim),
            pullType: ModeWords.mapped(words.pullTypeMapping, handler.shim),
          },
    ),
    recordedModes: holding,
    notices: [...settings.notices.filter((notice) => !isSettledBy(notice, words)), ...told],
  }
}

/** The export mode has an effect once a choice sets host sharing up. */
const isSettledBy = ({ code }: Notice, { setupSnapshotters }: ModeWords.Words): boolean =>
  code === "nydus-hs-export-mode-unused" && setupSnapshotters.includes(modes["host-share"].setting)

const kept = ({ mode, said, shim }: ModeChoice): Notice => ({
  code: "set-mode-choice-kept",
  severity: "info",
  message: `${shim} is in ${mode}, as set-mode recorded on this node; of themselves the settings say ${ModeWords.inPlain(said)} of it.`,
})

/** What is told of a choice that does not hold any more; `undefined` for one that does. */
const overridden = (settings: Settings, choice: ModeChoice, says: ShimWords): Notice | undefined => {
  const { mode, said, shim } = choice
  const code = "set-mode-choice-overridden"
  if (!settings.shims.includes(shim))
    return {
      code,
      severity: "info",
      message: `${shim} was put into ${mode} with set-mode, but is no longer enabled; the choice is forgotten.`,
    }
  if (ModeWords.areSame(says, said)) return undefined
  if (ModeWords.areSame(ModeWords.ofShim(ModeWords.withMode(settings, shim, mode), shim), says))
    return {
      code,
      severity: "info",
      message: `${shim} was put into ${mode} with set-mode, and the settings now say so themselves; the choice is forgotten.`,
    }
  return {
    code,
    severity: "warning",
    message: `${shim} was put into ${mode} with set-mode while the settings said ${ModeWords.inPlain(said)} of it. They now say ${ModeWords.inPlain(says)}, and they win; the choice is forgotten.`,
    remedy: `Map ${shim} to ${modes[mode].setting} in the settings to have ${mode}, or run set-mode once more.`,
  }
}

/** What should be, where a file names the snapshotter of a choice with the choice as a further reason. */
export const withReasons = (
  desired: ReadonlyArray<Desired>,
  { instance, recordedModes }: Pick<Settings, "instance" | "recordedModes">,
): ReadonlyArray<Desired> =>
  desired.map((each) => {
    const text = textOf(each.state)
    const reasons = recordedModes
      .filter(({ mode }) => text?.includes(paths(mode, instance).name))
      .map(({ mode, shim }) => `set-mode put ${shim} into ${mode}`)
    return reasons.length === 0 ? each : { ...each, because: [each.because, ...reasons].join("; ") }
  })

const wayOut =
  "What set-mode chose goes with set-mode for the other mode, with other words about the shim in the settings, or with a cleanup."

const isAbout = (
  { path, setting, value }: Problem,
  mode: NydusMode,
  { instance }: Pick<Settings, "instance">,
): boolean =>
  (setting === "EXPERIMENTAL_SETUP_SNAPSHOTTER" && value === modes[mode].setting) ||
  path === paths(mode, instance).socket ||
  setting === "SNAPSHOTTER_HANDLER_MAPPING"

/** Problems with the choices behind them: of what a choice needs, the settings themselves may say nothing. */
export const explained = (
  problems: ReadonlyArray<Problem>,
  settings: Pick<Settings, "instance" | "recordedModes">,
): ReadonlyArray<Problem> =>
  problems.map((problem) => {
    const behind = settings.recordedModes
      .filter(({ mode }) => isAbout(problem, mode, settings))
      .map(({ mode, shim }) => `${shim} into ${mode}`)
    if (behind.length === 0) return problem
    return {
      ...problem,
      message: `${problem.message} On this node set-mode puts ${behind.join(" and ")}, whatever the settings say of themselves.`,
      remedy: `${problem.remedy} ${wayOut}`,
    }
  })
