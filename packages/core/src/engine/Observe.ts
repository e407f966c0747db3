/**
 * Answers: what does this node look like? Looks in three rounds, each at what the round before made interesting:
 * what tells the runtime apart, what decides what is desired, and every path that planning will compare.
 */
import { Effect, Result } from "effect"
import * as Adoption from "../decide/Adoption.ts"
import * as ArtifactSet from "../decide/ArtifactSet.ts"
import * as CriConfig from "../decide/CriConfig.ts"
import * as ImportedFiles from "../decide/ImportedFiles.ts"
import * as KataConfig from "../decide/KataConfig.ts"
import * as NydusMode from "../decide/NydusMode.ts"
import type { Policies } from "../decide/Policies.ts"
import type { Detected } from "../decide/RuntimeDetection.ts"
import type { DataWish } from "../decide/SnapshotterData.ts"
import * as SnapshotterSetup from "../decide/SnapshotterSetup.ts"
import type { ArchivedBase, ArtifactFacts, Facts, LedgerFact } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import type { Settings } from "../input/Settings.ts"
import * as ArchiveEntry from "../model/ArchiveEntry.ts"
import * as ContainerdVersion from "../model/ContainerdVersion.ts"
import * as Distribution from "../model/Distribution.ts"
import { type FileState, textOf } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as ArtifactsStage from "../plan/ArtifactsStage.ts"
import * as CleanupPlan from "../plan/CleanupPlan.ts"
import * as InstallPlan from "../plan/InstallPlan.ts"
import * as NydusData from "../plan/NydusData.ts"
import * as Ledger from "../plan/Ledger.ts"
import { type ActionName, isCleanup } from "../plan/Plan.ts"
import * as RollbackPlan from "../plan/RollbackPlan.ts"
import * as StagesApart from "../plan/StagesApart.ts"
import type { HostError } from "../ports/HostError.ts"
import { type ArchiveFacts, HostFiles } from "../ports/HostFiles.ts"
import { HostShell } from "../ports/HostShell.ts"
import { NodeApi } from "../ports/NodeApi.ts"
import * as ObserveData from "./ObserveData.ts"
import * as ObserveSight from "./ObserveSight.ts"
import * as ObserveUnpacked from "./ObserveUnpacked.ts"
import * as Recovery from "./Recovery.ts"
import * as Neighbourhood from "./Neighbourhood.ts"
import * as NydusArtifacts from "./NydusArtifacts.ts"

/** What to look for. */
export interface ObserveRequest {
  readonly action: ActionName
  readonly settings: Settings
  readonly release: string
  readonly stateDir: HostPath.HostPath
  readonly namedRuntime: string | undefined
  readonly userDropIn: FileState | undefined
  /** What becomes of what nydus stored; nobody asks containerd about it when left out. */
  readonly nydusData?: DataWish
  readonly policies: Policies
}

/** Enough to hide latency, few enough not to flood a node's disk. */
const concurrency = 8

/** Looks at paths that have not been looked at yet. */
const look = Effect.fnUntraced(function* (facts: Facts, paths: ReadonlyArray<HostPath.HostPath>) {
  const files = yield* HostFiles
  const fresh = [...new Set(paths)].filter((path) => !facts.files.has(path))
  const states = yield* Effect.forEach(fresh, (path) => files.look(path), { concurrency })
  const known = new Map(facts.files)
  fresh.forEach((path, at) => known.set(path, states[at]!))
  return { ...facts, files: known }
})

/** Reads the ledger of a state directory. */
export const ledger = Effect.fnUntraced(function* (stateDir: HostPath.HostPath) {
  const files = yield* HostFiles
  const fact: LedgerFact = Ledger.from(yield* files.look(Ledger.pathIn(stateDir)))
  return fact
})

