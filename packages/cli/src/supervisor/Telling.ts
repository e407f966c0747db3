/**
 * Answers: what does a child tell its supervisor, and when? The engine's events, the settings and the problems of one
 * run, on the pipe that the supervisor has opened. Without a supervisor nothing is told and nothing changes.
 */
import { writeSync } from "node:fs"
import { Instance, Masking, Progress, type Settings } from "@kata-deploy/core"
import { Clock, Effect } from "effect"
import type { EngineFor } from "../run/Engine.ts"
import { unexpected } from "../run/Failures.ts"
import type { Voice } from "../run/Voice.ts"
import * as Message from "./Message.ts"

/** Tells the supervisor. */
export type Tell = (message: Message.Message) => void

/** Milliseconds between two messages about unpacking. */
const pace = 500

/** Tells whoever holds the other end of the pipe that the environment names; `undefined` where there is none. */
export const fromEnvironment = (env: Readonly<Record<string, string | undefined>>): Tell | undefined => {
  const text = env[Message.pipeVariable] ?? ""
  if (!/^\d{1,6}$/.test(text)) return undefined
  return (message) => {
    try {
      writeSync(Number(text), Message.encode(message))
    } catch {
      // The supervisor is gone, or the variable was left over from one; the work goes on as without.
    }
  }
}

/** The message that an engine's event is worth, if any. */
export const messageOf = (event: Progress.ProgressEvent): Message.Message | undefined => {
  switch (event._tag) {
    case "Planned":
      return {
        _tag: "Planned",
        runtime: event.plan.runtime,
        restartsDue: event.plan.restarts.filter(({ due }) => due === "not-ours").length,
      }
    case "StageStarted":
      return { _tag: "StageStarted", stage: event.stage }
    case "StageDone":
      return { _tag: "StageDone", stage: event.stage, changed: event.changed }
    case "Undoing":
      return { _tag: "Undoing", stage: event.stage, changes: event.changes }
    case "Extracting":
      return { _tag: "Unpacking", bytes: event.progress.bytes, totalBytes: event.progress.totalBytes }
    case "StepDone": {
      const { action } = event.step
      return action._tag === "Unit" && action.verb === "restart" && event.outcome === "changed"
        ? { _tag: "Restarted", unit: action.unit }
        : undefined
    }
    case "StepStarted":
    case "NotUndone":
      return undefined
  }
}

/** Progress that is told to the supervisor too. */
const both = (tell: Tell, shown: typeof Progress.Progress.Service): typeof Progress.Progress.Service => {
  let lastUnpacking = Number.NEGATIVE_INFINITY
  return {
    tell: (event) =>
      Effect.gen(function* () {
        const message = messageOf(event)
        const now = yield* Clock.currentTimeMillis
        const isLast = event._tag === "Extracting" && event.progress.bytes === event.progress.totalBytes
        const isEarly = message?._tag === "Unpacking" && now - lastUnpacking < pace && !isLast
        if (message?._tag === "Unpacking" && !isEarly) lastUnpacking = now
        if (message !== undefined && !isEarly) tell(message)
        yield* shown.tell(event)
      }),
  }
}

const settingsMessage = (settings: Settings.Settings, release: string): Message.Message => ({
  _tag: "Settings",
  release,
  instance: Instance.name(settings.instance),
  healthPort: settings.healthPort,
})

/** An engine whose runs are told to the supervisor. */
export const engineFor =
  (tell: Tell, release: string, engineFor: EngineFor): EngineFor =>
  async (options, settings) => {
    tell(settingsMessage(settings, release))
    const engine = await engineFor(options, settings)
    return {
      ...engine,
      run: (request) =>
        Effect.gen(function* () {
          const shown = yield* Progress.Progress
          return yield* Effect.provideService(engine.run(request), Progress.Progress, both(tell, shown))
        }),
      status: (about, verify) =>
        Effect.tap(engine.status(about, verify), ({ instances }) =>
          Effect.sync(() => {
            const own = instances.filter(({ name }) => name === Instance.name(settings.instance))
            tell({ _tag: "Drift", paths: own.reduce((sum, { drift }) => sum + drift.length, 0) })
          }),
        ),
    }
  }

/** A voice whose problems somebody else hears too: the supervisor, or the kubelet where there is none. */
export const voice = (hear: (messages: ReadonlyArray<string>) => void, voice: Voice): Voice => {
  const told: Voice["problems"] = (problems, status, report) => {
    hear(problems.map(({ message, remedy }) => Masking.maskSecrets(`${message} ${remedy}`)))
    return voice.problems(problems, status, report)
  }
  return {
    ...voice,
    problems: told,
    defect: (defect) => {
      const { message, remedy } = unexpected(defect)
      hear([Masking.maskSecrets(`${message} ${remedy}`)])
      return voice.defect(defect)
    },
  }
}
