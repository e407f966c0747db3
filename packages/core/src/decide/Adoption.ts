/**
 * Answers: what on a node without a ledger is ours all the same, because upstream's installer put it there? Observed
 * facts become the ledger that a run of ours would have written: files and tables by their content, and everything
 * below an install directory that has a shim. Source: decisions §4 "A node that upstream installed", §5.
 */
import { Result } from "effect"
import type { Fact } from "../input/Fact.ts"
import type { Settings } from "../input/Settings.ts"
import * as Distribution from "../model/Distribution.ts"
import { absent, type FileState, textOf } from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import { type Instance, name as instanceName, suffixed } from "../model/Instance.ts"
import * as Ledger from "../plan/Ledger.ts"
import type { UnitState } from "../ports/HostShell.ts"
import * as Toml from "../toml/Toml.ts"
import * as CrioDropIn from "./CrioDropIn.ts"
import * as NydusMode from "./NydusMode.ts"
import * as Ownership from "./Ownership.ts"
import * as Recognition from "./Recognition.ts"

/** What adoption goes by. */
export interface AdoptionInput {
  readonly settings: Pick<Settings, "instance" | "containerdConfigDir" | "containerdConfigFileName">
  readonly release: string
  readonly units: ReadonlyMap<string, Fact<UnitState>>
  readonly look: (path: HostPath.HostPath) => FileState
}

type Where = AdoptionInput["settings"]

/** A drop-in that upstream may have written, and the file beside it that has no handlers to tell it by. */
interface Candidate {
  readonly path: HostPath.HostPath
  readonly companion: HostPath.HostPath
  readonly row: Distribution.RuntimeRow
}

const unique = <A>(values: ReadonlyArray<A>): ReadonlyArray<A> => [...new Set(values)]

/** Directories of drop-ins below a runtime's configuration, by layout (spec 02 §4). */
const directories: Readonly<Record<Distribution.Layout, ReadonlyArray<string>>> = {
  main: ["conf.d"],
  rendered: ["config-v3.toml.d", "config.toml.d"],
  merged: ["containerd.d"],
  crio: [],
}

const configDirs = (row: Distribution.RuntimeRow, where: Where): ReadonlyArray<HostPath.HostPath> =>
  unique([where.containerdConfigDir ?? row.configDir, row.configDir])

const ownDirectory = (where: Where): HostPath.HostPath =>
  HostPath.join(where.instance.installDir, "containerd/config.d")

/** Upstream suffixes some names and others not; whose a file is its content tells. */
const containerdCandidates = (where: Where): ReadonlyArray<Candidate> =>
  Distribution.rows.flatMap((row) =>
    configDirs(row, where).flatMap((dir) =>
      directories[row.layout].flatMap((below) =>
        unique([suffixed(where.instance, "kata-deploy"), "kata-deploy"]).map((name) => ({
          path: HostPath.join(dir, below, `${name}.toml`),
          companion: HostPath.join(dir, below, "zz-kata-deploy-user.toml"),
          row,
        })),
      ),
    ),
  )

const candidates = (where: Where): ReadonlyArray<Candidate> => {
  const crio = Distribution.rowOf("crio")
  const dropIn = CrioDropIn.dropInPath(where)
  return [
    ...containerdCandidates(where),
    { path: dropIn, companion: HostPath.join(HostPath.parent(dropIn), "100-debug"), row: crio },
    {
      path: HostPath.join(ownDirectory(where), "kata-deploy.toml"),
      companion: HostPath.join(ownDirectory(where), "zz-kata-deploy-user.toml"),
      row: Distribution.rowOf("containerd"),
    },
  ]
}

/** Main configs that upstream may have edited. */
const mainConfigs = (where: Where): ReadonlyArray<Pick<Candidate, "path" | "row">> =>
  Distribution.rows
    .filter((row) => row.layout === "main")
    .flatMap((row) =>
      configDirs(row, where).map((dir) => ({
        path: HostPath.join(dir, row.mainFile ?? where.containerdConfigFileName),
        row,
      })),
    )

const witnesses = (main: HostPath.HostPath): ReadonlyArray<HostPath.HostPath> => [
  HostPath.make(`${main}.bak`),
  HostPath.make(`${main}.kata-deploy-created`),
]

