/** Answers: how does one `artifacts` action go, from its job to its exit status? */
import { join } from "node:path"
import type { Problem } from "@kata-deploy/core"
import { ComponentArchives } from "@kata-deploy/filesystem"
import { Cause, Effect, Exit, Fiber } from "effect"
import type { Display } from "../command/Display.ts"
import { wrongUsage } from "../ExitStatus.ts"
import { problemsOf } from "../run/Failures.ts"
import type { Voice } from "../run/Voice.ts"
import type { StopSignal } from "../supervisor/Life.ts"
import type { Surroundings } from "../Surroundings.ts"
import type { ArtifactsJob } from "./ArtifactsJob.ts"
import * as ArtifactsText from "./ArtifactsText.ts"
import * as PublicKey from "./PublicKey.ts"

/** What an action on archives is given. */
export interface ArtifactsRun {
  readonly job: ArtifactsJob
  readonly display: Display
  readonly voice: Voice
  readonly onInterrupt: Surroundings["onInterrupt"]
}

interface Shown {
  readonly text: string
  readonly status: number
}

const list = Effect.fnUntraced(function* (
  { component, directory }: Extract<ArtifactsJob, { readonly _tag: "List" }>,
  isJson: boolean,
) {
  if (component === undefined) {
    const result = { directory, archives: yield* ComponentArchives.list(directory) }
    const text = isJson ? ArtifactsText.document("artifacts", result) : ArtifactsText.list(result)
    return { text, status: ArtifactsText.isWhole(result) ? 0 : 1 } satisfies Shown
  }
  const result = { component, entries: yield* ComponentArchives.entries(directory, component) }
  const text = isJson ? ArtifactsText.document("archive-entries", result) : ArtifactsText.entries(result)
  return { text, status: 0 } satisfies Shown
})

const carryOut = Effect.fnUntraced(function* (
  job: Exclude<ArtifactsJob, { readonly _tag: "Verify" }>,
  isJson: boolean,
) {
  if (job._tag === "List") return yield* list(job, isJson)
  const { component, into, level, tree } = job
  const archive = join(into, `kata-static-${component}.tar.zst`)
  const result = yield* ComponentArchives.pack({ tree, component, archive, level })
  const text = isJson
    ? ArtifactsText.document("packed", { component, archive, ...result })
    : ArtifactsText.packed(archive, result)
  return { text, status: 0 } satisfies Shown
})

const verify = Effect.fnUntraced(function* (
  { directory }: Extract<ArtifactsJob, { readonly _tag: "Verify" }>,
  key: Parameters<typeof ComponentArchives.verify>[1],
  isJson: boolean,
) {
  const found = yield* ComponentArchives.verify(directory, key)
  const text = isJson
    ? ArtifactsText.document("verification", { directory, ...found })
    : ArtifactsText.verification(found)
  return { text, status: ArtifactsText.isSound(found) ? 0 : 1 } satisfies Shown
})

const interrupted = (job: ArtifactsJob, signal: StopSignal): Problem.Problem => ({
  code: "E_INTERRUPTED",
  message: `The action was stopped by ${signal}.${job._tag === "Pack" ? " No archive was made." : ""}`,
  remedy: "Run it again.",
})

/** Runs the action and answers the exit status; never rejects for what the archives are like. */
export const run = async ({ display, job, onInterrupt, voice }: ArtifactsRun): Promise<number> => {
  const isJson = display.output === "json"
  const file = job._tag === "Verify" ? job.publicKey : undefined
  const problems = file === undefined ? [] : PublicKey.problem(file)
  if (problems.length > 0) return voice.problems(problems, wrongUsage)
  const key = file === undefined ? undefined : ComponentArchives.readPublicKey(file).key
  const work = job._tag === "Verify" ? verify(job, key, isJson) : carryOut(job, isJson)
  const fiber = Effect.runFork(work)
  let signal: StopSignal | undefined
  const stopListening = onInterrupt((name) => {
    signal ??= name
    fiber.interruptUnsafe()
  })
  const exit = await Effect.runPromise(Fiber.await(fiber))
  stopListening()
  if (Exit.isSuccess(exit)) {
    voice.result(exit.value.text)
    return exit.value.status
  }
  const failure = Cause.findErrorOption(exit.cause)
  if (signal !== undefined && Cause.hasInterruptsOnly(exit.cause))
    return voice.problems([interrupted(job, signal)], 1)
  if (failure._tag === "None") return voice.defect(Cause.squash(exit.cause))
  // Nothing of it is about a node.
  return voice.problems(problemsOf(failure.value), 1)
}
