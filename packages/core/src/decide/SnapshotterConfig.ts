/**
 * Answers: what do the settings about snapshotters put into containerd's configuration, and what of them cannot be
 * meant? Source: spec 03 §4, §6; 07; decisions §5.
 */
import { Result } from "effect"
import type { SightFacts } from "../input/Facts.ts"
import { type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as ProbeFile from "../model/ProbeFile.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import type { ContainerdPaths } from "./ConfigPaths.ts"
import * as Erofs from "./Erofs.ts"
import * as NydusMode from "./NydusMode.ts"
import * as Snapshotter from "./Snapshotter.ts"
import * as SnapshotterSetup from "./SnapshotterSetup.ts"

/** What is wrong with the snapshotters that the settings ask for, whatever containerd is like. */
export const problems = (settings: Settings): ReadonlyArray<Problem> => {
  const { kinds, problems } = Snapshotter.parse(settings.setupSnapshotters)
  // Layers of an erofs that somebody else set up are not ours to judge.
  const guard = kinds.includes("erofs")
    ? Erofs.goGuard(settings.erofs.mergeMode, Erofs.usersIn(settings))
    : []
  const sockets = SnapshotterSetup.modesOf(settings).flatMap((mode) =>
    NydusMode.socketProblems(mode, settings.instance),
  )
  return [...problems, ...guard, ...sockets]
}

/**
 * Names that no snapshotter has: a wrong setting, whatever the host is like (decisions §12). With CRI-O the setting has no
 * effect, which is only told (spec 09 §5).
 */
export const misnamed = (
  { setupSnapshotters }: Pick<Settings, "setupSnapshotters">,
  { layout }: Pick<RuntimeRow, "layout">,
): ReadonlyArray<Problem> => (layout === "crio" ? [] : Snapshotter.parse(setupSnapshotters).problems)

/** The probe where nobody tried: what it would prove stays off, and that is told. */
export const unprobed: ProbeFile.ProbeFile = ProbeFile.untried("nobody tried it with a probe file")

/** What the probe file showed, as far as there was one. */
export const probed = (sight: Pick<SightFacts, "probeFile"> | undefined): ProbeFile.ProbeFile =>
  sight?.probeFile ?? unprobed

/** The tables that stand beside the handlers, and what is worth saying about them. */
export const decide = (
  settings: Settings,
  { schema, version }: Pick<ContainerdPaths, "schema" | "version">,
  probe: ProbeFile.ProbeFile,
): Result.Result<
  { readonly tables: PrintTable; readonly notices: ReadonlyArray<Notice> },
  PrerequisiteError
> =>
  Snapshotter.containerdTables({
    kinds: Snapshotter.parse(settings.setupSnapshotters).kinds,
    instance: settings.instance,
    erofs: settings.erofs,
    schema,
    version,
    probe,
  }).pipe(Result.mapError((problems) => new PrerequisiteError({ problems })))

/** The tables alone, without a probe. */
export const tables = (
  settings: Settings,
  paths: Pick<ContainerdPaths, "schema" | "version">,
): Result.Result<PrintTable, PrerequisiteError> =>
  Result.map(decide(settings, paths, unprobed), ({ tables }) => tables)