const shimPrograms = (where: Where): ReadonlyArray<HostPath.HostPath> =>
  ["bin", "runtime-rs/bin"].map((dir) =>
    HostPath.join(where.instance.installDir, dir, "containerd-shim-kata-v2"),
  )

/** Every path that `adopt` looks at. */
export const pathsOfInterest = (where: Where): ReadonlyArray<HostPath.HostPath> =>
  unique([
    nydus(where).unitFile,
    ...shimPrograms(where),
    ...candidates(where).flatMap((each) => [each.path, each.companion, unsuffixed(each)]),
    ...mainConfigs(where).flatMap(({ path }) => [path, ...witnesses(path)]),
  ])

/** Where upstream's nydus is; of its two ways it knows guest pull only (spec 07 §1). */
const nydus = ({ instance }: Where) => NydusMode.paths("guest-pull", instance)

/** Upstream's unit, told by the program below our directory that it starts. */
const inUnitFile = (input: AdoptionInput): Found => {
  const { directory, unitFile } = nydus(input.settings)
  const state = input.look(unitFile)
  const starts = textOf(state)?.includes(`ExecStart=${directory}/`) === true
  return starts ? { ...nothing, files: [{ ...owned(unitFile, state), stage: "artifacts" }] } : nothing
}

const owned = (path: HostPath.HostPath, state: FileState): Ledger.OwnedFile => ({
  path,
  stage: "cri",
  digest: Ownership.digestOf(state),
})

interface Found {
  readonly files: ReadonlyArray<Ledger.OwnedFile>
  readonly edits: ReadonlyArray<Ledger.Edit>
  readonly handlers: ReadonlyArray<string>
  readonly rows: ReadonlyArray<Distribution.RuntimeRow>
}

const nothing: Found = { files: [], edits: [], handlers: [], rows: [] }

const ownHandlers = (text: string, { instance }: Where): ReadonlyArray<string> =>
  Recognition.handlersOf(text)
    .filter((handler) => Recognition.isBelow(handler, instance.installDir))
    .map((handler) => handler.name)

const tablesEdit = (
  path: HostPath.HostPath,
  { instance }: Where,
  rest: Pick<Extract<Ledger.Edit, { readonly kind: "tables" }>, "createdFile" | "backup">,
): Ledger.Edit => ({ kind: "tables", path, below: instance.installDir, ...rest })

/** The drop-in of the instance without a suffix beside a candidate. */
const unsuffixed = ({ path, row }: Candidate): HostPath.HostPath =>
  HostPath.join(HostPath.parent(path), row.layout === "crio" ? "99-kata-deploy" : "kata-deploy.toml")

/** Whether another install has a drop-in beside the candidate, and so may own what both could have put there. */
const hasNeighbour = (input: AdoptionInput, candidate: Candidate): boolean => {
  const text = textOf(input.look(unsuffixed(candidate)))
  return text !== undefined && Recognition.belonging(text, input.settings.instance.installDir) !== "ours"
}

const inDropIn = (input: AdoptionInput, candidate: Candidate): Found => {
  const state = input.look(candidate.path)
  const text = textOf(state)
  if (text === undefined) return nothing
  const { settings } = input
  const whose = Recognition.belonging(text, settings.instance.installDir)
  const found = { handlers: ownHandlers(text, settings), rows: [candidate.row] }
  if (whose === "partly") {
    return {
      ...found,
      files: [],
      edits: [tablesEdit(candidate.path, settings, { createdFile: false, backup: null })],
    }
  }
  if (whose !== "ours") return nothing
  // A name that instances share is left to the neighbour that it may belong to.
  const beside: FileState = hasNeighbour(input, candidate) ? absent : input.look(candidate.companion)
  return {
    ...found,
    files: [
      owned(candidate.path, state),
      ...(beside._tag === "File" ? [owned(candidate.companion, beside)] : []),
    ],
    edits: [],
  }
}

/** Elements of `imports` that name a file below our install directory. */
const ourImports = (text: string, { instance }: Where): ReadonlyArray<string> =>
  Result.match(Toml.parse(text), {
    onFailure: () => [],
    onSuccess: (table) =>
      Toml.stringsAt(table, "imports").filter(
        (entry) => entry.startsWith("/") && HostPath.isBelow(HostPath.make(entry), instance.installDir),
      ),
  })

