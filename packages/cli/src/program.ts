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
import type { OnNode } from "./run/Preparation.ts"
import * as Voice from "./run/Voice.ts"
import type { Errand } from "./supervisor/Life.ts"
import { ofProcess, type Surroundings } from "./Surroundings.ts"

/** What a run can be given instead of the real thing. */
export interface Options {
  /** What the program sees of its process. */
  readonly surroundings?: Surroundings
  /** The engine for actions on a node. */
  readonly engineFor?: EngineFor
  /** The file that Node runs; needed where the program has to run itself once more. */
  readonly file?: string
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
  readonly argv: ReadonlyArray<string>
  readonly file: string | undefined
}

/** Runs an action on a node; whoever has started this process hears of it, be it the supervisor or the kubelet. */
const onNode = async (
  { invocation, problems }: Invocation.Decoded & { readonly invocation: OnNode },
  { args, display, engineFor, surroundings, voice }: Turn,
): Promise<number> => {
  const [{ run }, Telling, TerminationLog] = await Promise.all([
    import("./run/OnNodeRun.ts"),
    import("./supervisor/Telling.ts"),
    import("./supervisor/TerminationLog.ts"),
  ])
  const release = await version()
  const tell = Telling.fromEnvironment(surroundings.env)
  const told = Telling.voice((messages) => {
    if (tell !== undefined) tell({ _tag: "Problems", messages })
    else if (invocation.job._tag === "Run") TerminationLog.write(surroundings.env, messages.join("\n"))
  }, voice)
  return run({
    invocation,
    args,
    problems,
    surroundings,
    display,
    voice: told,
    release,
    engineFor: tell === undefined ? engineFor : Telling.engineFor(tell, release, engineFor),
  })
}

/** The voice of what a pod is started for: where it does not even begin, the kubelet shows why. */
const toldToKubelet = async ({ surroundings, voice }: Turn): Promise<Voice.Voice> => {
  const [Telling, TerminationLog] = await Promise.all([
    import("./supervisor/Telling.ts"),
    import("./supervisor/TerminationLog.ts"),
  ])
  return Telling.voice((messages) => TerminationLog.write(surroundings.env, messages.join("\n")), voice)
}

/** A supervisor that was asked for in a roundabout way works as well, but is not as small. */
const supervise = async (errand: Errand, { argv, file }: Turn): Promise<number> => {
  if (file === undefined) throw new Error("Only the program itself can supervise.")
  const { begin } = await import("./supervisor/Begin.ts")
  return begin(errand, argv, { file, version })
}

const carryOut = async ({ invocation, problems }: Invocation.Decoded, turn: Turn): Promise<number> => {
  const { args, engineFor, surroundings, voice } = turn
  if (invocation?._tag === "OnNode") return onNode({ invocation, problems }, turn)
  if (invocation === undefined || problems.length > 0) {
    const heard = invocation?._tag === "Supervise" ? await toldToKubelet(turn) : voice
    return heard.problems(problems, wrongUsage)
  }
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
    case "Supervise":
      return supervise(invocation.errand, turn)
    case "Artifacts": {
      const { run } = await import("./artifacts/ArtifactsRun.ts")
      const { onInterrupt } = surroundings
      return run({ job: invocation.job, display: turn.display, voice, onInterrupt })
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
      argv,
      file: options.file,
    })
  } catch (defect) {
    return voice.defect(defect)
  }
}
