/**
 * Answers: what exactly is to be done on the node? Reads the files of this process, decodes the settings, and fails
 * with every problem at once.
 */
import { resolve } from "node:path"
import { FileState, Problem, Settings } from "@kata-deploy/core"
import { Effect, Result } from "effect"
import type { Arguments } from "../command/Arguments.ts"
import { type Invocation, isAction } from "../command/Invocation.ts"
import type { NodeOptions } from "../command/NodeOptions.ts"
import * as SettingSources from "../command/SettingSources.ts"
import type { SettingsFile } from "../command/SettingsFile.ts"
import type { Surroundings } from "../Surroundings.ts"
import * as ProcessFiles from "./ProcessFiles.ts"

/** An invocation of an action on a node. */
export type OnNode = Extract<Invocation, { readonly _tag: "OnNode" }>

/** Everything that was asked for, checked. */
export interface Prepared {
  readonly settings: Settings.Settings
  /** What the settings were decoded from, by variable; may hold secrets. */
  readonly variables: Readonly<Record<string, string>>
  /** The operator's own containerd drop-in, where one is configured. */
  readonly userDropIn: FileState.FileState | undefined
}

/** What is given to the preparation. */
export interface Preparation {
  readonly invocation: OnNode
  readonly args: Arguments
  readonly surroundings: Surroundings
  /** Problems with the command line; they are reported together with those of the settings. */
  readonly problems: ReadonlyArray<Problem.Problem>
}

interface ReadFile {
  readonly file: SettingsFile | undefined
  readonly problems: ReadonlyArray<Problem.Problem>
}

const settingsFile = Effect.fnUntraced(function* (options: NodeOptions): Effect.fn.Return<ReadFile> {
  if (options.config === undefined) return { file: undefined, problems: [] }
  const text = yield* ProcessFiles.text(options.config, ProcessFiles.mostBytes.settings)
  if (Result.isFailure(text))
    return { file: undefined, problems: [ProcessFiles.settingsFileProblem(options.config, text.failure)] }
  // The YAML parser is only loaded where there is something to parse.
  const { parse } = yield* Effect.promise(() => import("../command/SettingsFile.ts"))
  const file = parse(text.success, options.config)
  return { file, problems: file.problems }
})

const hostRoot = Effect.fnUntraced(function* (
  options: NodeOptions,
): Effect.fn.Return<ReadonlyArray<Problem.Problem>> {
  const directory = options.hostRoot
  if (directory === undefined || (yield* ProcessFiles.isDirectory(directory))) return []
  return [
    {
      code: "E_HOST_ROOT",
      setting: "--host-root",
      value: directory,
      message: `The host root ${directory} is no directory that can be looked at.`,
      remedy: "Name the root of a host tree, i.e. the directory that holds its etc, usr and var.",
    },
  ]
})

const publicKey = Effect.fnUntraced(function* (
  options: NodeOptions,
): Effect.fn.Return<ReadonlyArray<Problem.Problem>> {
  const file = options.publicKey
  if (file === undefined) return []
  const { problem } = yield* Effect.promise(() => import("../artifacts/PublicKey.ts"))
  return problem(file)
})

/** Whether a job may write what the operator supplies as files. */
const installs = ({ job }: OnNode): boolean =>
  job._tag === "SetMode" || (isAction(job) && job.action.startsWith("install"))

const userDropIn = Effect.fnUntraced(function* (
  invocation: OnNode,
  source: string | undefined,
  surroundings: Surroundings,
): Effect.fn.Return<{
  readonly text: string | undefined
  readonly problems: ReadonlyArray<Problem.Problem>
}> {
  if (source === undefined || !installs(invocation)) return { text: undefined, problems: [] }
  const path = resolve(surroundings.workingDirectory, source)
  const text = yield* ProcessFiles.text(path, ProcessFiles.mostBytes.operators)
  return Result.isSuccess(text)
    ? { text: text.success, problems: [] }
    : { text: undefined, problems: [ProcessFiles.userDropInProblem(path, text.failure)] }
})

/** Whether a job only looks; as somebody else it would see half of the host, and take that for the whole. */
const looks = ({ job }: OnNode): boolean => job._tag === "Plan" || job._tag === "Status"

const notRoot = (invocation: OnNode): Problem.PrerequisiteError =>
  new Problem.PrerequisiteError({
    problems: [
      {
        code: "E_NOT_ROOT",
        message: looks(invocation)
          ? "Without --host-root this looks at the host itself, all of which only root can see."
          : "Without --host-root this changes the host itself, which only root may.",
        remedy: "Run it as root, or name the root of a host tree of your own with --host-root DIR.",
      },
    ],
  })

/** Decodes everything; fails with all problems at once. */
export const prepare = Effect.fnUntraced(function* ({
  args,
  invocation,
  problems: usage,
  surroundings,
}: Preparation): Effect.fn.Return<Prepared, Problem.DecisionError> {
  const { options } = invocation
  const { file, problems: fileProblems } = yield* settingsFile(options)
  const sources = SettingSources.layer({
    given: args.given,
    env: surroundings.env,
    file,
    architecture: surroundings.architecture,
  })
  const decoded = Settings.decode({
    architecture: surroundings.architecture,
    variables: sources.variables,
    customConfigs: yield* ProcessFiles.customConfigs(surroundings.customConfigs),
    customFiles: installs(invocation) ? "needed" : "best-effort",
    // Where --kube could not be understood, it may have been meant to say that no name is needed.
    api: options.kube === "none" || args.rejected.has("kube") ? "not-used" : "used",
  })
  const source = Result.isSuccess(decoded) ? decoded.success.userDropInSource : undefined
  const dropIn = yield* userDropIn(invocation, source, surroundings)
  const problems = [
    ...usage,
    ...(yield* hostRoot(options)),
    ...(yield* publicKey(options)),
    ...fileProblems,
    ...sources.problems,
    ...(Result.isFailure(decoded)
      ? SettingSources.inOperatorsWords(decoded.failure.problems, sources.origins)
      : []),
    ...SettingSources.inOperatorsWords(dropIn.problems, sources.origins),
  ]
  if (problems.length > 0 || Result.isFailure(decoded)) return yield* new Problem.SettingsError({ problems })
  if (options.hostRoot === undefined && !surroundings.isRoot) return yield* notRoot(invocation)
  return {
    settings: decoded.success,
    variables: sources.variables,
    userDropIn: dropIn.text === undefined ? undefined : FileState.file(dropIn.text),
  }
})
