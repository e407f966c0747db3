/** How the double unpacks components: staged apart, then moved into the tree. Source: spec 05 §4, decisions §10. */
import { Effect } from "effect"
import * as TakenPaths from "../decide/TakenPaths.ts"
import * as ArchiveEntry from "../model/ArchiveEntry.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { OwnedEntry } from "../plan/Ledger.ts"
import type { HostError } from "../ports/HostError.ts"
import type {
  ExtractAction,
  ExtractProgress,
  Extraction,
  Fingerprint,
  StagedExtraction,
} from "../ports/HostFiles.ts"
import * as Digest from "./Digest.ts"
import { Refusal } from "./MemoryPut.ts"
import { below, deepestFirst } from "./MemoryRemoval.ts"
import type { MemoryTree } from "./MemoryTree.ts"
import { file, type SampleArchive, type SampleEntry } from "./SampleArchive.ts"

/** What the extraction works on. */
export interface Surroundings {
  readonly tree: MemoryTree
  readonly archives: ReadonlyMap<string, SampleArchive>
  /** Programs by path relative to the artifact directory. */
  readonly programs: ReadonlyMap<string, string>
  readonly freeBytes: number | undefined
  readonly fingerprint: (path: HostPath.HostPath) => Fingerprint
  readonly digestOf: (archive: SampleArchive) => string
  readonly mutate: <A>(verb: string, path: HostPath.HostPath, run: () => A) => Effect.Effect<A, HostError>
}

type Staged = FileState.FileState & { readonly _tag: "File" | "Link" | "Directory" }

interface Component {
  readonly name: string
  readonly archive: string
}

/** Unpacks all components of the action, or fails and leaves the tree as it was. */
export const extraction = (
  around: Surroundings,
  action: ExtractAction,
  progress: (at: ExtractProgress) => Effect.Effect<void>,
  staged: (about: StagedExtraction) => Effect.Effect<void, HostError>,
): Effect.Effect<Extraction, HostError> =>
  Effect.gen(function* () {
    const totalBytes = action.components.reduce((sum, component) => sum + component.id.size, 0)
    let bytes = 0
    for (const component of action.components) {
      bytes += component.id.size
      yield* progress({ component: component.name, bytes, totalBytes })
    }
    const staging = yield* around.mutate("unpack", action.staging, () => {
      const unpacked = unpack(around, action)
      refuseTaken(around, action, unpacked)
      return unpacked
    })
    yield* staged({ entries: staging.entries() })
    return yield* around.mutate("extract", action.into, () => move(around, action, staging))
  })

const unpack = (around: Surroundings, action: ExtractAction): Staging => {
  const staging = new Staging(action)
  for (const component of action.components) {
    const archive = entriesOf(around, component)
    if (archive === undefined) throw new Refusal({ _tag: "Io", code: "ENOENT" })
    if (archive === "corrupt") throw staging.bad(component, undefined, "it is no zstd archive")
    for (const entry of archive) staging.add(component, entry)
  }
  if (around.freeBytes !== undefined && staging.bytes > around.freeBytes)
    throw new Refusal({ _tag: "NoSpace" })
  return staging
}

/** Refuses what would replace somebody else's files. */
const refuseTaken = (around: Surroundings, action: ExtractAction, staging: Staging): void => {
  const look = (path: string) => around.fingerprint(HostPath.join(action.into, path))
  const refusal = TakenPaths.refusal(
    {
      entries: staging.all(),
      replaces: action.components.flatMap((component) => component.replaces),
      owned: action.owned,
    },
    action.into,
    { look, read: look },
  )
  if (refusal !== undefined) throw new Refusal(refusal)
}

/** What a component brings; programs that are copied are like an archive with nothing else in it. */
const entriesOf = (
  around: Surroundings,
  { archive, copies }: ExtractAction["components"][number],
): SampleArchive | undefined => {
  if (copies === undefined) return around.archives.get(archive)
  const texts = copies.map(({ from }) => around.programs.get(`${archive}/${from}`))
  return texts.some((text) => text === undefined)
    ? undefined
    : copies.map(({ to }, at) => file(to, texts[at]!, 0o755))
}

