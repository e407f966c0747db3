/**
 * Answers: which files make the CRI runtime offer our handlers? Brings together paths, rendering, imports and the
 * marked block; the result is what should be, and which files the runtime loads.
 */
import { Result } from "effect"
import type { ArtifactFacts, Facts } from "../input/Facts.ts"
import * as FactsOf from "../input/Facts.ts"
import { type DecisionError, type Notice, PrerequisiteError, type Problem } from "../input/Problem.ts"
import type { Settings } from "../input/Settings.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { name as instanceName } from "../model/Instance.ts"
import type { Edit } from "../plan/Ledger.ts"
import type { PrintTable } from "../toml/TomlPrinter.ts"
import * as ConfigPaths from "./ConfigPaths.ts"
import type { ContainerdPaths, PathFacts } from "./ConfigPaths.ts"
import * as ContainerdImports from "./ContainerdImports.ts"
import * as ContainerdWholeFile from "./ContainerdWholeFile.ts"
import * as CrioDropIn from "./CrioDropIn.ts"
import * as Desired from "./Desired.ts"
import { criPlugin, handlerTables, type RenderInput } from "./DropInRendering.ts"
import * as ImportedFiles from "./ImportedFiles.ts"
import * as Neighbours from "./Neighbours.ts"
import * as Ownership from "./Ownership.ts"
import * as Recognition from "./Recognition.ts"
import * as SnapshotterConfig from "./SnapshotterConfig.ts"
import type { Detected } from "./RuntimeDetection.ts"
import * as UserDropIn from "./UserDropIn.ts"

/** The replaceable policies that are needed here. */
export interface CriPolicies {
  readonly paths: (facts: PathFacts) => Result.Result<ContainerdPaths, PrerequisiteError>
  readonly render: (input: RenderInput) => string
}

/** What should be, and the files that the runtime loads, in the order of loading. */
export interface CriConfig {
  readonly desired: ReadonlyArray<Desired.Desired>
  readonly loaded: ReadonlyArray<HostPath.HostPath>
  readonly notices: ReadonlyArray<Notice>
}

/** What the decision goes by. */
export interface CriInput {
  readonly settings: Settings
  readonly detected: Detected
  readonly facts: Pick<
    Facts,
    "files" | "imported" | "neighbours" | "unlisted" | "ledger" | "node" | "release" | "userDropIn"
  > & {
    readonly artifacts?: ArtifactFacts
    readonly sight?: Pick<FactsOf.SightFacts, "probeFile">
  }
  readonly policies: CriPolicies
}

/** Directories that our drop-ins go to, as far as that can be decided. */
export const directories = (input: CriInput): ReadonlyArray<HostPath.HostPath> =>
  Result.match(decide(input), {
    onFailure: () => [],
    onSuccess: ({ desired }) =>
      desired.flatMap((d) => (d.edit === undefined ? [HostPath.parent(d.path)] : [])),
  })

const fail = (...problems: ReadonlyArray<Problem>): Result.Result<never, PrerequisiteError> =>
  Result.fail(new PrerequisiteError({ problems }))

/** Decides the CRI configuration of an instance. */
export const decide = (input: CriInput): Result.Result<CriConfig, DecisionError> => {
  const taken = Neighbours.problems(input.settings, input.facts.neighbours)
  if (taken.length > 0) return fail(...taken)
  return Result.map(ofRuntime(input), (config) => ({
    ...config,
    notices: [
      ...Neighbours.notices(input.facts.neighbours),
      ...ImportedFiles.unlistedNotices(input.facts.unlisted),
      ...config.notices,
    ],
  }))
}

const ofRuntime = (input: CriInput): Result.Result<CriConfig, DecisionError> => {
  const { detected, facts, policies, settings } = input
  if (detected.row.layout === "crio") {
    const taken = takenDropIn(input, { dropIn: CrioDropIn.dropInPath(settings) })
    if (taken !== undefined) return fail(taken)
    const desired = CrioDropIn.desired(settings, facts.release)
    return Result.succeed({ desired, loaded: desired.map((d) => d.path), notices: [] })
  }
  const where = {
    row: detected.row,
    pinnedDir: settings.containerdConfigDir,
    fileName: settings.containerdConfigFileName,
  }
  const refused = SnapshotterConfig.problems(settings)
  if (refused.length > 0) return fail(...refused)
  return policies
    .paths({
      ...where,
      instance: settings.instance,
      version: FactsOf.runtimeVersion(facts, settings.containerRuntimeVersion),
      mainConfig: FactsOf.at(facts, mainConfigPathOf(input)),
    })
    .pipe(
      Result.flatMap((paths) => mainConfigThere(input, paths)),
      Result.flatMap((paths) =>
        paths.mode === "whole-file" ? wholeFile(input, paths) : dropIn(input, paths),
      ),
    )
}

