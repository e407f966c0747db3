/**
 * Answers: how far along are we, and what was done so far? On a terminal one line is rewritten; `plain` writes a line
 * every few seconds; where there is no terminal, long work is in the log as often. Besides, stages go to the log.
 */
import { PlanDocument, type Plan, type Progress } from "@kata-deploy/core"
import { Clock, Effect } from "effect"
import { type Display, isLogRead } from "../command/Display.ts"
import { bytes, count } from "../render/Prose.ts"
import type { StatusLine } from "../render/StatusLine.ts"

/** What was done, for whoever interrupts. */
export interface Course {
  /** Stages that came to their end and changed something. */
  readonly finished: ReadonlyArray<Plan.StageName>
  /** The stage that is going on, with the number of steps that changed something. */
  readonly current: { readonly stage: Plan.StageName; readonly changed: number } | undefined
  /** Whether the stage that was going on is being taken back. */
  readonly undoing: boolean
  /** Why it could not be taken back completely; `undefined` where nothing is known to stay. */
  readonly notUndone: ReadonlyArray<string> | undefined
}

/** Takes the engine's events and shows them. */
export interface ProgressDisplay {
  readonly tell: (event: Progress.ProgressEvent) => Effect.Effect<void>
  /** Takes the line away. */
  readonly end: () => void
  /** What was done so far. */
  readonly course: () => Course
}

/** Milliseconds between two lines: often enough to be alive, seldom enough to cost nothing. */
const pace = { bar: 80, plain: 3_000, log: 5_000 } as const

/** Shows progress on the status line's terminal. */
export const make = (display: Display, line: StatusLine): ProgressDisplay => {
  let finished: Array<Plan.StageName> = []
  let current: { stage: Plan.StageName; changed: number } | undefined
  let undoing = false
  let notUndone: ReadonlyArray<string> | undefined
  let lastShown = Number.NEGATIVE_INFINITY
  let transferStarted: number | undefined

  const show = (text: string, now: number): void => {
    if (display.progress === "none" || display.progress === "log") return
    if (now - lastShown < pace[display.progress]) return
    lastShown = now
    if (display.progress === "bar") line.show(text)
    else line.print(`${text}\n`)
  }

  /** For a log, only what takes long: the first record comes after as much time as the next ones. */
  const logged = (text: string, now: number): string | undefined => {
    if (display.progress !== "log" || now - lastShown < pace.log) return undefined
    lastShown = now
    return text
  }

  const transfer = (now: number, { bytes: done, component, totalBytes }: Transfer): string => {
    transferStarted ??= now
    const seconds = (now - transferStarted) / 1000
    const share = totalBytes === 0 ? "" : ` ${Math.floor((done / totalBytes) * 100)} %`
    const rate = seconds < 0.2 ? "" : `, ${bytes(done / seconds)}/s`
    return `${current?.stage ?? "artifacts"}: ${component}, ${bytes(done)} of ${bytes(totalBytes)}${share}${rate}`
  }

  const record = (event: Progress.ProgressEvent, now: number): string | undefined => {
    switch (event._tag) {
      case "Planned":
        return undefined
      case "StageStarted":
        current = { stage: event.stage, changed: 0 }
        transferStarted = undefined
        if (display.progress === "log") lastShown = now
        return undefined
      case "StepStarted":
        show(`${event.stage}: ${event.at} of ${event.of}, ${PlanDocument.summary(event.step.action)}`, now)
        return undefined
      case "StepDone":
        if (event.outcome === "changed" && current !== undefined) current.changed += 1
        return undefined
      case "Extracting": {
        const text = transfer(now, event.progress)
        show(text, now)
        return logged(text, now)
      }
      case "Undoing":
        undoing = true
        return `Taking back ${count(event.changes, "change")} of stage ${event.stage}.`
      case "NotUndone":
        notUndone = event.failures
        return `Stage ${event.stage} could not be taken back completely.`
      case "StageDone": {
        const wasUndone = undoing
        const isLeft = notUndone !== undefined
        undoing = false
        notUndone = undefined
        current = undefined
        if (isLeft) return undefined
        if (wasUndone) return `Stage ${event.stage} was taken back.`
        if (event.changed > 0) finished = [...finished, event.stage]
        return `Stage ${event.stage} is done: ${count(event.changed, "step")} changed the node.`
      }
    }
  }

  return {
    tell: (event) =>
      Effect.gen(function* () {
        const said = record(event, yield* Clock.currentTimeMillis)
        if (said === undefined) return
        if (event._tag === "Undoing" || event._tag === "NotUndone") yield* Effect.logWarning(said)
        // People see the report; a pod's log is read while it runs.
        else if (event._tag === "Extracting" || isLogRead(display)) yield* Effect.logInfo(said)
        else yield* Effect.logDebug(said)
      }),
    end: () => {
      if (display.progress === "bar") line.show("")
    },
    course: () => ({ finished, current, undoing, notUndone }),
  }
}

type Transfer = Extract<Progress.ProgressEvent, { readonly _tag: "Extracting" }>["progress"]
