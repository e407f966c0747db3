/** Answers: how is a trial given this program's actions, and what comes of it? */
import { Effect, Exit, Cause } from "effect"
import type { Arguments } from "../command/Arguments.ts"
import type { Invocation } from "../command/Invocation.ts"
import { wrongUsage } from "../ExitStatus.ts"
import type { Surroundings } from "../Surroundings.ts"
import * as Trial from "../trial/Trial.ts"
import type { Voice } from "./Voice.ts"

/** What a trial is given. */
export interface TrialRun {
  readonly invocation: Extract<Invocation, { readonly _tag: "Try" }>
  readonly args: Arguments
  readonly surroundings: Surroundings
  readonly voice: Voice
  /** Runs a command line of this program in this process. */
  readonly runAction: (argv: ReadonlyArray<string>, surroundings: Surroundings) => Promise<number>
}

/** Variables that say how to show things; the caller's settings are none of the sample host's business. */
const shown = ["TERM", "NO_COLOR"]

/** Flags that the actions of a trial take over from it. */
const passedOn = ["log-level", "log-format", "progress", "no-color"]

/** Runs the trial and answers the exit status. */
export const run = async ({
  args,
  invocation,
  runAction,
  surroundings,
  voice,
}: TrialRun): Promise<number> => {
  const inner: Surroundings = {
    ...surroundings,
    env: Object.fromEntries(shown.map((name) => [name, surroundings.env[name]])),
    customConfigs: "/nonexistent",
  }
  // The show is what is to be seen; a log of it would only stand in between.
  const given = new Map([["log-level", "warn"], ...args.given])
  const flags = passedOn.flatMap((name) => (given.has(name) ? [`--${name}=${given.get(name)}`] : []))
  const exit = await Effect.runPromiseExit(
    Trial.run({
      distribution: invocation.distribution,
      containerd: invocation.containerd,
      shims: invocation.shims,
      afterwards: invocation.afterwards,
      runAction: (argv) => runAction([...flags, ...argv], inner),
      page: { write: surroundings.stdout.write, ...voice.style },
      onInterrupt: surroundings.onInterrupt,
      architecture: surroundings.architecture,
    }),
  )
  if (Exit.isSuccess(exit)) return exit.value
  const failure = Cause.findErrorOption(exit.cause)
  if (failure._tag === "None") return voice.defect(Cause.squash(exit.cause))
  const error = failure.value
  if (error._tag === "SettingsError") return voice.problems(error.problems, wrongUsage)
  return voice.problems(
    [
      {
        code: "E_TRIAL",
        message: error.message,
        remedy: "Free space in the temporary directory, or choose another one with TMPDIR.",
      },
    ],
    1,
  )
}
