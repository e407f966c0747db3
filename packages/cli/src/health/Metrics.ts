/**
 * Answers: what can an operator of many nodes see of this one? Figures of the install that made it what it is, in the
 * text format of Prometheus. Collected from what the children tell; nothing is measured for the asking.
 * Source: https://prometheus.io/docs/instrumenting/exposition_formats/, version 0.0.4.
 */
import type { Message } from "../supervisor/Message.ts"

/** Content type of the text format. */
export const contentType = "text/plain; version=0.0.4; charset=utf-8"

/** Phases of a pod. */
export const phases = ["installing", "stopping", "ready", "cleaning-up"] as const
/** What a pod is doing. */
export type Phase = (typeof phases)[number]

/** How the install went. */
export type InstallResult = "changed" | "unchanged" | "failed"

/** A stage that has begun; `seconds` once it is over. */
interface StageFigures {
  readonly startedAt: number
  readonly seconds: number | undefined
  readonly changed: number
}

/** What is known of this pod. Times are seconds since the epoch. */
export interface Figures {
  readonly version: string
  readonly startedAt: number
  readonly phase: Phase
  readonly instance: string | undefined
  readonly runtime: string | undefined
  readonly stages: ReadonlyMap<string, StageFigures>
  readonly unpacked: { readonly bytes: number; readonly totalBytes: number } | undefined
  readonly undone: number
  readonly restarts: ReadonlyMap<string, number>
  readonly restartsDue: number
  readonly install: { readonly result: InstallResult; readonly endedAt: number } | undefined
  readonly drift: { readonly paths: number; readonly seenAt: number } | undefined
}

/** Nothing but a beginning. */
export const start = (version: string, startedAt: number, phase: Phase): Figures => ({
  version,
  startedAt,
  phase,
  instance: undefined,
  runtime: undefined,
  stages: new Map(),
  unpacked: undefined,
  undone: 0,
  restarts: new Map(),
  restartsDue: 0,
  install: undefined,
  drift: undefined,
})

const changes = (stages: Figures["stages"]): number =>
  [...stages.values()].reduce((sum, { changed }) => sum + changed, 0)

/** The figures after a message that came at `now`. */
export const hear = (figures: Figures, message: Message, now: number): Figures => {
  switch (message._tag) {
    case "Settings":
      return { ...figures, instance: message.instance }
    case "Planned":
      return { ...figures, runtime: message.runtime, restartsDue: message.restartsDue }
    case "StageStarted":
      return {
        ...figures,
        stages: new Map(figures.stages).set(message.stage, {
          startedAt: now,
          seconds: undefined,
          changed: 0,
        }),
      }
    case "StageDone": {
      const startedAt = figures.stages.get(message.stage)?.startedAt ?? now
      const done = { startedAt, seconds: Math.max(0, now - startedAt), changed: message.changed }
      return { ...figures, stages: new Map(figures.stages).set(message.stage, done) }
    }
    case "Undoing":
      return { ...figures, undone: figures.undone + message.changes }
    case "Unpacking":
      return { ...figures, unpacked: { bytes: message.bytes, totalBytes: message.totalBytes } }
    case "Restarted":
      return {
        ...figures,
        restarts: new Map(figures.restarts).set(message.unit, (figures.restarts.get(message.unit) ?? 0) + 1),
      }
    case "Drift":
      return { ...figures, drift: { paths: message.paths, seenAt: now } }
    case "Problems":
      return figures
  }
}

/** The figures after the install ended at `now`. */
export const installed = (figures: Figures, outcome: "done" | "failed", now: number): Figures => ({
  ...figures,
  install: {
    result: outcome === "failed" ? "failed" : changes(figures.stages) > 0 ? "changed" : "unchanged",
    endedAt: now,
  },
})

type Labels = Readonly<Record<string, string>>

/** Text of a label: backslash, quote and line end are the three that have to be escaped. */
const escaped = (text: string): string =>
  text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n")

const sample = (name: string, labels: Labels, value: number): string => {
  const inside = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
  return `${name}${inside.length === 0 ? "" : `{${inside.join(",")}}`} ${value}`
}

