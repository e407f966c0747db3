/**
 * Answers: which steps make a snapshotter run, and which take it away? What has to be so is `SnapshotterSetup`'s; here
 * it becomes a component like those that come out of archives, and what is asked of its unit around that.
 * Source: spec 07 §2–§3; decisions §1.
 */
import * as NydusMode from "../decide/NydusMode.ts"
import * as RecordedModes from "../decide/RecordedModes.ts"
import * as SnapshotterData from "../decide/SnapshotterData.ts"
import * as SnapshotterSetup from "../decide/SnapshotterSetup.ts"
import { type Fact, unknown } from "../input/Fact.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice, Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import type { RuntimeRow } from "../model/Distribution.ts"
import type * as HostPath from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import type { ExtractComponent, HostAction } from "./Action.ts"
import type { StageInput } from "./ArtifactsStage.ts"
import type { Ledger } from "./Ledger.ts"
import { type Restart, type Step, step } from "./Plan.ts"

/** The directory of the artifacts with the programs of nydus. */
export const programsDirectory = "nydus-snapshotter"

type Row = Pick<RuntimeRow, "layout" | "unit">

/** Everything that has to be so for the snapshotters of the settings; CRI-O has none. */
export const setups = (
  settings: Settings,
  { layout, unit }: Row,
): ReadonlyArray<SnapshotterSetup.SnapshotterSetup> =>
  layout === "crio"
    ? []
    : SnapshotterSetup.modesOf(settings).map((mode) => {
        const setup = SnapshotterSetup.ofMode(mode, { ...settings, criUnit: unit })
        return { ...setup, files: RecordedModes.withReasons(setup.files, settings) }
      })

/** What keeps the snapshotters of the settings from being set up. */
export const problems = (
  { detected, settings }: Pick<StageInput, "detected" | "settings">,
  programs: SnapshotterSetup.NydusPrograms = unknown("not-asked", "nobody looked"),
): ReadonlyArray<Problem> =>
  setups(settings, detected.row).flatMap(({ mode }) => SnapshotterSetup.programProblems(mode, programs))

/** The name under which the programs of a snapshotter are recorded: that of their directory. */
export const componentOf = ({ mode }: Pick<SnapshotterSetup.SnapshotterSetup, "mode">): string =>
  NydusMode.modes[mode].directory

/** What is copied for a component, with paths relative to the install directory; `undefined` for archives. */
export const copiesOf = (component: string): ExtractComponent["copies"] => {
  const row = NydusMode.all
    .map((mode) => NydusMode.modes[mode])
    .find(({ directory }) => directory === component)
  return row?.programs.map((program) => ({ from: program, to: `${row.directory}/${program}` }))
}

const asStep = (
  { onFailure, unit, verb }: SnapshotterSetup.UnitStep,
  because: string,
  ours?: { readonly whenUndone: "as-it-was" },
): Step<HostAction> =>
  step(
    { _tag: "Unit", verb, unit, ...(onFailure === "ignore" ? { onFailure } : {}), ...ours } as const,
    because,
  )

/** What is asked of units, and what somebody else has to ask of them. */
export interface UnitSteps {
  readonly steps: ReadonlyArray<Step<HostAction>>
  /** Units that nobody of us may control. */
  readonly restarts: ReadonlyArray<typeof Restart.Type>
}

/** What the steps go by. */
export interface SetUpFacts {
  readonly facts: Pick<FactsOf.Facts, "control" | "ledger" | "snapshotterUnits">
  /** Components and paths that the stage changes. */
  readonly changed: ReadonlySet<string>
}

const isDown = (state: Fact<string> | undefined): boolean =>
  state?._tag === "Known" && state.value !== "active" && state.value !== "activating"

/** The steps behind programs and files; nothing where nothing changed and the unit runs. */
export const setUp = (
  wanted: ReadonlyArray<SnapshotterSetup.SnapshotterSetup>,
  { changed, facts }: SetUpFacts,
): UnitSteps => {
  // Whether it runs with these files nobody here can see, so the restart stays due.
  if (facts.control._tag === "Unknown")
    return { steps: [], restarts: wanted.map(({ unit }) => ({ unit, due: "not-ours" })) }
  // What a run that was cut off has written is loaded by nobody yet.
  const cutOff = facts.ledger._tag === "Recovered" && facts.ledger.stages.includes("artifacts")
  const steps = wanted.flatMap((setup) => {
    const isChanged =
      cutOff || changed.has(componentOf(setup)) || setup.files.some(({ path }) => changed.has(path))
    const asked = isChanged
      ? setup.whenChanged
      : isDown(facts.snapshotterUnits.get(setup.unit))
        ? setup.whenDown
        : []
    const because = isChanged ? "its programs or its configuration changed" : "it does not run"
    return asked.map((each) => asStep(each, because, { whenUndone: "as-it-was" }))
  })
  return { steps, restarts: [] }
}

/** Modes whose unit file is ours and there. */
const present = (
  facts: Pick<FactsOf.Facts, "files">,
  files: Ledger["files"],
  instance: Instance,
): ReadonlyArray<SnapshotterSetup.SnapshotterTeardown> =>
  NydusMode.all
    .map((mode) => SnapshotterSetup.teardown(mode, instance))
    .filter(
      ({ unitFile }) =>
        files.some(({ path }) => path === unitFile) && FactsOf.at(facts, unitFile)._tag !== "Absent",
    )

/** How the snapshotters among these files of ours go: what comes before their removal, and behind it. */
export interface TakeDown {
  /** Their names. */
  readonly names: ReadonlyArray<string>
  readonly unitFiles: ReadonlyArray<HostPath.HostPath>
  /** Directories of the programs that end with it, because their units are stopped. */
  readonly stopped: ReadonlyArray<HostPath.HostPath>
  readonly before: ReadonlyArray<Step<HostAction>>
  readonly after: ReadonlyArray<Step<HostAction>>
  readonly notices: ReadonlyArray<Notice>
}

/** Stops units of ours whose files go. What becomes of their data is another question (`NydusData`). */
export const takeDown = (
  facts: Pick<FactsOf.Facts, "control" | "files">,
  files: Ledger["files"],
  instance: Instance,
): TakeDown => {
  const going = present(facts, files, instance)
  const of = {
    names: going.map(({ name }) => name),
    unitFiles: going.map(({ unitFile }) => unitFile),
  }
  if (facts.control._tag === "Unknown")
    return { ...of, stopped: [], before: [], after: [], notices: going.map(({ unit }) => stopIsDue(unit)) }
  return {
    ...of,
    stopped: going.map(({ directory }) => directory),
    before: going.flatMap(({ before }) => before.map((each) => asStep(each, "nothing uses it any more"))),
    after: going.slice(0, 1).flatMap(({ after }) => after.map((each) => asStep(each, "unit files are gone"))),
    notices: [],
  }
}

/** Said where an install takes a snapshotter away: its data stays, because containerd's records of it stay. */
export const dataStays = (
  facts: Pick<FactsOf.Facts, "files">,
  files: Ledger["files"],
  instance: Instance,
): ReadonlyArray<Notice> =>
  present(facts, files, instance).map(({ dataDirectory, name }) =>
    SnapshotterData.keptAsUsual(name, dataDirectory),
  )

const stopIsDue = (unit: string): Notice => ({
  code: "snapshotter-stop-due",
  severity: "warning",
  message: `${unit} is no longer installed, but may still run, since no unit may be controlled here.`,
  remedy: `Stop it on the node: systemctl disable --now ${unit}.`,
})