/** Everything that an action's plan is made from. */
export const observe = Effect.fn("Observe.observe")(function* (
  request: ObserveRequest,
): Effect.fn.Return<Facts, HostError, HostFiles | HostShell | NodeApi> {
  const { action, policies, settings } = request
  const started = yield* look(
    yield* adopted(yield* firstRound(request), settings),
    InstallPlan.detectionPaths,
  )
  const { installDir } = settings.instance
  const recorded = FactsOf.ledgerOf(started)?.runtime
  if (action === "rollback") return yield* rollbackFacts(yield* ObserveSight.recordedRun(started, recorded))
  if (isCleanup(action)) {
    const run = yield* ObserveSight.recordedRun(started, recorded)
    const used = yield* ObserveSight.users({ action, settings, facts: run }, recorded)
    const ledger = CleanupPlan.removes(action) ? FactsOf.ledgerOf(used) : undefined
    const { facts: unpacked } = yield* ObserveUnpacked.observe(installDir, ledger)
    const paths = [...CleanupPlan.pathsOfInterest(used), ...NydusData.directories(settings.instance)]
    const seen = yield* look({ ...used, unpacked }, [...paths, ...used.leftovers])
    const asked = request.nydusData === "purge" && NydusData.mayPurge(action)
    const withData = asked ? yield* ObserveData.observe(seen, { settings, policies }) : seen
    return yield* Neighbourhood.observe(withData, installDir, dropInDirectories(seen))
  }
  const detected = InstallPlan.detect({ settings, facts: started, policies })
  if (Result.isFailure(detected) || action === "reset") return started
  const seen = yield* ObserveSight.runtime({ action, settings, facts: started }, detected.success.row)
  const imported = yield* imports(
    yield* look(seen, [...InstallPlan.inputPaths(settings, detected.success), ...seen.leftovers]),
    settings,
    detected.success,
  )
  const inputs = yield* ObserveSight.probeFile({ action, settings, facts: imported }, detected.success)
  const directories = [
    ...dropInDirectories(inputs),
    ...CriConfig.directories({ settings, detected: detected.success, facts: inputs, policies }),
  ]
  const beside = yield* Neighbourhood.observe(inputs, installDir, directories)
  const withUnits = yield* snapshotterUnits(beside, settings)
  const withArtifacts =
    action === "install-stage-cri" ? withUnits : yield* observeArtifacts(withUnits, settings)
  const used = yield* ObserveSight.usersOfOlder(
    { action, settings, facts: withArtifacts },
    detected.success.row,
  )
  const paths = InstallPlan.pathsOfInterest({ settings, facts: used, policies })
  const programs = action === "install-stage-cri" ? StagesApart.programs(settings) : []
  return yield* deadEnds(yield* look(used, [...paths, ...programs]), paths)
})

/** Links above paths of interest that lead nowhere. */
const deadEnds = Effect.fnUntraced(function* (facts: Facts, paths: ReadonlyArray<HostPath.HostPath>) {
  const files = yield* HostFiles
  const links = [...new Set(paths)].filter(
    (path) => FactsOf.at(facts, path)._tag === "Link" && paths.some((below) => HostPath.isBelow(below, path)),
  )
  const listed = yield* Effect.forEach(links, (path) => files.list(path), { concurrency })
  return { ...facts, deadEnds: links.filter((_, at) => listed[at]!._tag === "Absent") }
})

/** Directories in which the ledger says that drop-ins of ours are. */
const dropInDirectories = (facts: Facts): ReadonlyArray<HostPath.HostPath> =>
  (FactsOf.ledgerOf(facts)?.files ?? []).flatMap((file) =>
    file.stage === "cri" ? [HostPath.parent(file.path)] : [],
  )

/** More files than any real configuration imports; a cycle ends by itself, since each path is looked at once. */
const mostImports = 256

/** Looks at the files that the main config imports, and at those that they import. */
const imports = Effect.fnUntraced(function* (facts: Facts, settings: Settings, detected: Detected) {
  if (detected.row.layout === "crio") return facts
  const text = FactsOf.runtimeVersion(facts, settings.containerRuntimeVersion)
  const version = text === undefined ? undefined : ContainerdVersion.parse(text)
  const queue = [CriConfig.mainConfigPathOf({ detected, settings })]
  const unlisted: Array<FactsOf.Unlisted> = []
  let known = facts
  for (let at = 0; at < queue.length && queue.length < mostImports; at++) {
    const content = textOf(FactsOf.at(known, queue[at]!))
    for (const pattern of ImportedFiles.patternsOf(content ?? "", queue[at]!, version)) {
      const listing = yield* importedNames(pattern)
      if (listing._tag === "Unreadable") unlisted.push({ path: pattern.directory, detail: listing.detail })
      const names = listing._tag === "Names" ? listing.names : []
      const fresh = ImportedFiles.matching(pattern, names).filter((path) => !queue.includes(path))
      known = yield* look(known, fresh)
      queue.push(...fresh)
    }
  }
  return { ...known, imported: queue.slice(1), unlisted }
})

/** The names that a pattern may take; a name that is its own pattern is looked for without listing its directory. */
const importedNames = Effect.fnUntraced(function* (wanted: ImportedFiles.ImportPattern) {
  const files = yield* HostFiles
  if (wanted.pattern.includes("*")) return yield* files.list(wanted.directory)
  const state = yield* files.look(HostPath.join(wanted.directory, wanted.pattern))
  const names = state._tag === "Absent" ? [] : [wanted.pattern]
  return { _tag: "Names", names } as const
})