/** A missing main config is made on a vanilla node only: microk8s' template holds what its containerd cannot do without. */
const mainConfigThere = (
  { detected, facts }: CriInput,
  paths: ContainerdPaths,
): Result.Result<ContainerdPaths, PrerequisiteError> =>
  detected.row.layout !== "main" ||
  detected.row.mainFile === undefined ||
  FactsOf.at(facts, paths.mainConfig)._tag !== "Absent"
    ? Result.succeed(paths)
    : fail({
        code: "E_CONTAINERD_CONFIG_UNREADABLE",
        path: paths.mainConfig,
        message: `${paths.mainConfig} does not exist, and ${detected.row.distribution} makes containerd's configuration from it.`,
        remedy: `Install ${detected.row.distribution} anew or restore the file, and try again.`,
      })

/** The main config that has to be looked at before anything can be decided. */
export const mainConfigPathOf = ({
  detected,
  settings,
}: Pick<CriInput, "detected" | "settings">): HostPath.HostPath =>
  ConfigPaths.mainConfigPath({
    row: detected.row,
    pinnedDir: settings.containerdConfigDir,
    fileName: settings.containerdConfigFileName,
  })

/** Imported files with what is in them, our own drop-ins left out. */
const othersImported = (
  { facts }: CriInput,
  ours: ReadonlyArray<HostPath.HostPath>,
): ReadonlyArray<ImportedFiles.Imported> =>
  facts.imported
    .filter((path) => !ours.includes(path))
    .map((path) => ({ path, state: FactsOf.at(facts, path) }))

/**
 * The CRI table that containerd 1.x would have without us: the one of the file loaded last before our drop-in
 * (decisions §5). Fails when a file behind ours would take the handlers away again.
 */
const repeatedTable = (
  input: CriInput,
  paths: ContainerdPaths,
): Result.Result<PrintTable | undefined, PrerequisiteError> => {
  const { instance } = input.settings
  if (instance.suffix !== undefined) {
    return fail({
      code: "E_MULTI_INSTALL_NEEDS_DROPIN",
      setting: "MULTI_INSTALL_SUFFIX",
      value: instance.suffix,
      path: paths.dropIn,
      message:
        "On containerd 1.x one drop-in replaces the CRI table of another, so several installs would hide each other.",
      remedy: "Upgrade containerd to 2.0 or newer, or install without MULTI_INSTALL_SUFFIX.",
    })
  }
  const plugin = criPlugin(paths.schema)
  if (input.facts.unlisted.length > 0) return fail(...ImportedFiles.unlistedProblems(input.facts.unlisted))
  const others = othersImported(input, [paths.dropIn, paths.userDropIn])
  // Within one directory files are loaded in the order of their names.
  const sameDirectory = HostPath.parent(paths.dropIn)
  const isBehind = (path: HostPath.HostPath): boolean =>
    HostPath.parent(path) === sameDirectory && path > paths.dropIn
  const behind = others.filter((file) => isBehind(file.path))
  const hiding = ImportedFiles.hiding(behind, plugin, paths.template ?? paths.mainConfig)
  if (hiding.length > 0) return fail(...hiding)
  const loadedBefore = [
    FactsOf.at(input.facts, paths.mainConfig),
    ...others.filter((file) => !isBehind(file.path)).map((file) => file.state),
  ]
  return Result.succeed(
    loadedBefore.map((state) => ImportedFiles.pluginTable(state, plugin)).findLast((t) => t !== undefined),
  )
}

/** Text of the main config; a new one declares the schema and nothing else. */
const mainText = (state: FileState.FileState, paths: ContainerdPaths): string =>
  state._tag === "File" ? state.text : `version = ${paths.schema}\n`

const priorEdit = (input: CriInput, path: HostPath.HostPath): Edit | undefined =>
  FactsOf.ledgerOf(input.facts)?.edits.find((edit) => edit.path === path)

