/**
 * Answers: would containerd still do its work once the stage's files are written? Puts the node's files, and the same
 * with the stage's changes, before the simulator. Source: decisions §12; docs/effective-config.md.
 */
import { Result } from "effect"
import * as ConfigPrediction from "../decide/ConfigPrediction.ts"
import { mainConfigPathOf } from "../decide/CriConfig.ts"
import type { Files } from "../decide/EffectiveConfig.ts"
import * as Recognition from "../decide/Recognition.ts"
import * as FactsOf from "../input/Facts.ts"
import { type Notice, PrerequisiteError } from "../input/Problem.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import * as FileState from "../model/FileState.ts"
import type * as HostPath from "../model/HostPath.ts"
import type * as Toml from "../toml/Toml.ts"
import * as TomlPrinter from "../toml/TomlPrinter.ts"
import type { StageInput } from "./ArtifactsStage.ts"

/** What there is to look at. */
export interface PredictionStage extends StageInput {
  /** Files that containerd loads afterwards, as far as they are ours. */
  readonly loaded: ReadonlyArray<HostPath.HostPath>
  /** What is at a path once the stage is done. */
  readonly lookAfter: (path: HostPath.HostPath) => FileState.FileState
}

/** What is worth telling of containerd's answer to the stage's files; fails where it would not do its work. */
export const notices = (stage: PredictionStage): Result.Result<ReadonlyArray<Notice>, PrerequisiteError> => {
  const { detected, facts, settings } = stage
  const text = FactsOf.runtimeVersion(facts, settings.containerRuntimeVersion)
  const version = text === undefined ? undefined : ContainerdVersion.parse(text)
  // k0s merges its drop-ins by itself, before containerd sees them (decisions §5).
  const isContainerds = detected.row.layout === "main" || detected.row.layout === "rendered"
  if (version === undefined || !isContainerds) return Result.succeed([])
  const root = mainConfigPathOf(stage)
  const paths = new Set([root, ...facts.imported, ...stage.loaded])
  const before = filesAt(paths, (path) => FactsOf.at(facts, path))
  const isSettled = [...paths].every((path) =>
    FileState.equals(stage.lookAfter(path), FactsOf.at(facts, path)),
  )
  const after = isSettled ? before : filesAt(paths, stage.lookAfter)
  // The snap fills the variables of microk8s's template in; before that it is not what containerd reads.
  const main = after?.get(root)
  const isTemplate = typeof main === "string" && main.includes("${")
  if (before === undefined || after === undefined || isTemplate) return Result.succeed([])
  // Our drop-in may be another program's that had the same install directory, and goes as a whole.
  const replaced = new Set(
    stage.loaded
      .flatMap((path) => {
        const there = path === root ? undefined : FileState.textOf(FactsOf.at(facts, path))
        const whose = Recognition.belonging(there ?? "", settings.instance.installDir)
        return whose === "ours" || whose === "unsaid" ? Recognition.handlersOf(there ?? "") : []
      })
      .map((handler) => handler.name),
  )
  const verdict = ConfigPrediction.judge({
    root,
    version,
    before,
    after,
    wanted: settings.handlers.map((handler) => handler.name),
    isOurs: (name, { runtimePath }) =>
      replaced.has(name) ||
      FactsOf.ledgerOf(facts)?.handlers.includes(name) === true ||
      runtimePath.startsWith(`${settings.instance.installDir}/`) ||
      settings.handlers.some((handler) => handler.name === name),
    userDropIn: userDropInOf(stage),
  })
  return verdict.problems.length > 0
    ? Result.fail(new PrerequisiteError({ problems: verdict.problems }))
    : Result.succeed(verdict.notices)
}

/** Files by path; `undefined` where one of them could not be seen, which says nothing about the daemon. */
const filesAt = (
  paths: ReadonlySet<HostPath.HostPath>,
  look: (path: HostPath.HostPath) => FileState.FileState,
): Files | undefined => {
  const files = new Map<HostPath.HostPath, string | Toml.Table>()
  for (const path of paths) {
    const state = look(path)
    if (state._tag === "Absent") continue
    if (state._tag !== "File") return undefined
    files.set(path, TomlPrinter.printedFrom(state.text) ?? state.text)
  }
  return files
}

const userDropInOf = ({ facts, loaded, lookAfter }: PredictionStage): HostPath.HostPath | undefined => {
  const operators = facts.userDropIn
  if (operators?._tag !== "File") return undefined
  return loaded.find((path) => {
    const state = lookAfter(path)
    return state._tag === "File" && state.text === operators.text
  })
}