const firstRound = Effect.fnUntraced(function* (request: ObserveRequest) {
  const shell = yield* HostShell
  const api = yield* NodeApi
  const states = yield* Effect.forEach(
    Distribution.rows,
    (row) => Effect.map(shell.unitState(row.unit), (state) => [row.unit, state] as const),
    { concurrency },
  )
  const unseen = FactsOf.unseen(request.release, request.stateDir, shell.control)
  const givesUp = isCleanup(request.action) || request.action === "reset" || request.action === "rollback"
  const recovered = yield* Recovery.recover(request.stateDir, yield* ledger(request.stateDir))
  const machine = yield* ObserveSight.machine({ ...request, facts: unseen })
  return {
    ...unseen,
    namedRuntime: request.namedRuntime,
    units: new Map(states),
    node: yield* api.node,
    ownDaemonSet: isCleanup(request.action) ? yield* api.ownDaemonSetWantsNode : unseen.ownDaemonSet,
    otherDaemonSets: givesUp ? yield* api.othersWantingNode : unseen.otherDaemonSets,
    sight: { ...unseen.sight, machine },
    ledger: recovered.ledger,
    leftovers: recovered.leftovers,
    userDropIn: request.userDropIn,
  }
})

/** What a rollback goes by. */
const rollbackFacts = Effect.fnUntraced(function* (facts: Facts) {
  const journal = yield* Recovery.lastCriStage(facts.stateDir)
  const paths = journal === undefined ? [] : RollbackPlan.pathsOfInterest(journal)
  return yield* look({ ...facts, lastCriStage: journal }, paths)
})

/** Without a ledger the host is asked whether an installer without one has been here. */
const adopted = Effect.fnUntraced(function* (facts: Facts, settings: Settings) {
  if (facts.ledger._tag !== "None") return facts
  const seen = yield* look(facts, [
    ...Adoption.pathsOfInterest(settings),
    Adoption.pointerPath(settings.instance),
  ])
  const input = {
    settings,
    release: facts.release,
    units: facts.units,
    look: (path: HostPath.HostPath) => FactsOf.at(seen, path),
  }
  const [hidden] = Adoption.unseen(input)
  if (hidden !== undefined) {
    const why = `there is none, and ${hidden.path}, which would tell what an older install left, cannot be looked into: ${hidden.why}`
    return { ...seen, ledger: { _tag: "Unreadable", why } as const }
  }
  const elsewhere = FactsOf.at(seen, Adoption.pointerPath(settings.instance))
  if (elsewhere._tag === "File") {
    const why = `there is none, and this install keeps its ledger in ${elsewhere.text.trim()}; pass that as --state-dir`
    return { ...seen, ledger: { _tag: "Unreadable", why } as const }
  }
  const ledger = Adoption.adopt(input)
  return ledger === undefined ? seen : { ...seen, ledger: { _tag: "Adopted", ledger } as const }
})

/** Whether the snapshotters that are asked for run. */
const snapshotterUnits = Effect.fnUntraced(function* (facts: Facts, settings: Settings) {
  const shell = yield* HostShell
  const units = SnapshotterSetup.modesOf(settings).map(
    (mode) => NydusMode.paths(mode, settings.instance).unit,
  )
  const states = yield* Effect.forEach(units, (unit) =>
    Effect.map(shell.unitState(unit), (state) => [unit, state] as const),
  )
  return { ...facts, snapshotterUnits: new Map(states) }
})

const observeArtifacts = Effect.fnUntraced(function* (facts: Facts, settings: Settings) {
  const files = yield* HostFiles
  const manifest = yield* files.artifact(ArtifactSet.manifestPath)
  const versions = yield* files.artifact("versions.yaml")
  const selected = Result.match(ArtifactSet.parseManifest(manifest, files.artifactDirectory), {
    onFailure: () => ({ components: [], optional: [] }),
    onSuccess: (parsed) => ArtifactSet.select(parsed, settings),
  })
  const recorded = FactsOf.ledgerOf(facts)
  const known = (name: string) => recorded?.components.find((c) => c.name === name)?.archive
  const find = (name: string) => files.archive(ArtifactSet.archivePath(name), known(name))
  const found = yield* Effect.forEach(
    selected.components,
    (name) => Effect.map(find(name), (archive) => [name, archive] as const),
    { concurrency: 2 },
  )
  const tools = yield* Effect.forEach(selected.optional, (name) =>
    find(name).pipe(
      Effect.flatMap((archive) => usable(archive, known(name))),
      Effect.map((archive) => [name, archive] as const),
    ),
  )
  const nydus = yield* NydusArtifacts.observe(settings)
  const { installDir } = settings.instance
  // Threads read archives while the program looks at what they put down.
  const [read, unpacked] = yield* Effect.all(
    [bases(facts, settings, new Map([...found, ...tools])), ObserveUnpacked.observe(installDir, recorded)],
    { concurrency: "unbounded" },
  )
  const archives = new Map([...read.archives, ...nydus.components])
  const artifacts: ArtifactFacts = {
    directory: files.artifactDirectory,
    damaged: unpacked.damaged,
    manifest,
    versions,
    archives,
    ...(nydus.programs === undefined ? {} : { nydusPrograms: nydus.programs }),
    bases: read.bases,
    devkitRootHash: yield* devkitRootHash(facts, settings, archives),
  }
  const freeBytes = yield* files.freeBytes(installDir)
  return { ...facts, artifacts, unpacked: unpacked.facts, freeBytes }
})