const move = (around: Surroundings, action: ExtractAction, staging: Staging): Extraction => {
  const { createdDirectories, root, undo } = swap(around.tree, action, staging.staged)
  return {
    entries: timed(around.tree, root, staging.entries()),
    digests: digestsOf(around, action),
    skipped: staging.skipped,
    createdDirectories,
    commit: around.mutate("commit", action.into, () => undefined),
    revert: around.mutate("revert", action.into, () => {
      for (const [path, state] of undo) around.tree.set(path, state)
    }),
  }
}

/** Entries with the times that files have in their places. */
const timed = (
  tree: MemoryTree,
  root: HostPath.HostPath,
  components: StagedExtraction["entries"],
): StagedExtraction["entries"] =>
  new Map(
    [...components].map(([name, entries]) => [
      name,
      entries.map((entry) =>
        entry.type === "file" ? { ...entry, ...tree.times(HostPath.join(root, entry.path)) } : entry,
      ),
    ]),
  )

const digestsOf = (around: Surroundings, action: ExtractAction): Extraction["digests"] =>
  new Map(
    action.components.flatMap(({ archive, id, name }) => {
      const sample = around.archives.get(archive)
      const sha256 = id.sha256 ?? (sample === undefined ? undefined : around.digestOf(sample))
      return sha256 === undefined ? [] : [[name, sha256] as const]
    }),
  )

/** What the archives put down, by path relative to the install directory. */
class Staging {
  readonly staged = new Map<string, Staged>()
  skipped = 0
  bytes = 0
  private readonly paths = new Map<string, Set<string>>()
  private readonly action: ExtractAction

  constructor(action: ExtractAction) {
    this.action = action
    for (const component of action.components) this.paths.set(component.name, new Set())
  }

  bad(component: Component, entry: string | undefined, detail: string): Refusal {
    return new Refusal({ _tag: "BadArchive", archive: component.archive, entry, detail })
  }

  add(component: Component, entry: SampleEntry): void {
    const place = ArchiveEntry.place(entry.name)
    if (place._tag === "Outside") {
      this.skipped++
      return
    }
    const refuse = (detail: string) => this.bad(component, entry.name, detail)
    if (place._tag === "Refused") throw refuse(place.why)
    if (entry.type === "device" || entry.type === "fifo") throw refuse("it is no file, link or directory")
    if (place._tag === "Root") {
      if (entry.type !== "directory") throw refuse("it replaces the install directory itself")
      return
    }
    const reserved = HostPath.parent(this.action.staging)
    const target = HostPath.join(this.action.into, place.path)
    if (HostPath.isBelow(reserved, this.action.into) && HostPath.isWithin(target, reserved)) {
      throw refuse("it lies in the state directory")
    }
    if (this.action.except.includes(place.path)) return
    for (const above of ArchiveEntry.parents(place.path))
      this.stage(component, above, FileState.directory(), refuse)
    this.stage(component, place.path, this.stateOf(component, entry, place.path, refuse), refuse)
  }

  all(): ReadonlyArray<OwnedEntry> {
    return [...this.staged].map(([path, state]) => ownedEntry(path, state))
  }

  entries(): ReadonlyMap<string, ReadonlyArray<OwnedEntry>> {
    const owned = new Map<string, ReadonlyArray<OwnedEntry>>()
    for (const [component, paths] of this.paths) {
      owned.set(
        component,
        [...paths].sort().map((path) => ownedEntry(path, this.staged.get(path) as Staged)),
      )
    }
    return owned
  }

  private stateOf(
    component: Component,
    entry: SampleEntry,
    path: string,
    refuse: (detail: string) => Refusal,
  ): FileState.FileState {
    switch (entry.type) {
      case "file":
        this.bytes += Digest.byteLength(entry.text)
        return FileState.file(entry.text, ArchiveEntry.fileMode(path, entry.mode ?? 0o644))
      case "link":
        return FileState.link(ArchiveEntry.linkTarget(entry.target, this.action.into))
      case "hard-link": {
        const target = ArchiveEntry.hardLinkPlace(entry.target)
        if (target._tag === "Refused") throw refuse(target.why)
        const known = target._tag === "Inside" ? this.staged.get(target.path) : undefined
        const same = target._tag === "Inside" && this.paths.get(component.name)?.has(target.path) === true
        if (known === undefined || !same || known._tag === "Directory") {
          throw refuse("its hard link leads to nothing that came before it")
        }
        return known
      }
      case "directory":
      case "device":
      case "fifo":
        return FileState.directory()
    }
  }

