/**
 * Answers: what do the settings about snapshotters put into containerd's configuration, and what of them cannot be
 * meant? Source: spec 03 §4, §6; 07; decisions §5.
 */
import { Result } from "effect"
import * as Fact from "../input/Fact.ts"
import { PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import type { ContainerdPaths } from "./ConfigPaths.ts"
import * as Erofs from "./Erofs.ts"
import * as Snapshotter from "./Snapshotter.ts"

/** What is wrong with the snapshotters that the settings ask for, whatever containerd is like. */
export const problems = (settings: Settings): ReadonlyArray<Problem> => {
  const { kinds, problems } = Snapshotter.parse(settings.setupSnapshotters)
  // Layers of an erofs that somebody else set up are not ours to judge.
  const guard = kinds.includes("erofs")
    ? Erofs.goGuard(settings.erofs.mergeMode, Erofs.usersIn(settings))
    : []
  return [...problems, ...guard]
}

const notProbed = Fact.unknown("not-asked", "nobody tried it with a probe file")

/** The tables that stand beside the handlers. */
export const tables = (
  settings: Settings,
  { schema, version }: Pick<ContainerdPaths, "schema" | "version">,
): Result.Result<PrintTable, PrerequisiteError> =>
  Snapshotter.containerdTables({
    kinds: Snapshotter.parse(settings.setupSnapshotters).kinds,
    instance: settings.instance,
    erofs: settings.erofs,
    schema,
    version,
    probe: { fsverity: notProbed, immutable: notProbed },
  }).pipe(
    Result.map(({ tables }) => tables),
    Result.mapError((problems) => new PrerequisiteError({ problems })),
  )
