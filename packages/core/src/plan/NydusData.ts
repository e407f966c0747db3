/**
 * Answers: what becomes of what nydus stored on the host when a cleanup takes nydus away? It stays, unless its purge is
 * asked for; then it goes in this order, each step of which the next one builds on:
 *
 * 1. Snapshots go through containerd, in all namespaces, while the snapshotter runs and containerd still has its proxy
 *    plugin. Without the plugin nothing can be listed or removed, and without the snapshotter a listing fails.
 * 2. The snapshotter stops, its unit goes, and containerd's configuration names it no longer: no new snapshot comes.
 * 3. The directory goes last, before the ledger forgets the install, and only if another look at containerd finds
 *    nothing that refers to it. A list without an entry needs no snapshotter, so that look works after the stop, too.
 *
 * A run that is cut off between any two of them leaves a node on which the next one finds what is left: by the ledger,
 * or by the names of the directories. Source: spec 07 §3; facts containerd §9; docs/decisions/0019.
 */
import * as NydusMode from "../decide/NydusMode.ts"
import * as SnapshotterData from "../decide/SnapshotterData.ts"
import { valueOf } from "../input/Fact.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import type { HostPath } from "../model/HostPath.ts"
import type { Instance } from "../model/Instance.ts"
import type { HostAction } from "./Action.ts"
import type { PlanInput } from "./InstallPlan.ts"
import { type ActionName, type Step, step } from "./Plan.ts"

/** Where both modes of an instance store their snapshots. */
export const directories = (instance: Instance): ReadonlyArray<HostPath> =>
  NydusMode.all.map((mode) => NydusMode.paths(mode, instance).data)

/** Whether an action takes the snapshotters out of the configuration, and may therefore purge their data. */
export const mayPurge = (action: ActionName): boolean =>
  action === "cleanup" || action === "cleanup-stage-revert-cri"

/** What becomes of the data of both modes. */
export interface DataSteps {
  /** Names of the snapshotters whose snapshots go. */
  readonly snapshotters: ReadonlyArray<string>
  /** Directories whose purge is asked for. */
  readonly directories: ReadonlyArray<HostPath>
  /** Before the snapshotters stop. */
  readonly removal: ReadonlyArray<Step<HostAction>>
  /** When nothing names them any more. */
  readonly purge: ReadonlyArray<Step<HostAction>>
  readonly notices: ReadonlyArray<Notice>
  /** Directories that stay. */
  readonly residues: ReadonlyArray<HostPath>
}

/** What the decision goes by. */
export interface DataInput {
  readonly facts: Pick<FactsOf.Facts, "control" | "files" | "ledger" | "snapshotterData" | "snapshotterUnits">
  readonly instance: Instance
  readonly wish: SnapshotterData.DataWish
}

const nothing: DataSteps = {
  snapshotters: [],
  directories: [],
  removal: [],
  purge: [],
  notices: [],
  residues: [],
}

/** Why data is kept, and what helps. */
interface Reason {
  readonly because: string
  readonly remedy: string
}

const usual = (because: string): Reason => ({ because, remedy: SnapshotterData.usualRemedy })

const onTheNode =
  "Run cleanup --nydus-data purge with --host-root / on the node itself, or let the pod see /var/lib at /host-var-lib."

/** What at the directory's path keeps it from being purged, whatever containerd says. */
const atPath = (facts: DataInput["facts"], path: HostPath): Reason | undefined => {
  const state = FactsOf.at(facts, path)
  switch (state._tag) {
    case "Directory":
    case "Absent":
      return undefined
    case "Unreadable":
      return { because: `it cannot be looked at from here (${state.detail})`, remedy: onTheNode }
    default:
      return {
        because: `it is a ${state._tag.toLowerCase()} and no directory`,
        remedy: "See what it stands for, and remove both by hand.",
      }
  }
}

/** What of its unit keeps it: nothing may be taken away from a snapshotter that runs. */
const ofUnit = ({ facts }: DataInput, unit: string, isOurs: boolean): Reason | undefined => {
  if (facts.control._tag === "Unknown")
    return {
      because: `${unit} may still run, and no unit may be controlled here (${facts.control.why})`,
      remedy: "Run cleanup --nydus-data purge where units may be controlled.",
    }
  const state = facts.snapshotterUnits.get(unit)
  if (isOurs || (state?._tag === "Known" && state.value !== "active" && state.value !== "activating"))
    return undefined
  return {
    because:
      state?._tag === "Known"
        ? `${unit} still runs, and nothing here says that it is ours`
        : `it is not known whether ${unit} still runs`,
    remedy: `Stop it (systemctl disable --now ${unit}) if nobody needs it, then run cleanup --nydus-data purge once more.`,
  }
}