type Sample = readonly [labels: Labels, value: number]

/** A family of samples; one without samples is left out, for what is not known is not zero. */
const family = (
  type: "counter" | "gauge",
  name: string,
  help: string,
  samples: ReadonlyArray<Sample>,
): ReadonlyArray<string> =>
  samples.length === 0
    ? []
    : [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(([labels, value]) => sample(name, labels, value)),
      ]

const maybe = <A>(value: A | undefined, of: (value: A) => ReadonlyArray<Sample>): ReadonlyArray<Sample> =>
  value === undefined ? [] : of(value)

const results: ReadonlyArray<InstallResult> = ["changed", "unchanged", "failed"]

/** One sample for each word, 1 for the one that applies. */
const oneOf = (label: string, words: ReadonlyArray<string>, current: string): ReadonlyArray<Sample> =>
  words.map((word) => [{ [label]: word }, word === current ? 1 : 0])

/** The metrics as a document. */
export const render = (figures: Figures): string => {
  const { drift, install, instance, restarts, runtime, stages, unpacked } = figures
  const stage = (value: (of: StageFigures) => number | undefined): ReadonlyArray<Sample> =>
    [...stages].flatMap(([name, of]) => maybe(value(of), (number) => [[{ stage: name }, number]]))
  const info = { version: figures.version, instance: instance ?? "", runtime: runtime ?? "" }
  const lines = [
    family("gauge", "kata_deploy_info", "Version of kata-deploy, instance and CRI runtime; always 1.", [
      [info, 1],
    ]),
    family("gauge", "kata_deploy_start_time_seconds", "When this pod began, in seconds since the epoch.", [
      [{}, figures.startedAt],
    ]),
    family(
      "gauge",
      "kata_deploy_phase",
      "What this pod is doing: 1 for one phase, 0 for the others.",
      oneOf("phase", phases, figures.phase),
    ),
    family(
      "gauge",
      "kata_deploy_install_result",
      "How the install of this pod went; absent while it is going on.",
      maybe(install, ({ result }) => oneOf("result", results, result)),
    ),
    family(
      "gauge",
      "kata_deploy_install_duration_seconds",
      "Seconds from the start of the pod to the end of its install.",
      maybe(install, ({ endedAt }) => [[{}, endedAt - figures.startedAt]]),
    ),
    family(
      "gauge",
      "kata_deploy_stage_duration_seconds",
      "Seconds that a stage took.",
      stage(({ seconds }) => seconds),
    ),
    family(
      "gauge",
      "kata_deploy_stage_changes",
      "Steps of a stage that changed the node.",
      stage(({ changed }) => changed),
    ),
    family(
      "gauge",
      "kata_deploy_unpacked_bytes",
      "Compressed bytes of Kata's components that were unpacked by this pod.",
      maybe(unpacked, ({ bytes }) => [[{}, bytes]]),
    ),
    family(
      "gauge",
      "kata_deploy_unpack_bytes",
      "Compressed bytes of Kata's components that this pod has to unpack.",
      maybe(unpacked, ({ totalBytes }) => [[{}, totalBytes]]),
    ),
    family("counter", "kata_deploy_undone_changes_total", "Changes that were taken back after a failure.", [
      [{}, figures.undone],
    ]),
    family(
      "counter",
      "kata_deploy_unit_restarts_total",
      "Restarts of systemd units by this pod.",
      [...restarts].map(([unit, times]) => [{ unit }, times]),
    ),
    family("gauge", "kata_deploy_restarts_due", "Restarts that are due and left to somebody else.", [
      [{}, figures.restartsDue],
    ]),
    family(
      "gauge",
      "kata_deploy_drift_paths",
      "Owned paths that are not as they were left, when last looked at.",
      maybe(drift, ({ paths }) => [[{}, paths]]),
    ),
    family(
      "gauge",
      "kata_deploy_drift_checked_timestamp_seconds",
      "When drift was last looked at, in seconds since the epoch.",
      maybe(drift, ({ seenAt }) => [[{}, seenAt]]),
    ),
  ].flat()
  return `${lines.join("\n")}\n`
}
