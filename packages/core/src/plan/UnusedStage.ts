/**
 * Answers: which artifacts does no handler need any more? The artifacts stage only marks them, since the CRI runtime
 * may still offer a handler that starts them; they go when it was seen to work with the configuration without it.
 */
import * as Ownership from "../decide/Ownership.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Notice } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { HostAction } from "./Action.ts"
import { record } from "./ArtifactsStage.ts"
import * as Change from "./Change.ts"
import * as ChangedFiles from "./ChangedFiles.ts"
import * as LeftAlone from "./LeftAlone.ts"
import type { Ledger, OwnedFile } from "./Ledger.ts"
import { put, type Step, step } from "./Plan.ts"
import * as OlderInUse from "./OlderInUse.ts"
import * as Reconcile from "./Reconcile.ts"
import * as SnapshotterSteps from "./SnapshotterSteps.ts"

const because = "the settings no longer ask for it"

/** Relative paths of what components have that are used. */
const usedPaths = ({ components }: Ledger): ReadonlySet<string> =>
  new Set(components.flatMap((c) => (c.unused === true ? [] : c.entries.map((entry) => entry.path))))

const isAmong = (paths: ReadonlySet<string>, path: HostPath.HostPath, root: HostPath.HostPath): boolean =>
  HostPath.isBelow(path, root) && paths.has(HostPath.relativeTo(path, root))

/** Unused files: those that go, those that cannot be looked at and stay ours (law L5), and what took the place of one. */
const filesOf = (facts: FactsOf.Facts, ledger: Ledger, root: HostPath.HostPath) => {
  const unpacked = usedPaths(ledger)
  const steps: Array<Step<HostAction>> = []
  const kept: Array<OwnedFile> = []
  const notices: Array<Notice> = []
  for (const owned of ledger.files) {
    const before = FactsOf.at(facts, owned.path)
    // What an archive has put in its place since is the archive's.
    if (owned.unused === true && isAmong(unpacked, owned.path, root)) continue
    const why = LeftAlone.why(facts, ledger, owned.path)
    if (owned.unused !== true || before._tag === "Unreadable") kept.push(owned)
    else if (why !== undefined) notices.push(LeftAlone.notice(owned.path, why))
    else if (before._tag !== "Absent") {
      notices.push(...Ownership.changedSince(owned, before))
      steps.push(put(Change.make(owned.path, before, FileState.absent), because))
    }
  }
  return { steps, kept, notices }
}

/** Entries of unused components, but for those that another component or a file of ours has as well. */
const entriesOf = (ledger: Ledger, root: HostPath.HostPath) => {
  const used = new Set([
    ...usedPaths(ledger),
    ...ledger.files
      .filter((file) => file.unused !== true && HostPath.isBelow(file.path, root))
      .map((file) => HostPath.relativeTo(file.path, root)),
  ])
  return ledger.components.flatMap((c) =>
    c.unused === true ? c.entries.filter((e) => e.type !== "directory" && !used.has(e.path)) : [],
  )
}

/** The directory of drop-ins beside a configuration that stays, which stays with it although it may be empty. */
const dropInsBeside = ({ path }: OwnedFile) => ({ path: HostPath.join(HostPath.parent(path), "config.d") })

/** The steps that take away what is marked as unused; none where nothing is. */
export const plan = (
  facts: FactsOf.Facts,
  settings: Pick<Settings, "handlers" | "instance">,
): { readonly steps: ReadonlyArray<Step<HostAction>>; readonly notices: ReadonlyArray<Notice> } => {
  const { instance } = settings
  const ledger = facts.ledger._tag === "Read" ? facts.ledger.ledger : undefined
  const isUnused = (each: { readonly unused?: true }): boolean => each.unused === true
  if (ledger === undefined || !(ledger.files.some(isUnused) || ledger.components.some(isUnused)))
    return { steps: [], notices: [] }
  const root = instance.installDir
  const unused = ledger.components.filter(isUnused).map((c) => c.name)
  const inUse = OlderInUse.kept(facts, settings, ledger, entriesOf(ledger, root))
  if (inUse.length > 0) return { steps: [], notices: inUse }
  const { kept, notices, steps: puts } = filesOf(facts, ledger, root)
  const down = SnapshotterSteps.takeDown(facts, ledger.files.filter(isUnused), instance)
  const removals: ReadonlyArray<Step<HostAction>> = [
    ...puts,
    ...(unused.length === 0
      ? []
      : [
          step(
            {
              _tag: "RemoveTree",
              root,
              entries: entriesOf(ledger, root),
              reserved: [facts.stateDir],
            } as const,
            `no enabled shim needs ${unused.join(", ")} any more`,
          ),
        ]),
  ]
  const after: Ledger = {
    ...ledger,
    files: kept,
    components: ledger.components.filter((c) => !isUnused(c)),
  }
  return {
    steps: [
      ...down.before,
      ...removals,
      ...down.after,
      ...Reconcile.vacate(ledger, [...kept, ...kept.map(dropInsBeside)], Reconcile.removedBy(removals)),
      ...record(facts, after, []),
    ],
    notices: [
      ...notices,
      ...ChangedFiles.notices(facts.unpacked, unused, root, "removed"),
      ...down.notices,
      ...SnapshotterSteps.dataStays(facts, ledger.files.filter(isUnused), instance),
    ],
  }
}
