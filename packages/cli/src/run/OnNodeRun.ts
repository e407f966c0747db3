/**
 * Answers: how does one action on a node go, from its settings to its exit status? Everything that can end it comes
 * together here: done, failed, interrupted, or a mistake of ours.
 */
import { Plan, Progress, type Report, type Snapshots } from "@kata-deploy/core"
import { Cause, Effect, Exit, Fiber, Layer } from "effect"
import { type Display, isLogRead } from "../command/Display.ts"
import { isAction } from "../command/Invocation.ts"
import * as Lookalikes from "../command/Lookalikes.ts"
import * as ExitStatus from "../ExitStatus.ts"
import * as Documents from "../render/Documents.ts"
import type { Style } from "../render/Paint.ts"
import * as ModeText from "../render/ModeText.ts"
import * as PlanText from "../render/PlanText.ts"
import * as ReportText from "../render/ReportText.ts"
import * as SnapshotsText from "../render/SnapshotsText.ts"
import * as StatusLine from "../render/StatusLine.ts"
import * as StatusText from "../render/StatusText.ts"
import type { StopSignal } from "../supervisor/Life.ts"
import type { Engine, EngineFor } from "./Engine.ts"
import { problemsOf } from "./Failures.ts"
import * as Interruption from "./Interruption.ts"
import * as Logging from "./Logging.ts"
import * as Preparation from "./Preparation.ts"
import * as ProgressDisplay from "./ProgressDisplay.ts"
import * as ReviewedPlan from "./ReviewedPlan.ts"
import * as Tracing from "./Tracing.ts"
import type { Voice } from "./Voice.ts"

/** What an action on a node is given. */
export interface OnNodeRun extends Preparation.Preparation {
  readonly display: Display
  readonly voice: Voice
  readonly release: string
  readonly engineFor: EngineFor
}

/** A result as it goes to standard output, and what the program ends with. */
interface Shown {
  readonly text: string
  readonly status: number
}

const carryOut = Effect.fnUntraced(function* (
  engine: Engine,
  prepared: Preparation.Prepared,
  { display, invocation, release, voice }: OnNodeRun,
  style: Style,
): Effect.fn.Return<Shown, ExitStatus.NodeFailure> {
  const { job, options } = invocation
  const isJson = display.output === "json"
  const about = { settings: prepared.settings, stateDir: options.stateDir }
  const rest = { release, criRuntime: options.criRuntime, userDropIn: prepared.userDropIn }
  switch (job._tag) {
    case "Plan": {
      const plan = yield* engine.plan({ action: job.action, conduct: job.conduct, ...about, ...rest })
      const text = isJson ? Documents.plan(plan) : PlanText.render(plan, style)
      return {
        text,
        status: ExitStatus.ofPlan(Plan.isEmpty(plan) ? "no-changes" : "changes", job.whenChanges),
      }
    }
    case "Run": {
      const { planFile, ...asked } = job.conduct
      const conduct =
        planFile === undefined ? asked : { ...asked, reviewed: yield* ReviewedPlan.read(planFile) }
      const report = yield* engine.run({ action: job.action, conduct, ...about, ...rest })
      return { text: reportText(report, display, style), status: ExitStatus.ofReport(report) }
    }
    case "Snapshots": {
      // Programs find the plan in the one document at the end.
      const show: Snapshots.Show = (plan) =>
        isJson || job.wish.apply === "show"
          ? Effect.void
          : Effect.sync(() => voice.result(SnapshotsText.plan(plan, style)))
      const found = yield* engine.snapshots({ ...job.wish, ...about, ...rest }, show)
      const text = found.applied ? SnapshotsText.figures(found, style) : SnapshotsText.plan(found, style)
      return {
        text: isJson ? Documents.snapshots(found) : text,
        status: ExitStatus.ofSnapshots(found),
      }
    }
    case "SetMode": {
      const { planFile: _, ...conduct } = job.conduct
      const change = yield* engine.setMode({ ...job.wish, conduct, ...about, ...rest })
      return {
        text: isJson ? Documents.modeChange(change) : ModeText.render(change, style),
        status: change.report === null ? 0 : ExitStatus.ofReport(change.report),
      }
    }
    case "Status": {
      const status = yield* engine.status(about, job.verify)
      return {
        text: isJson ? Documents.status(status) : StatusText.render(status, style),
        status: ExitStatus.ofStatus(status),
      }
    }
  }
})