/** An optional component's archive, unless it is broken: it is read once, for the install must not fail over it. */
const usable = Effect.fnUntraced(function* (
  archive: ArchiveFacts | undefined,
  known: Ledger.ArchiveId | undefined,
) {
  if (archive === undefined || archive.id.sha256 === known?.sha256) return archive
  const files = yield* HostFiles
  return yield* Effect.match(files.archivedConfigs(archive.archive, "all"), {
    onFailure: () => undefined,
    onSuccess: () => archive,
  })
})

/** The verity parameters of the developer image: of the component that is unpacked already, or out of its archive. */
const devkitRootHash = Effect.fnUntraced(function* (
  facts: Facts,
  settings: Settings,
  archives: ReadonlyMap<string, ArchiveFacts | undefined>,
) {
  const archive = archives.get(ArtifactSet.devkitComponent)
  if (!settings.devkit || archive === undefined) return undefined
  const files = yield* HostFiles
  const recorded = FactsOf.ledgerOf(facts)?.components.find((c) => c.name === ArtifactSet.devkitComponent)
  if (recorded?.archive.sha256 === archive.id.sha256) {
    const there = yield* files.look(HostPath.join(settings.instance.installDir, ArchiveEntry.devkitRootHash))
    if (there._tag === "File") return there.text
  }
  const wanted = [ArchiveEntry.devkitRootHash]
  return (yield* files.archivedConfigs(archive.archive, wanted)).get(ArchiveEntry.devkitRootHash)
})

/**
 * The base configurations that the handlers need: kept by an earlier run, or read out of the archives. Those that were
 * read are digested as well, and come back with what is known of them now.
 */
const bases = Effect.fnUntraced(function* (
  facts: Facts,
  settings: Settings,
  archives: ReadonlyMap<string, ArchiveFacts | undefined>,
) {
  const files = yield* HostFiles
  const found = new Map<string, ArchivedBase>()
  const known = new Map(archives)
  const missing = new Set(ArtifactsStage.neededBases(settings).keys())
  const accept = (key: string, text: string, archiveSha256: string) => {
    const parsed = KataConfig.parseBase(text)
    if (Result.isSuccess(parsed) && missing.delete(key)) found.set(key, { ...parsed.success, archiveSha256 })
  }
  // The shims' own components hold the configurations in practice; the others are read only for what is left.
  const ordered = [...archives].sort(
    ([a], [b]) => Number(b.startsWith("shim-v2-")) - Number(a.startsWith("shim-v2-")),
  )
  for (const [, archive] of ordered) {
    const sha256 = archive?.id.sha256
    if (typeof sha256 !== "string") continue
    for (const key of missing) {
      const kept = yield* files.look(HostPath.join(facts.stateDir, "base", sha256.slice(0, 16), key))
      if (kept._tag === "File") accept(key, kept.text, sha256)
    }
  }
  for (const [name, archive] of ordered) {
    if (archive === undefined || missing.size === 0) continue
    const wanted = [...missing].map((key) => `${defaults}/${key}`)
    // A digest that unpacking would tell is needed now: the name of a kept base begins with it.
    const [configs, sha256] = yield* Effect.all(
      [
        files.archivedConfigs(archive.archive, wanted),
        archive.id.sha256 === null ? files.archiveDigest(archive.archive) : Effect.succeed(archive.id.sha256),
      ],
      { concurrency: "unbounded" },
    )
    known.set(name, { ...archive, id: { ...archive.id, sha256 } })
    for (const [path, text] of configs) {
      const key = path.slice(defaults.length + 1)
      if (missing.has(key)) accept(key, text, sha256)
    }
  }
  return { bases: found, archives: known }
})

/** Where archives have the base configurations. */
const defaults = "share/defaults/kata-containers"
