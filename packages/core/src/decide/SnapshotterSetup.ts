/**
 * Answers: what makes a snapshotter run on a node, and what takes it away, as data for a plan? Files, programs, units
 * with their verbs in order, what is removed and what is kept. erofs is part of containerd and needs none of it.
 * Source: spec 07 §2–§3; 12 W-17; decisions §3.
 */
import { Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import { PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import type { UnitVerb } from "../ports/HostShell.ts"
import * as Desired from "./Desired.ts"
import * as NydusGuestPull from "./NydusGuestPull.ts"
import * as NydusHostShare from "./NydusHostShare.ts"
import * as NydusMode from "./NydusMode.ts"
import * as NydusUnit from "./NydusUnit.ts"

/** A program to be copied out of the artifact directory. */
export interface ProgramCopy {
  /** Its file name below `nydus-snapshotter/` of the artifact directory. */
  readonly program: string
  /** Where it goes, with the permissions that it has there. */
  readonly path: HostPath.HostPath
}

/** Something that is asked of a unit. */
export interface UnitStep {
  readonly verb: UnitVerb
  /** `reload` reloads the manager and ignores it. */
  readonly unit: string
  /** `ignore`: a unit that is not there is as good as one that was told. */
  readonly onFailure: "ignore" | "report"
}

/** What has to be so where a snapshotter runs. */
export interface SnapshotterSetup {
  readonly mode: NydusMode.NydusMode
  /** Name of the proxy plugin and of the snapshotter in handlers. */
  readonly name: string
  readonly unit: string
  readonly programs: ReadonlyArray<ProgramCopy>
  /** Configuration and unit file. */
  readonly files: ReadonlyArray<Desired.Desired>
  /** Directory of programs and configuration; made by us, and ours as a whole. */
  readonly directory: HostPath.HostPath
  /** Where it listens; it makes the directory itself. */
  readonly socket: HostPath.HostPath
  /** Its snapshots; it makes the directory itself, and no plan touches it. */
  readonly dataDirectory: HostPath.HostPath
  /**
   * In this order, right behind programs and files, and only where one of those changed: the running one goes on until
   * everything lies ready. Without a change nothing is asked of the unit.
   */
  readonly whenChanged: ReadonlyArray<UnitStep>
  /** Where nothing changed but the unit does not run: in this order. */
  readonly whenDown: ReadonlyArray<UnitStep>
}

/** How a snapshotter goes; every part of it may be repeated. */
export interface SnapshotterTeardown {
  readonly mode: NydusMode.NydusMode
  readonly name: string
  readonly unit: string
  /** First of all, and only where the unit file is there. */
  readonly before: ReadonlyArray<UnitStep>
  /** Only then. */
  readonly unitFile: HostPath.HostPath
  /** Removed with everything in it. */
  readonly directory: HostPath.HostPath
  /** Behind the removals. */
  readonly after: ReadonlyArray<UnitStep>
  /** Stays: containerd's records of what is in it stay as well, and both have to agree. */
  readonly dataDirectory: HostPath.HostPath
}

const step = (verb: UnitVerb, unit: string, onFailure: UnitStep["onFailure"] = "report"): UnitStep => ({
  verb,
  unit,
  onFailure,
})

/** What a setup is made from. */
export interface SetupInput {
  readonly instance: Instance
  readonly nydusHs: Settings["nydusHs"]
  /** Unit of the CRI runtime, e.g. `k3s.service`. */
  readonly criUnit: string
}

/** What has to be so where nydus runs in a mode. */
export const ofMode = (mode: NydusMode.NydusMode, input: SetupInput): SnapshotterSetup => {
  const at = NydusMode.paths(mode, input.instance)
  const config =
    mode === "guest-pull"
      ? NydusGuestPull.configText(input.instance)
      : NydusHostShare.configText(input.instance, input.nydusHs)
  const { programs, setting } = NydusMode.modes[mode]
  return {
    mode,
    name: at.name,
    unit: at.unit,
    programs: programs.map((program) => ({ program, path: HostPath.join(at.directory, program) })),
    files: [
      Desired.make(at.config, FileState.file(config), `EXPERIMENTAL_SETUP_SNAPSHOTTER names ${setting}`),
      Desired.make(
        at.unitFile,
        FileState.file(NydusUnit.text(mode, input.instance, input.criUnit)),
        `${setting} has to be up before ${input.criUnit}`,
      ),
    ],
    directory: at.directory,
    socket: at.socket,
    dataDirectory: at.data,
    whenChanged: [
      // Takes away links to a CRI unit that an older release named differently; the process runs on.
      step("disable", at.unit, "ignore"),
      step("reload", at.unit),
      step("enable", at.unit),
      step("restart", at.unit),
    ],
    whenDown: [step("enable", at.unit), step("restart", at.unit)],
  }
}

/** How nydus goes in a mode. */
export const teardown = (mode: NydusMode.NydusMode, instance: Instance): SnapshotterTeardown => {
  const at = NydusMode.paths(mode, instance)
  return {
    mode,
    name: at.name,
    unit: at.unit,
    before: [step("stop", at.unit), step("disable", at.unit)],
    unitFile: at.unitFile,
    directory: at.directory,
    after: [step("reload", at.unit)],
    dataDirectory: at.data,
  }
}

/** The modes that settings ask for, in the order in which they are set up. */
export const modesOf = (settings: Pick<Settings, "setupSnapshotters">): ReadonlyArray<NydusMode.NydusMode> =>
  NydusMode.all.filter((mode) =>
    settings.setupSnapshotters.some((word) => word.trim() === NydusMode.modes[mode].setting),
  )

/** Names of the files in `nydus-snapshotter/` of the artifact directory; *known and empty* where there is none. */
export type NydusPrograms = Fact<ReadonlySet<string>>

/** Programs that a mode needs and that are not there, or that cannot be looked for: they cannot be copied then. */
export const programProblems = (
  mode: NydusMode.NydusMode,
  programs: NydusPrograms,
): ReadonlyArray<Problem> => {
  const { programs: needed, setting } = NydusMode.modes[mode]
  const about = { setting: "EXPERIMENTAL_SETUP_SNAPSHOTTER", value: setting }
  if (programs._tag === "Unknown")
    return [
      {
        ...about,
        code: "E_NYDUS_PROGRAMS_UNREADABLE",
        message: `The programs of ${setting} cannot be copied, because nydus-snapshotter/ of the artifact directory could not be read (${programs.why}).`,
        remedy: `Make the artifact directory readable, or leave ${setting} out.`,
      },
    ]
  const missing = needed.filter((program) => !programs.value.has(program))
  if (missing.length === 0) return []
  return [
    {
      ...about,
      code: "E_NYDUS_PROGRAM_MISSING",
      message: `${missing.join(" and ")} ${missing.length === 1 ? "is" : "are"} not in nydus-snapshotter/ of the artifact directory, and ${setting} cannot run without.`,
      remedy: `Use an image with the whole of nydus (nydus-image is part of nydus 2.3 and newer), or leave ${setting} out.`,
    },
  ]
}

/** What to set up and what to take away. */
export interface SnapshotterChanges {
  readonly setUp: ReadonlyArray<SnapshotterSetup>
  /** Of modes that the settings do not name; where nothing of them is on the host, there is nothing to do. */
  readonly takeAway: ReadonlyArray<SnapshotterTeardown>
}

/** What the decision goes by. */
export interface SetupFacts {
  /** The CRI runtime; CRI-O has no snapshotters, and the host check has told so. */
  readonly row: Pick<RuntimeRow, "layout" | "unit">
  readonly programs: NydusPrograms
}

/** Everything that settings ask for; fails with every problem before anything is touched. */
export const decide = (
  settings: Pick<Settings, "setupSnapshotters" | "instance" | "nydusHs">,
  { programs, row }: SetupFacts,
): Result.Result<SnapshotterChanges, PrerequisiteError> => {
  const modes = row.layout === "crio" ? [] : modesOf(settings)
  const problems = modes.flatMap((mode) => [
    ...NydusMode.socketProblems(mode, settings.instance),
    ...programProblems(mode, programs),
  ])
  if (problems.length > 0) return Result.fail(new PrerequisiteError({ problems }))
  return Result.succeed({
    setUp: modes.map((mode) => ofMode(mode, { ...settings, criUnit: row.unit })),
    takeAway: NydusMode.all
      .filter((mode) => !modes.includes(mode))
      .map((mode) => teardown(mode, settings.instance)),
  })
}