const inMainConfig = (input: AdoptionInput, { path, row }: Pick<Candidate, "path" | "row">): Found => {
  const text = textOf(input.look(path))
  if (text === undefined) return nothing
  const { settings } = input
  const elements = ourImports(text, settings)
  if (elements.length > 0) {
    const region = { before: "", after: "" }
    return {
      ...nothing,
      rows: [row],
      edits: [{ kind: "import", path, elements, createdFile: false, region }],
    }
  }
  const whose = Recognition.belonging(text, settings.instance.installDir)
  if (whose !== "ours" && whose !== "partly") return nothing
  const beside = witnesses(path).map((at) => ({ at, state: input.look(at) }))
  const [backup, created] = beside.map(({ state }) => textOf(state))
  return {
    handlers: ownHandlers(text, settings),
    rows: [row],
    files: beside.flatMap(({ at, state }) => (state._tag === "File" ? [owned(at, state)] : [])),
    edits: [
      tablesEdit(path, settings, {
        createdFile: backup === undefined && created !== undefined,
        backup: backup ?? null,
      }),
    ],
  }
}

/** The runtime of a place: of those that share it the one whose unit is active, else the one that stands for it. */
const runtimeOf = (rows: ReadonlyArray<Distribution.RuntimeRow>, input: AdoptionInput): string => {
  const [first] = rows
  if (first === undefined) return ""
  const sharing = Distribution.rows.filter(
    (row) => row.configDir === first.configDir && row.layout === first.layout,
  )
  const active = sharing.find((row) => {
    const state = input.units.get(row.unit)
    return state?._tag === "Known" && state.value === "active"
  })
  const stands = Distribution.markers.find((marker) => marker.distribution === first.distribution)?.stands
  return active?.runtime ?? (first.layout === "main" ? first.runtime : (stands ?? first.runtime))
}

/**
 * A file in the install directory that names a state directory elsewhere, so that forgetting `--state-dir` at cleanup
 * is not taken for an install without a ledger, whose directory would be emptied.
 */
export const pointerPath = (instance: Instance): HostPath.HostPath =>
  HostPath.join(instance.installDir, ".kata-deploy-state")

/**
 * Main configs that could hold an edit of ours and cannot be read, with the reason. Where a program of ours is there
 * as well, nothing may be taken away before they can be (law L5).
 */
export const unseen = (
  input: AdoptionInput,
): ReadonlyArray<{ readonly path: HostPath.HostPath; readonly why: string }> =>
  shimPrograms(input.settings).some((path) => input.look(path)._tag !== "Absent")
    ? mainConfigs(input.settings).flatMap(({ path }) => {
        const state = input.look(path)
        if (state._tag === "Absent" || state._tag === "Directory") return []
        if (state._tag === "Unreadable")
          return state.why === "out-of-sight" ? [] : [{ path, why: state.detail }]
        if (state._tag === "Link") return [{ path, why: "it is a link" }]
        const parsed = Toml.parse(state.text)
        return Result.isFailure(parsed)
          ? [{ path, why: `it is not valid TOML: ${parsed.failure.detail}` }]
          : []
      })
    : []

/** The ledger of an install that has none; `undefined` where nothing on the host is ours. */
export const adopt = (input: AdoptionInput): Ledger.Ledger | undefined => {
  const { release, settings } = input
  const found = [
    ...candidates(settings).map((candidate) => inDropIn(input, candidate)),
    ...mainConfigs(settings).map((main) => inMainConfig(input, main)),
    inUnitFile(input),
  ]
  const hasShim = shimPrograms(settings).some((path) => isProgram(input.look(path)))
  const files = new Map(found.flatMap((f) => f.files.map((file) => [file.path, file] as const)))
  const edits = new Map(found.flatMap((f) => f.edits.map((edit) => [edit.path, edit] as const)))
  if (!hasShim && files.size === 0 && edits.size === 0) return undefined
  return {
    ...Ledger.empty(
      instanceName(settings.instance),
      release,
      runtimeOf(
        found.flatMap((f) => f.rows),
        input,
      ),
    ),
    handlers: unique(found.flatMap((f) => f.handlers)),
    files: [...files.values()],
    edits: [...edits.values()],
    ...(hasShim ? { adopted: "everything" } : {}),
  }
}

/** Whether there is a program; its bytes are no text that could be read. */
const isProgram = (state: FileState): boolean =>
  state._tag === "File" ||
  (state._tag === "Unreadable" && (state.why === "not-utf8" || state.why === "too-large"))
