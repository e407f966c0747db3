/**
 * Answers: which steps put the artifacts and Kata's configurations of an instance on the host?
 * Source: spec 05, 06; decisions §3, §4, §10.
 */
import { Result } from "effect"
import * as Adoption from "../decide/Adoption.ts"
import * as ArtifactSet from "../decide/ArtifactSet.ts"
import * as Desired from "../decide/Desired.ts"
import * as KataConfig from "../decide/KataConfig.ts"
import * as Ownership from "../decide/Ownership.ts"
import * as TakenPaths from "../decide/TakenPaths.ts"
import * as TemporaryPlace from "../decide/TemporaryPlace.ts"
import type { Detected } from "../decide/RuntimeDetection.ts"
import type { Facts } from "../input/Facts.ts"
import { didYouMean } from "../input/NearestName.ts"
import * as FactsOf from "../input/Facts.ts"
import { type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import * as Shim from "../model/Shim.ts"
import type { ExtractComponent, HostAction } from "./Action.ts"
import * as Change from "./Change.ts"
import * as ChangedFiles from "./ChangedFiles.ts"
import * as Components from "./Components.ts"
import * as Journal from "./Journal.ts"
import * as Ledger from "./Ledger.ts"
import { type Restart, type Step, step } from "./Plan.ts"
import * as OlderInUse from "./OlderInUse.ts"
import * as Reconcile from "./Reconcile.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

/** Steps of a stage, the ledger after it, and what is worth saying. */
export interface StageResult {
  readonly steps: ReadonlyArray<Step<HostAction>>
  readonly ledger: Ledger.Ledger
  readonly notices: ReadonlyArray<Notice>
}

/** The stage, and the units of snapshotters that somebody else has to restart. */
export interface ArtifactsStageResult extends StageResult {
  readonly restarts: ReadonlyArray<typeof Restart.Type>
}

/** What the stage is planned from. */
export interface StageInput {
  readonly settings: Settings
  readonly facts: Facts
  readonly detected: Detected
}

/** The ledger to start from: what was found, brought up to this run; the CRI stage brings up the runtime. */
export const startLedger = ({ detected, facts, settings }: StageInput): Ledger.Ledger => {
  const found = FactsOf.ledgerOf(facts)
  const { runtime } = detected.row
  return {
    ...(found ?? Ledger.empty(instanceName(settings.instance), facts.release, runtime)),
    installDir: settings.instance.installDir,
    release: facts.release,
    runtime: found === undefined || found.handlers.length === 0 ? runtime : found.runtime,
  }
}

/** The Record step, unless the ledger on the host says the same already once the stage's `puts` are done. */
export const record = (
  facts: Facts,
  ledger: Ledger.Ledger,
  puts: ReadonlyArray<Step<HostAction>>,
): ReadonlyArray<Step<HostAction>> => {
  const before = facts.ledger._tag === "Read" ? facts.ledger.ledger : undefined
  return before !== undefined && Ledger.isSame(before, ledger, Ownership.digestAfter(puts))
    ? []
    : [
        step(
          { _tag: "Record", path: Ledger.pathIn(facts.stateDir), ledger } as const,
          "uninstalling removes exactly what is recorded",
        ),
      ]
}

const basePath = (facts: Facts, key: string, base: { readonly archiveSha256: string }): HostPath.HostPath =>
  HostPath.join(facts.stateDir, "base", base.archiveSha256.slice(0, 16), key)

/** Base configurations that the handlers need, by key. */
export const neededBases = (settings: Pick<Settings, "handlers">): ReadonlyMap<string, string> =>
  new Map(
    settings.handlers.flatMap((h) => {
      const row = Shim.lookup(h.shim)
      return row === undefined ? [] : [[KataConfig.baseKey(h.shim, row), h.shim] as const]
    }),
  )

/** The state directory, and the place for temporary files that `TemporaryPlace` relies on. */
export const stateDirectories = (facts: Pick<Facts, "stateDir">): ReadonlyArray<Desired.Desired> => [
  Desired.make(facts.stateDir, FileState.directory(), "ledger and pristine configurations are kept here"),
  Desired.make(
    Journal.directoryIn(facts.stateDir),
    FileState.directory(),
    "what a stage is about to change is written down here first",
  ),
  Desired.make(
    TemporaryPlace.staging(facts.stateDir),
    FileState.directory(),
    "new files are made here and then moved",
  ),
]

/** Everything outside archives that should be below the install directory. */
export const desired = (input: StageInput): ReadonlyArray<Desired.Desired> => {
  const { detected, facts, settings } = input
  const { versions } = facts.artifacts
  // In the order of the handlers, so that the order in which archives were read does not show (law L9).
  const bases = new Map(
    [...neededBases(settings).keys()].flatMap((key) => {
      const base = facts.artifacts.bases.get(key)
      return base === undefined ? [] : [[key, base] as const]
    }),
  )
  return [
    ...stateDirectories(facts),
    ...(HostPath.isWithin(facts.stateDir, settings.instance.installDir)
      ? []
      : [
          Desired.make(
            Adoption.pointerPath(settings.instance),
            FileState.file(`${facts.stateDir}\n`),
            "it tells where the ledger is",
          ),
        ]),
    ...[...bases].map(([key, base]) =>
      Desired.make(
        basePath(facts, key, base),
        FileState.file(base.text),
        "the pristine configuration, for later runs",
      ),
    ),
    ...KataConfig.desired({
      settings,
      bases,
      kubeletRoot: detected.row.distribution === "k0s" ? "k0s" : "default",
      devkitVerity: KataConfig.verityParams(facts.artifacts.devkitRootHash),
    }),
    ...SnapshotterSteps.setups(settings, detected.row).flatMap(({ files }) => files),
    ...(versions._tag === "File"
      ? [
          Desired.make(
            HostPath.join(settings.instance.installDir, "versions.yaml"),
            FileState.file(versions.text),
            "it names the versions of the artifacts",
          ),
        ]
      : []),
  ]
}

/** What keeps the stage from being planned. */
const problems = (
  input: StageInput,
  selection: ArtifactSet.Selection,
  changed: ReadonlyArray<ExtractComponent>,
): ReadonlyArray<Problem> => {
  const { facts, settings } = input
  const { archives, bases } = facts.artifacts
  const missing = ArtifactSet.missing(
    selection.components.filter((c) => archives.get(c) === undefined),
    facts.artifacts.directory,
  )
  const noBase =
    missing.length > 0
      ? []
      : [...neededBases(settings)]
          .filter(([key]) => !bases.has(key))
          .map(([key, shim]) => ({
            code: "E_CONFIG_NOT_FOUND",
            value: shim,
            path: `opt/kata/share/defaults/kata-containers/${key}`,
            message: `No archive holds ${key}, the Kata configuration that the shim ${shim} starts from.`,
            remedy: `Use artifacts that have it, or leave the shim out.${didYouMean(shim, Shim.names)}`,
          }))
  return [...missing, ...noBase, ...unreadableVersions(facts), ...noSpace(facts, changed)]
}

/** Without its text the file on the node could only be left to rot or removed, and both would be a guess. */
const unreadableVersions = ({ artifacts }: Facts): ReadonlyArray<Problem> =>
  artifacts.versions._tag === "Absent" || artifacts.versions._tag === "File"
    ? []
    : [
        {
          code: "E_VERSIONS_UNREADABLE",
          path: `${artifacts.directory}/versions.yaml`,
          message: `${artifacts.directory}/versions.yaml cannot be read, so it is not known which versions the node gets.`,
          remedy: "See to it that the artifacts can be read, and try again.",
        },
      ]

const noSpace = (facts: Facts, changed: ReadonlyArray<ExtractComponent>): ReadonlyArray<Problem> => {
  if (facts.freeBytes._tag === "Unknown") return []
  const needed = changed.reduce((sum, c) => sum + Components.unpackedBytes(facts, c), 0)
  const guessed = changed.filter(
    ({ name }) => facts.artifacts.archives.get(name)?.unpackedBytes === undefined,
  )
  const basis =
    guessed.length === 0
      ? ""
      : ` (of archives that do not say more, five times their size: ${guessed.map(({ name }) => name).join(", ")})`
  return needed <= facts.freeBytes.value
    ? []
    : [
        {
          code: "E_NO_SPACE",
          path: facts.stateDir,
          message: `Unpacking needs ${guessed.length === 0 ? "" : "about "}${megabytes(needed)} MB${basis}, but the filesystem of ${facts.stateDir} has ${megabytes(facts.freeBytes.value)} MB left.`,
          remedy: "Free some space, or enable fewer shims.",
        },
      ]
}

const megabytes = (bytes: number): number => Math.ceil(bytes / 1_000_000)

/** The journal's place comes first: until it is there, nobody would know what an interrupted run has made. */
const journalFirst = (
  directories: ReadonlyArray<Step<HostAction>>,
  { stateDir }: Pick<Facts, "stateDir">,
): ReadonlyArray<Step<HostAction>> => {
  const places = [Journal.directoryIn(stateDir), TemporaryPlace.staging(stateDir)]
  const leadsThere = ({ action }: Step<HostAction>): boolean =>
    action._tag === "Put" && places.some((place) => HostPath.isWithin(place, action.change.path))
  return [...directories.filter(leadsThere), ...directories.filter((each) => !leadsThere(each))]
}

/** Plans the stage. */
export const plan = (input: StageInput): Result.Result<ArtifactsStageResult, PrerequisiteError> =>
  ArtifactSet.parseManifest(input.facts.artifacts.manifest, input.facts.artifacts.directory).pipe(
    Result.flatMap((manifest) => planWith(input, ArtifactSet.select(manifest, input.settings))),
  )

const planWith = (
  input: StageInput,
  selection: ArtifactSet.Selection,
): Result.Result<ArtifactsStageResult, PrerequisiteError> => {
  const { detected, facts, settings } = input
  const { installDir } = settings.instance
  const before = startLedger(input)
  const present = selection.optional.filter((c) => facts.artifacts.archives.get(c) !== undefined)
  const setups = SnapshotterSteps.setups(settings, detected.row)
  const components = [...selection.components, ...present, ...setups.map(SnapshotterSteps.componentOf)].sort()
  const wanted = desired(input)
  const again = Components.givenBack(input, before, components, wanted)
  const changed = Components.changed(facts, before, components, again)
  const found = [
    ...problems(input, selection, changed),
    ...SnapshotterSteps.problems(input, facts.artifacts.nydusPrograms),
  ]
  if (found.length > 0) return Result.fail(new PrerequisiteError({ problems: found }))
  const reconciled = Reconcile.reconcile({
    stage: "artifacts",
    desired: wanted,
    ledger: before,
    look: (path) => FactsOf.at(facts, path),
    takenOver: again.map((g) => g.path),
    neighbours: facts.neighbours,
    deadEnds: facts.deadEnds,
  })
  return Result.map(reconciled, (stage) => {
    const except = wanted.flatMap((d) =>
      d.state._tag !== "Directory" && HostPath.isBelow(d.path, installDir)
        ? [HostPath.relativeTo(d.path, installDir)]
        : [],
    )
    const ledger = {
      ...stage.ledger,
      components: Components.recorded(facts, before, components, changed, except),
    }
    const snapshotters = SnapshotterSteps.setUp(setups, {
      facts,
      changed: new Set([...changed.map((c) => c.name), ...changedPaths(stage.puts)]),
    })
    const notices = [
      ...selection.notices,
      ...selection.optional
        .filter((c) => !present.includes(c))
        .map((c) => ArtifactSet.withoutOptional(c, facts.artifacts.directory)),
      ...stage.notices,
      ...OlderInUse.replaced(input, changed),
      ...ChangedFiles.notices(
        facts.unpacked,
        changed.map((c) => c.name),
        installDir,
        "replaced",
      ),
      ...(facts.artifacts.versions._tag === "File" ? [] : [noVersions]),
      ...KataConfig.notices(settings, facts.artifacts.devkitRootHash),
    ]
    return {
      steps: [
        ...journalFirst(stage.directories, facts),
        step(
          {
            _tag: "Extract",
            into: installDir,
            staging: TemporaryPlace.staging(facts.stateDir),
            components: changed,
            except,
            owned: changed.length === 0 ? [] : TakenPaths.ownedBelow(before, installDir),
          } as const,
          changed.length === 0
            ? "every component is unpacked already"
            : "the enabled shims need these components",
        ),
        ...stage.puts,
        ...stage.removals,
        ...Reconcile.vacate(ledger, wanted, Reconcile.removedBy(stage.removals)),
        ...snapshotters.steps,
        ...record(facts, ledger, stage.puts),
      ],
      ledger,
      notices,
      restarts: snapshotters.restarts,
    }
  })
}

/** Paths that steps really change. */
const changedPaths = (steps: ReadonlyArray<Step<HostAction>>): ReadonlyArray<string> =>
  steps.flatMap(({ action }) =>
    action._tag === "Put" && !Change.isNoop(action.change) ? [action.change.path] : [],
  )

const noVersions: Notice = {
  code: "no-versions-file",
  severity: "warning",
  message: "The artifact directory has no versions.yaml, so the node will not show which versions it has.",
}
