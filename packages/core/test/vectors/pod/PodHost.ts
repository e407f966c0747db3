/**
 * A node in memory as a pod sees it: files are given and told by their container paths, and steps run through the
 * engine, the planners and the ports, as they would on a host.
 */
import { Cause, Effect, Exit, Layer, Option, Result } from "effect"
import { Distribution, Fact, FileState, HostPath, Policies, Run, Settings } from "@kata-deploy/core"
import { HostFilesMemory, HostShellMemory, ImpatientClock, NodeApiMemory } from "@kata-deploy/core/testing"
import { hostPath, seenPath } from "./PodPaths.ts"

/** What a case says of the node and of the settings. */
export interface PodNode {
  readonly runtime: string
  readonly version: string | undefined
  readonly env: Readonly<Record<string, string>>
  /** Files by container path; the operator's own below `/custom-…` are the process's, not the host's. */
  readonly files: Readonly<Record<string, string>>
  /** What the artifact directory offers. */
  readonly artifacts?: Pick<HostFilesMemory.Options, "archives" | "artifacts">
}

/** What a step did: all went well, or the codes of what was wrong. */
export type StepOutcome =
  | { readonly ok: true }
  | { readonly errors: ReadonlyArray<string>; readonly said: string }

/** A node that steps run on, one after another. */
export interface PodHost {
  /** Runs an action with these settings. */
  readonly run: (action: Run.Request["action"], env: PodNode["env"]) => StepOutcome
  /** Texts of the regular files of the host, by container path. */
  readonly files: () => Readonly<Record<string, string>>
  /** Everything of the host by host path. */
  readonly states: () => Readonly<Record<string, FileState.FileState>>
  readonly memory: HostFilesMemory.HostFilesMemory
}

const customConfigs = "/custom-configs/"

/** Files of this process: what ConfigMaps show to the container. */
const isOfProcess = (path: string): boolean => /^\/custom-[a-z-]+\//.test(path)

/** Outside of everything that vectors look at, as the ledger is nothing that upstream has. */
const stateDir = HostPath.make("/var/lib/kata-deploy-state")

const notAsked = Fact.unknown("not-asked", "the vectors have no such service")

const settingsOf = (node: PodNode, env: PodNode["env"]) =>
  Settings.decode({
    architecture: "x86_64",
    variables: node.version === undefined ? env : { ...env, CONTAINER_RUNTIME_VERSION: node.version },
    customConfigs: {
      _tag: "Files",
      files: new Map(
        Object.entries(node.files).flatMap(([path, text]) =>
          path.startsWith(customConfigs) ? [[path.slice(customConfigs.length), text] as const] : [],
        ),
      ),
    },
    api: "not-used",
  })

const userDropIn = (node: PodNode, source: string | undefined): FileState.FileState | undefined => {
  if (source === undefined) return undefined
  const text = node.files[source]
  return text === undefined ? FileState.absent : FileState.file(text)
}

/** The codes of a failure, as problems name them. */
const codesOf = (error: unknown): ReadonlyArray<string> =>
  typeof error === "object" && error !== null && "problems" in error && Array.isArray(error.problems)
    ? error.problems.map((problem: { readonly code: string }) => problem.code)
    : [String(error)]

/** Makes a node; fails with codes when the settings or the runtime make no sense. */
export const make = (node: PodNode): Result.Result<PodHost, string> => {
  const row = Distribution.lookup(node.runtime)
  if (row === undefined) return Result.fail(`there is no runtime called ${node.runtime}`)
  const decoded = settingsOf(node, node.env)
  if (Result.isFailure(decoded)) return Result.fail(decoded.failure.message)
  const where = {
    containerdConfigDir: row.configDir,
    installDir: decoded.success.instance.installDir,
  }
  const memory = HostFilesMemory.make({
    ...node.artifacts,
    tree: Object.fromEntries(
      Object.entries(node.files)
        .filter(([path]) => !isOfProcess(path))
        .map(([path, text]) => [hostPath(where, path), text]),
    ),
  })
  const layer = Layer.mergeAll(
    memory.layer,
    HostShellMemory.make({ control: notAsked }).layer,
    NodeApiMemory.make({ node: notAsked, ownDaemonSetWantsNode: notAsked }).layer,
    Policies.layer,
    ImpatientClock.layer,
  )
  const run: PodHost["run"] = (action, env) => {
    const settings = settingsOf(node, env)
    if (Result.isFailure(settings))
      return { errors: codesOf(settings.failure), said: settings.failure.message }
    const exit = Effect.runSyncExit(
      Run.run({
        action,
        settings: settings.success,
        release: "vectors",
        stateDir,
        criRuntime: node.runtime,
        userDropIn: userDropIn(node, settings.success.userDropInSource),
      }).pipe(Effect.provide(layer)),
    )
    if (Exit.isSuccess(exit)) return { ok: true }
    const error = Option.getOrElse(Exit.findErrorOption(exit), () => Cause.squash(exit.cause))
    return { errors: codesOf(error), said: error instanceof Error ? error.message : String(error) }
  }
  const states = () => memory.snapshot()
  return Result.succeed({
    run,
    states,
    memory,
    files: () =>
      Object.fromEntries(
        Object.entries(states()).flatMap(([path, state]) =>
          state._tag === "File" && !HostPath.isWithin(HostPath.make(path), stateDir)
            ? [[seenPath(where, HostPath.make(path)), state.text]]
            : [],
        ),
      ),
  })
}