  private stage(
    component: Component,
    path: string,
    state: FileState.FileState,
    refuse: (detail: string) => Refusal,
  ): void {
    const there = this.staged.get(path)
    if (there !== undefined && !FileState.equals(there, state)) {
      throw refuse(
        state._tag === "Directory"
          ? `${path} is a ${there._tag === "Link" ? "link" : "file"} elsewhere in the archives`
          : `${path} is there twice and differs`,
      )
    }
    this.staged.set(path, state as Staged)
    this.paths.get(component.name)?.add(path)
  }
}

const ownedEntry = (path: string, state: Staged): OwnedEntry => {
  switch (state._tag) {
    case "File":
      return {
        type: "file",
        path,
        sha256: Digest.ofText(state.text),
        mode: state.mode,
        size: Digest.byteLength(state.text),
      }
    case "Link":
      return { type: "link", path, target: state.target }
    case "Directory":
      return { type: "directory", path }
  }
}

/** Moves what is staged into the tree; the answer takes everything back when applied in order. */
const swap = (
  tree: MemoryTree,
  action: ExtractAction,
  staged: ReadonlyMap<string, Staged>,
): {
  readonly createdDirectories: ReadonlyArray<string>
  /** The install directory with its links followed. */
  readonly root: HostPath.HostPath
  readonly undo: ReadonlyArray<readonly [HostPath.HostPath, FileState.FileState]>
} => {
  const inside = tree.resolve(HostPath.join(action.into, "x"))
  const root = inside._tag === "Place" ? HostPath.parent(inside.path) : action.into
  const undo: Array<readonly [HostPath.HostPath, FileState.FileState]> = []
  const set = (path: HostPath.HostPath, state: FileState.FileState): void => {
    undo.unshift([path, tree.get(path)])
    tree.set(path, state)
  }
  try {
    for (const path of [...HostPath.ancestors(root), root]) {
      if (tree.get(path)._tag === "Absent") set(path, FileState.directory())
    }
    removeVanished(tree, root, action, staged, set)
    const createdDirectories: Array<string> = []
    for (const [path, state] of [...staged].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const at = HostPath.join(root, path)
      const there = tree.get(at)
      const isDirectory = there._tag === "Directory"
      if (state._tag !== "Directory") {
        if (isDirectory) throw new Refusal({ _tag: "Refused", detail: `the directory ${at} is in the way` })
        set(at, state)
      } else if (there._tag === "Absent") {
        set(at, state)
        createdDirectories.push(path)
      } else if (!isDirectory) {
        throw new Refusal({ _tag: "Refused", detail: `${at} is in the way, it is no directory` })
      }
    }
    return { createdDirectories, root, undo }
  } catch (cause) {
    for (const [path, state] of undo) tree.set(path, state)
    throw cause
  }
}

const removeVanished = (
  tree: MemoryTree,
  root: HostPath.HostPath,
  action: ExtractAction,
  staged: ReadonlyMap<string, Staged>,
  set: (path: HostPath.HostPath, state: FileState.FileState) => void,
): void => {
  const vanished = action.components
    .flatMap((component) => component.replaces)
    .filter((entry) => {
      const now = staged.get(entry.path)
      const changedKind = (now?._tag === "Directory") !== (entry.type === "directory")
      return (now === undefined || changedKind) && !action.except.includes(entry.path)
    })
    .sort(deepestFirst)
  const files = vanished.filter((entry) => entry.type !== "directory")
  for (const entry of files) {
    const at = below(tree, root, entry.path)
    const state = at === undefined ? FileState.absent : tree.get(at)
    if (at !== undefined && (state._tag === "File" || state._tag === "Link")) set(at, FileState.absent)
  }
  for (const entry of vanished) {
    const at = below(tree, root, entry.path)
    if (entry.type !== "directory" || at === undefined) continue
    if (tree.get(at)._tag === "Directory" && tree.names(at).length === 0) set(at, FileState.absent)
  }
}