const dropIn = (input: CriInput, paths: ContainerdPaths): Result.Result<CriConfig, PrerequisiteError> =>
  Result.gen(function* () {
    const { facts, settings } = input
    const criTable = paths.repeatsCriTable ? yield* repeatedTable(input, paths) : undefined
    const user = yield* UserDropIn.decide(input, paths.userDropIn)
    const told = yield* SnapshotterConfig.decide(settings, paths, SnapshotterConfig.probed(facts.sight))
    const config = yield* dropInWith(input, paths, { criTable, extraTables: told.tables }, user)
    return { ...config, notices: [...config.notices, ...told.notices] }
  })

/** Upstream gives the drop-ins of several installs one name on some distributions: ours may hold handlers of others. */
const takenDropIn = (
  { facts, settings }: CriInput,
  { dropIn }: Pick<ContainerdPaths, "dropIn">,
): Problem | undefined => {
  const text = FileState.textOf(FactsOf.at(facts, dropIn))
  const recorded = facts.ledger._tag === "Read" && facts.ledger.ledger.files.some((f) => f.path === dropIn)
  const whose =
    text === undefined || recorded ? "ours" : Recognition.belonging(text, settings.instance.installDir)
  return whose === "ours" || whose === "unsaid"
    ? undefined
    : {
        code: "E_DROPIN_TAKEN",
        path: dropIn,
        message: `${dropIn} holds handlers of another install, which would be lost with it.`,
        remedy:
          "Give one of the two a MULTI_INSTALL_SUFFIX, or install an older one with a suffix anew first, which moves its handlers to a file of its own name.",
      }
}

const dropInWith = (
  input: CriInput,
  paths: ContainerdPaths,
  tables: Pick<RenderInput, "criTable" | "extraTables">,
  user: ReadonlyArray<Desired.Desired>,
): Result.Result<CriConfig, PrerequisiteError> => {
  const { facts, policies, settings } = input
  const taken = takenDropIn(input, paths)
  if (taken !== undefined) return fail(taken)
  const text = policies.render({ settings, paths, ...tables, release: facts.release })
  const ours = [
    Desired.make(
      paths.dropIn,
      FileState.file(text),
      `${input.detected.row.runtime} reads its runtime handlers here`,
    ),
    ...user,
  ]
  const loaded = [paths.mainConfig, ...ours.map((d) => d.path)]
  if (paths.importsFile === undefined) return Result.succeed({ desired: ours, loaded, notices: [] })
  return Result.map(
    importing(
      input,
      paths,
      ours.map((d) => d.path),
    ),
    ({ edited, notices }) => ({ desired: [...ours, edited], loaded, notices }),
  )
}

/** The main config with our edit in it, and what could not be taken out of it before. */
interface Edited {
  readonly edited: Desired.Desired
  readonly notices: ReadonlyArray<Notice>
}

/** The main config with an import of each of our drop-ins; the drop-ins come first, since a missing one is fatal. */
const importing = (
  input: CriInput,
  paths: ContainerdPaths,
  elements: ReadonlyArray<HostPath.HostPath>,
): Result.Result<Edited, PrerequisiteError> => {
  const path = paths.mainConfig
  const state = FactsOf.at(input.facts, path)
  const prior = priorEdit(input, path)
  const others = Neighbours.created(input.facts.neighbours, path)
  const createdFile = others.file || (prior?.createdFile ?? state._tag === "Absent")
  const stale =
    prior !== undefined && (prior.kind !== "import" || prior.elements.join("\n") !== elements.join("\n"))
  const base = stale
    ? Ownership.undoEdit(state, prior, instanceName(input.settings.instance))
    : { after: state, notices: [] }
  const added = ContainerdImports.add(mainText(base.after, paths), elements)
  if (Result.isFailure(added)) {
    return fail({
      code: "E_MAIN_CONFIG_LAYOUT",
      path,
      message: `An import cannot be added to ${path}: ${added.failure.detail}.`,
      remedy: `Add ${elements.map((e) => JSON.stringify(e)).join(", ")} to its imports by hand, and try again.`,
    })
  }
  const region = added.success.region
  const unchanged = region.before === "" && region.after === ""
  const kept = unchanged && !stale && prior?.kind === "import" ? prior.region : region
  const wasShared = prior?.kind === "import" && prior.region.createdKey === true
  const joinsKey = (others.key || wasShared) && !ContainerdImports.createdKey(kept)
  const edit: Edit = {
    kind: "import",
    path,
    elements,
    createdFile,
    region: joinsKey ? { ...kept, createdKey: true } : kept,
  }
  const mode = state._tag === "File" ? state.mode : 0o644
  return Result.succeed({
    edited: Desired.edited(edit, FileState.file(added.success.text, mode), "it has to import our drop-in"),
    notices: base.notices,
  })
}

