/**
 * The program behind the entry: takes the command line apart and hands over to the part that carries it out. Heavy
 * parts are loaded when they are needed.
 */
import * as Arguments from "./command/Arguments.ts"
import * as Display from "./command/Display.ts"
import * as Invocation from "./command/Invocation.ts"
import { wrongUsage } from "./ExitStatus.ts"
import { version } from "./Release.ts"
import type { EngineFor } from "./run/Engine.ts"
import * as Voice from "./run/Voice.ts"
import { ofProcess, type Surroundings } from "./Surroundings.ts"

/** What a run can be given instead of the real thing. */
export interface Options {
  /** What the program sees of its process. */
  readonly surroundings?: Surroundings
  /** The engine for actions on a node. */
  readonly engineFor?: EngineFor
}

const realEngine: EngineFor = async (options, settings) => {
  const { make } = await import("./run/NodeEngine.ts")
  return make(options, settings)
}

/** Everything that one run needs to know of itself. */
interface Turn {
  readonly args: Arguments.Arguments
  readonly surroundings: Surroundings
  readonly display: Display.Display
  readonly voice: Voice.Voice
  readonly engineFor: EngineFor
}

const carryOut = async (
  { invocation, problems }: Invocation.Decoded,
  { args, display, engineFor, surroundings, voice }: Turn,
): Promise<number> => {
  if (invocation?._tag === "OnNode") {
    const { run } = await import("./run/OnNodeRun.ts")
    const release = await version()
    return run({ invocation, args, problems, surroundings, display, voice, release, engineFor })
  }
  if (invocation === undefined || problems.length > 0) return voice.problems(problems, wrongUsage)
  switch (invocation._tag) {
    case "Help": {
      const help = await import("./manual/Help.ts")
      surroundings.stdout.write(
        invocation.action === undefined
          ? help.general(voice.style)
          : help.ofAction(invocation.action, voice.style),
      )
      return 0
    }
    case "Version":
      surroundings.stdout.write(`kata-deploy ${await version()}\n`)
      return 0
    case "Schema": {
      const { document } = await import("./manual/JsonSchemas.ts")
      surroundings.stdout.write(document(invocation.name))
      return 0
    }
    case "Completions": {
      const { script } = await import("./manual/Completions.ts")
      surroundings.stdout.write(script(invocation.shell))
      return 0
    }
    case "Try": {
      const { run } = await import("./run/TrialRun.ts")
      return run({ invocation, args, surroundings, voice, runAction: runIn(engineFor) })
    }
  }
}

/** Runs a command line of this program in this process. */
const runIn =
  (engineFor: EngineFor) =>
  (argv: ReadonlyArray<string>, surroundings: Surroundings): Promise<number> =>
    run(argv, { surroundings, engineFor })

/** Carries out a command line and answers the exit status; never rejects. */
export const run = async (argv: ReadonlyArray<string>, options: Options = {}): Promise<number> => {
  const surroundings = options.surroundings ?? ofProcess()
  const args = Arguments.parse(argv)
  const display = Display.decode(args.given, surroundings)
  const voice = Voice.make(display, surroundings)
  const engineFor = options.engineFor ?? realEngine
  try {
    return await carryOut(Invocation.decode(args, surroundings), {
      args,
      surroundings,
      display,
      voice,
      engineFor,
    })
  } catch (defect) {
    return voice.defect(defect)
  }
}
