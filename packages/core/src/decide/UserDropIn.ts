/**
 * Answers: what becomes of the containerd drop-in that the operator supplies? It is copied as it is, behind ours; one
 * that containerd could not start with is refused. Source: spec 03 §8.
 */
import { Result } from "effect"
import type { Facts } from "../input/Facts.ts"
import { PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import type { HostPath } from "../model/HostPath.ts"
import * as Toml from "../toml/Toml.ts"
import * as Desired from "./Desired.ts"

/** What the decision goes by. */
export interface UserDropInInput {
  readonly settings: Pick<Settings, "userDropInSource">
  readonly facts: Pick<Facts, "userDropIn">
}

const refuse = (problem: Problem): Result.Result<never, PrerequisiteError> =>
  Result.fail(new PrerequisiteError({ problems: [problem] }))

/** What should be at `path`; nothing where no drop-in is configured. */
export const decide = (
  { facts, settings }: UserDropInInput,
  path: HostPath,
): Result.Result<ReadonlyArray<Desired.Desired>, PrerequisiteError> => {
  const state = facts.userDropIn
  if (state === undefined) return Result.succeed([])
  const about = {
    setting: "CONTAINERD_USER_DROP_IN_SOURCE_FILE",
    ...(settings.userDropInSource === undefined ? {} : { value: settings.userDropInSource }),
  }
  if (state._tag !== "File") {
    return refuse({
      ...about,
      code: "E_USER_DROPIN_SOURCE_MISSING",
      message: `The operator's containerd drop-in ${settings.userDropInSource} is not there or cannot be read.`,
      remedy: "Mount the ConfigMap that holds it, or leave the setting out.",
    })
  }
  const parsed = Toml.parse(state.text)
  if (Result.isFailure(parsed)) {
    return refuse({
      ...about,
      code: "E_USER_DROPIN_NOT_TOML",
      message: `The operator's containerd drop-in is not valid TOML: ${parsed.failure.detail}. containerd would not start with it.`,
      remedy: "Repair it, and check it with `containerd config dump`.",
    })
  }
  return Result.succeed([Desired.make(path, FileState.file(state.text), "the operator supplies it")])
}