/** Whether our mark stands around handlers that start programs elsewhere. */
const holdsBlockOfAnother = (text: string | undefined, { settings }: CriInput): boolean =>
  text !== undefined &&
  ContainerdWholeFile.cut(text, instanceName(settings.instance)) !== undefined &&
  !text.includes(`"${settings.instance.installDir}/`)

const wholeFile = (input: CriInput, paths: ContainerdPaths): Result.Result<CriConfig, PrerequisiteError> => {
  const { facts, settings } = input
  const path = paths.mainConfig
  if (facts.userDropIn !== undefined) {
    return fail({
      code: "E_USER_DROPIN_NEEDS_DROPIN_MODE",
      setting: "CONTAINERD_USER_DROP_IN_SOURCE_FILE",
      path,
      message: "This containerd takes no drop-ins, so the operator's drop-in would never be read.",
      remedy: "Upgrade containerd to 2.0 or newer, or put the settings into the main config.",
    })
  }
  const hiding = [
    ...ImportedFiles.unlistedProblems(facts.unlisted),
    ...ImportedFiles.hiding(othersImported(input, []), criPlugin(paths.schema), path),
  ]
  if (hiding.length > 0) return fail(...hiding)
  const state = FactsOf.at(facts, path)
  const prior = priorEdit(input, path)
  const instance = instanceName(settings.instance)
  if (prior === undefined && holdsBlockOfAnother(FileState.textOf(state), input)) {
    return fail({
      code: "E_BLOCK_TAKEN",
      setting: "INSTALLATION_PREFIX",
      path,
      message: `${path} already has the block of another install with the same name, whose programs are not below ${settings.instance.installDir}; containerd 1.x has room for one.`,
      remedy: "Clean the other install up first, or upgrade containerd to 2.0 and use MULTI_INSTALL_SUFFIX.",
    })
  }
  const createdFile = prior?.createdFile ?? state._tag === "Absent"
  const isOlder = prior !== undefined && prior.kind !== "block"
  const base = isOlder ? Ownership.undoEdit(state, prior, instance) : { after: state, notices: [] }
  const extraTables = SnapshotterConfig.tables(input.settings, paths)
  if (Result.isFailure(extraTables)) return Result.fail(extraTables.failure)
  const spliced = ContainerdWholeFile.splice({
    path,
    text: mainText(base.after, paths),
    instance,
    schema: paths.schema,
    handlers: handlerTables(settings),
    extraTables: extraTables.success,
    debug: settings.debug,
  })
  if (Result.isFailure(spliced)) return fail(spliced.failure)
  const edit: Edit = { kind: "block", path, createdFile, block: spliced.success.block }
  const mode = state._tag === "File" ? state.mode : 0o644
  return Result.succeed({
    desired: [
      ...backup(input, path, state, createdFile),
      Desired.edited(
        edit,
        FileState.file(spliced.success.text, mode),
        "containerd 1.x takes handlers only in its main config",
      ),
    ],
    loaded: [path],
    notices: base.notices,
  })
}

/** Upstream's backup or created-marker beside the main config, so that either program can undo the other's install. */
const backup = (
  input: CriInput,
  path: HostPath.HostPath,
  state: FileState.FileState,
  createdFile: boolean,
): ReadonlyArray<Desired.Desired> => {
  const at = HostPath.make(`${path}${createdFile ? ".kata-deploy-created" : ".bak"}`)
  const instance = instanceName(input.settings.instance)
  const there = FactsOf.at(input.facts, at)
  const ours = FactsOf.ledgerOf(input.facts)?.files.some((file) => file.path === at) ?? false
  if (there._tag !== "Absent")
    return ours ? [Desired.make(at, there, "it was made at the first install")] : []
  const content =
    createdFile || state._tag !== "File"
      ? FileState.file("")
      : FileState.file(ContainerdWholeFile.cut(state.text, instance) ?? state.text, state.mode)
  return [
    Desired.make(
      at,
      content,
      createdFile ? "it tells that the main config is our creation" : "the main config as it was",
    ),
  ]
}

/** Paths beside the main config that `backup` looks at. */
export const backupPaths = (path: HostPath.HostPath): ReadonlyArray<HostPath.HostPath> => [
  HostPath.make(`${path}.bak`),
  HostPath.make(`${path}.kata-deploy-created`),
]