const reportText = (report: Report.Report, display: Display, style: Style): string =>
  display.output === "json" ? Documents.report(report) : ReportText.render(report, style)

/** Tells a failure; people see the report first, programs find it inside the document. */
const tellFailure = (
  failure: ExitStatus.NodeFailure,
  { display, voice }: OnNodeRun,
  style: Style,
): number => {
  const status = ExitStatus.ofFailure(failure)
  const report = failure._tag === "ApplyError" || failure._tag === "InUseError" ? failure.report : undefined
  if (report !== undefined && display.output === "text") voice.result(reportText(report, display, style))
  return voice.problems(problemsOf(failure), status, report)
}

/** The log of a pod begins with what was asked for; somebody at a terminal has just typed it. */
const announce = ({ display, invocation }: OnNodeRun, { settings, variables }: Preparation.Prepared) => {
  const { job } = invocation
  const isRead = job._tag === "Run" && isLogRead(display)
  const text = `${job._tag === "Run" ? job.action : job._tag} of the instance in ${settings.instance.installDir}`
  return (isRead ? Effect.logInfo(text) : Effect.logDebug(text)).pipe(
    Effect.annotateLogs({
      settings: variables,
      ...(isAction(job) && job.action.startsWith("install") ? { shims: settings.shims } : {}),
    }),
  )
}

/** A misspelt variable would be passed over in silence, and then look like a decision of ours. */
const nameLookalikes = ({ surroundings }: OnNodeRun) =>
  Effect.forEach(
    Lookalikes.find(surroundings.env),
    ({ meant, name }) =>
      Effect.logWarning(`The variable ${name} means nothing to this program. Did you mean ${meant}?`),
    { discard: true },
  )

/** Runs the action and answers the exit status; never rejects. */
export const run = async (request: OnNodeRun): Promise<number> => {
  const { display, invocation, surroundings, voice } = request
  const style = voice.style
  const line = StatusLine.make(surroundings.stderr)
  const progress = ProgressDisplay.make(display, line)
  const program = Effect.gen(function* () {
    yield* nameLookalikes(request)
    const prepared = yield* Preparation.prepare(request)
    yield* announce(request, prepared)
    const engine = yield* Effect.promise(() => request.engineFor(invocation.options, prepared.settings))
    const tracing = yield* Effect.promise(() => Tracing.layer(surroundings.env, request.release))
    return yield* Effect.provide(carryOut(engine, prepared, request, style), tracing)
  }).pipe(
    Effect.provide(
      Layer.merge(Logging.layer(display, line), Layer.succeed(Progress.Progress, { tell: progress.tell })),
    ),
  )
  const fiber = Effect.runFork(program)
  let signal: StopSignal | undefined
  const stopListening = surroundings.onInterrupt((name) => {
    line.print(Interruption.announcement(name, signal === undefined ? "first" : "again"))
    signal ??= name
    fiber.interruptUnsafe()
  })
  const exit = await Effect.runPromise(Fiber.await(fiber))
  stopListening()
  progress.end()
  if (Exit.isSuccess(exit)) {
    voice.result(exit.value.text)
    return exit.value.status
  }
  const failure = Cause.findErrorOption(exit.cause)
  if (failure._tag === "Some") return tellFailure(failure.value, request, style)
  if (signal !== undefined && Cause.hasInterruptsOnly(exit.cause)) {
    const { problem, status } = Interruption.outcome(signal, progress.course())
    return voice.problems([problem], status)
  }
  return voice.defect(Cause.squash(exit.cause))
}