/** What of containerd keeps it. */
const ofContainerd = (
  { facts }: DataInput,
  { name }: NydusMode.NydusPaths,
  isOurs: boolean,
): Reason | SnapshotterData.Outlook => {
  const sight = facts.snapshotterData
  if (sight._tag === "Unknown")
    return {
      because: `containerd could not be asked what it has of it (${sight.why})`,
      remedy: "Run cleanup --nydus-data purge once more when containerd answers.",
    }
  const outlook = sight.value.outlooks[name]
  if (outlook === undefined) return usual("nobody asked containerd what it has of it")
  if (outlook.obstacle !== null) return usual(outlook.obstacle)
  const count = SnapshotterData.count(outlook)
  return isOurs || count === 0
    ? outlook
    : usual(`containerd has ${count} snapshots of ${name}, and nothing here says that they are ours`)
}

/** Out of sight there is data only if something else speaks for it; else every node would be told of what it never had. */
const mayBeThere = ({ facts }: DataInput, { data, name }: NydusMode.NydusPaths, isOurs: boolean): boolean => {
  const { _tag: state } = FactsOf.at(facts, data)
  if (state !== "Unreadable") return state !== "Absent"
  const outlook = valueOf(facts.snapshotterData)?.outlooks[name]
  return isOurs || (outlook !== undefined && SnapshotterData.count(outlook) > 0)
}

const kept = (directory: HostPath, reason: Reason): DataSteps => ({
  ...nothing,
  directories: [directory],
  purge: [step({ _tag: "KeepData", directory, ...reason } as const, reason.because)],
  notices: [SnapshotterData.notPurged(directory, reason)],
  residues: [directory],
})

/** The purge of one mode's data; nothing where there is none. */
const purgeOf = (input: DataInput, mode: NydusMode.NydusMode): DataSteps => {
  const at = NydusMode.paths(mode, input.instance)
  const { data: directory, name, unit } = at
  const isOurs = FactsOf.ledgerOf(input.facts)?.files.some(({ path }) => path === at.unitFile) ?? false
  const found = ofContainerd(input, at, isOurs)
  const isThere = mayBeThere(input, at, isOurs)
  const reason =
    atPath(input.facts, directory) ?? ofUnit(input, unit, isOurs) ?? ("because" in found ? found : undefined)
  const sight = input.facts.snapshotterData
  if (reason !== undefined || "because" in found || sight._tag === "Unknown")
    return isThere && reason !== undefined ? kept(directory, reason) : nothing
  const { socket } = sight.value
  return {
    ...nothing,
    snapshotters: found.namespaces.length === 0 ? [] : [name],
    directories: isThere ? [directory] : [],
    removal:
      found.namespaces.length === 0
        ? []
        : [
            step(
              { _tag: "RemoveSnapshots", snapshotter: name, socket, namespaces: found.namespaces } as const,
              `containerd cannot remove them any more when ${name} is gone`,
            ),
          ],
    purge: isThere
      ? [
          step(
            { _tag: "PurgeData", directory, snapshotter: name, unit, socket } as const,
            "its purge is asked for, and nothing refers to it any more",
          ),
        ]
      : [],
  }
}

/** What stays as it usually does. Out of sight there may be nothing, so that is said only of snapshotters that go. */
const keepOf = ({ facts, instance }: DataInput, mode: NydusMode.NydusMode): DataSteps => {
  const { data, name, unitFile } = NydusMode.paths(mode, instance)
  const state = FactsOf.at(facts, data)
  const goes = FactsOf.ledgerOf(facts)?.files.some(({ path }) => path === unitFile) ?? false
  if (state._tag === "Absent" || (state._tag === "Unreadable" && !goes)) return nothing
  return { ...nothing, notices: [SnapshotterData.keptAsUsual(name, data)], residues: [data] }
}

const merged = (each: ReadonlyArray<DataSteps>): DataSteps => ({
  snapshotters: each.flatMap((one) => one.snapshotters),
  directories: each.flatMap((one) => one.directories),
  removal: each.flatMap(({ removal }) => removal),
  purge: each.flatMap(({ purge }) => purge),
  notices: each.flatMap(({ notices }) => notices),
  residues: each.flatMap(({ residues }) => residues),
})

/** What becomes of the data of both modes of nydus. */
export const plan = (input: DataInput): DataSteps =>
  merged(NydusMode.all.map((mode) => (input.wish === "purge" ? purgeOf(input, mode) : keepOf(input, mode))))

/** The same for an action; one that may not purge keeps. */
export const of = ({ action, facts, nydusData, settings }: PlanInput): DataSteps =>
  plan({
    facts,
    instance: settings.instance,
    wish: mayPurge(action) ? (nydusData ?? "keep") : "keep",
  })
