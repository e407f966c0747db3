/**
 * The double of `HostFiles`: a host's tree and component archives in memory. It passes the same conformance suite as
 * the real adapter, records what is done, and fails or dies where a test wants it to.
 */
import { Effect, Layer } from "effect"
import * as Fact from "../input/Fact.ts"
import * as ArchiveEntry from "../model/ArchiveEntry.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import * as Entry from "../plan/OwnedEntry.ts"
import type { Change } from "../plan/Change.ts"
import type { ArchiveId } from "../plan/Ledger.ts"
import { HostError, type HostErrorReason } from "../ports/HostError.ts"
import { type FileTimes, type Fingerprint, HostFiles, type Listing } from "../ports/HostFiles.ts"
import * as Digest from "./Digest.ts"
import { extraction } from "./MemoryExtraction.ts"
import { MemoryFaults } from "./MemoryFaults.ts"
import * as MemoryPut from "./MemoryPut.ts"
import * as MemoryRemoval from "./MemoryRemoval.ts"
import { MemoryTree, type TreeOf } from "./MemoryTree.ts"
import type { SampleArchive } from "./SampleArchive.ts"

/** What a double starts with; everything may be left out. */
export interface Options {
  /** States by host path; a string is a file with mode `0o644`. */
  readonly tree?: TreeOf
  /** Archives by path relative to the artifact directory. */
  readonly archives?: Readonly<Record<string, SampleArchive>>
  /** Text files of the artifact directory by relative path. */
  readonly artifacts?: Readonly<Record<string, string>>
  /** Programs of the artifact directory (mode `0o755`) by relative path. */
  readonly programs?: Readonly<Record<string, string>>
  /** Directories that are mount points. */
  readonly mountPoints?: ReadonlyArray<string>
  /** Free bytes; unlimited when left out. */
  readonly freeBytes?: number
  /** Trees on a filesystem that is mounted read-only. */
  readonly readOnly?: ReadonlyArray<string>
  /** Trees that are not mounted where we run. */
  readonly outOfSight?: ReadonlyArray<string>
}

/** A double with its controls. */
export interface HostFilesMemory {
  /** The port, for a program under test. */
  readonly layer: Layer.Layer<HostFiles>
  /** The tree; tests change it behind the program's back. */
  readonly tree: MemoryTree
  /** Archives by relative path; may be replaced by a newer release. */
  readonly archives: Map<string, SampleArchive>
  /** Text files of the artifact directory. */
  readonly artifacts: Map<string, string>
  /** Programs of the artifact directory; may be replaced by those of a newer release. */
  readonly programs: Map<string, string>
  /** What was done, and what is to fail. */
  readonly faults: MemoryFaults<HostErrorReason>
  /** Every path of the tree with its state, sorted. */
  readonly snapshot: () => Record<string, FileState.FileState>
}

/** A double that starts as `options` say. */
export const make = (options: Options = {}): HostFilesMemory => {
  const tree = new MemoryTree(options.tree)
  const archives = new Map(Object.entries(options.archives ?? {}))
  const artifacts = new Map(Object.entries(options.artifacts ?? {}))
  const programs = new Map(Object.entries(options.programs ?? {}))
  const faults = new MemoryFaults<HostErrorReason>()
  const within = (roots: ReadonlyArray<string> | undefined) => (path: HostPath.HostPath) =>
    (roots ?? []).some((root) => HostPath.isWithin(path, HostPath.make(root)))
  const isReadOnly = within(options.readOnly)
  const isOutOfSight = within(options.outOfSight)
  const isMount = (path: HostPath.HostPath): boolean =>
    path === HostPath.root || (options.mountPoints ?? []).some((mount) => HostPath.make(mount) === path)

  const look = (path: HostPath.HostPath): FileState.FileState => {
    if (isOutOfSight(path)) return unreadable("out-of-sight", "not mounted here")
    const at = tree.resolve(path)
    if (at._tag === "Loop") return unreadable("io", "ELOOP")
    return at._tag === "Place" ? withOwner(tree.get(at.path)) : FileState.absent
  }

  const list = (path: HostPath.HostPath): Listing => {
    if (isOutOfSight(path)) return { _tag: "Unreadable", detail: "not mounted here" }
    // A name below the directory makes a link at its last component resolve, too.
    const at = tree.resolve(HostPath.join(path, "x"))
    if (at._tag === "NoParent") return { _tag: "Absent" }
    if (at._tag !== "Place") return { _tag: "Unreadable", detail: "not a directory" }
    return { _tag: "Names", names: tree.names(HostPath.parent(at.path)) }
  }

  const mutate = <A>(verb: string, path: HostPath.HostPath, run: () => A): Effect.Effect<A, HostError> => {
    const toError = (reason: HostErrorReason) => new HostError({ operation: verb, path, reason })
    const attempt = Effect.try({
      try: () => {
        if (isReadOnly(path)) throw new MemoryPut.Refusal({ _tag: "ReadOnly" })
        if (isOutOfSight(path))
          throw new MemoryPut.Refusal({ _tag: "Refused", detail: "it is not mounted here" })
        return run()
      },
      catch: (cause) => {
        if (cause instanceof MemoryPut.Refusal) return toError(cause.reason)
        throw cause
      },
    })
    return faults.around({ verb, subject: path }, toError, attempt)
  }

  const service = HostFiles.of({
    look: (path) => Effect.sync(() => look(path)),
    list: (path) => Effect.sync(() => list(path)),
    fingerprint: (path) => Effect.sync(() => fingerprintOf(look(path))),
    drift: (root, entries, depth) =>
      Effect.sync(() => {
        const verdicts = entries.map((entry) => {
          const path = HostPath.join(root, entry.path)
          const found = fingerprintOf(look(path))
          const seen = found._tag === "File" ? { ...found, digest: "", times: timesAt(tree, path) } : found
          return { entry, verdict: Entry.compare(entry, seen, depth, () => found) }
        })
        return {
          drifted: verdicts.flatMap(({ entry, verdict }) =>
            verdict._tag === "Drifted" ? [{ entry, found: verdict.found }] : [],
          ),
          renewed: verdicts.flatMap(({ verdict }) => (verdict._tag === "Renewed" ? [verdict.entry] : [])),
        }
      }),
    isMountPoint: (path) => Effect.sync(() => (isOutOfSight(path) ? notMounted : Fact.known(isMount(path)))),
    freeBytes: (path) =>
      Effect.sync(() =>
        isOutOfSight(path) ? notMounted : Fact.known(options.freeBytes ?? Number.MAX_SAFE_INTEGER),
      ),
    mayWrite: (path) => Effect.sync(() => (isOutOfSight(path) ? notMounted : Fact.known(!isReadOnly(path)))),
    put: (change: Change, temporaryIn) =>
      mutate("put", change.path, () => MemoryPut.put(tree, change, temporaryIn)),
    prune: (directories) =>
      directories.length === 0
        ? Effect.succeed([])
        : mutate("prune", directories[0] as HostPath.HostPath, () =>
            MemoryRemoval.prune(tree, directories, isMount),
          ),
    removeTree: (action) =>
      mutate("remove tree", action.root, () => MemoryRemoval.removeTree(tree, action, isMount)),
    extract: (action, progress, staged) =>
      extraction(
        {
          tree,
          archives,
          programs,
          mutate,
          freeBytes: options.freeBytes,
          fingerprint: (path) => fingerprintOf(look(path)),
          digestOf: (archive) => identify(archive).sha256,
        },
        action,
        progress,
        staged,
      ),
    artifactDirectory: "/opt/kata-artifacts",
    artifact: (relative) =>
      Effect.sync(() => {
        const text = artifacts.get(relative)
        return text === undefined ? FileState.absent : withOwner(FileState.file(text))
      }),
    artifactNames: (relative) =>
      Effect.sync(() => namesBelow(relative, [...archives.keys(), ...artifacts.keys(), ...programs.keys()])),
    artifactProgram: (relative) =>
      Effect.sync(() => {
        const text = programs.get(relative)
        return fingerprintOf(text === undefined ? FileState.absent : FileState.file(text, 0o755))
      }),
    archive: (relative, known) =>
      Effect.sync(() => {
        const archive = archives.get(relative)
        if (archive === undefined) return undefined
        const id = identify(archive)
        const mayBeKnown = known !== undefined && known.sha256 !== null && known.size === id.size
        return {
          archive: relative,
          id: mayBeKnown ? id : { ...id, sha256: null },
          unpackedBytes: unpackedBytes(archive),
        }
      }),
    archiveDigest: (relative) =>
      Effect.suspend(() => {
        const archive = archives.get(relative)
        if (archive !== undefined) return Effect.succeed(identify(archive).sha256)
        const reason = { _tag: "Io", code: "ENOENT" } as const
        return Effect.fail(new HostError({ operation: `identify ${relative}`, path: undefined, reason }))
      }),
    archivedConfigs: (relative, wanted) =>
      Effect.suspend(() => {
        const archive = archives.get(relative)
        if (archive !== undefined && archive !== "corrupt") {
          const texts = [...configsOf(archive)]
          return Effect.succeed(
            new Map(wanted === "all" ? texts : texts.filter(([path]) => wanted.includes(path))),
          )
        }
        return Effect.fail(
          new HostError({
            operation: "read the configurations of",
            path: undefined,
            reason:
              archive === undefined
                ? { _tag: "Io", code: "ENOENT" }
                : {
                    _tag: "BadArchive",
                    archive: relative,
                    entry: undefined,
                    detail: "it is no zstd archive",
                  },
          }),
        )
      }),
  })

  return {
    layer: Layer.succeed(HostFiles, service),
    tree,
    archives,
    artifacts,
    programs,
    faults,
    snapshot: () => tree.snapshot(),
  }
}

/** The first words of paths behind a directory; it is there when something is in it. */
const namesBelow = (directory: string, paths: ReadonlyArray<string>): Listing => {
  const inside = paths.filter((path) => path.startsWith(`${directory}/`))
  const names = new Set(inside.map((path) => path.slice(directory.length + 1).split("/")[0]!))
  return names.size === 0 ? { _tag: "Absent" } : { _tag: "Names", names: [...names].sort() }
}

const timesAt = (tree: MemoryTree, path: HostPath.HostPath): FileTimes => {
  const at = tree.resolve(path)
  return tree.times(at._tag === "Place" ? at.path : path)
}

const notMounted = Fact.unknown("out-of-sight", "it is not mounted here")

const unreadable = (
  why: Extract<FileState.FileState, { readonly _tag: "Unreadable" }>["why"],
  detail: string,
): FileState.FileState => ({ _tag: "Unreadable", why, detail })

/** Everything in memory belongs to user and group 0 unless it says otherwise. */
const withOwner = (state: FileState.FileState): FileState.FileState =>
  (state._tag === "File" || state._tag === "Directory") && state.owner === undefined
    ? { ...state, owner: { uid: 0, gid: 0 } }
    : state

const fingerprintOf = (state: FileState.FileState): Fingerprint => {
  switch (state._tag) {
    case "Absent":
      return { _tag: "Absent" }
    case "File":
      return {
        _tag: "File",
        size: Digest.byteLength(state.text),
        mode: state.mode,
        digest: Digest.ofText(state.text),
      }
    case "Link":
      return { _tag: "Link", target: state.target }
    case "Directory":
      return { _tag: "Directory" }
    case "Unreadable":
      return { _tag: "Unreadable", detail: state.detail }
  }
}

const unpackedBytes = (archive: SampleArchive): number =>
  archive === "corrupt"
    ? 0
    : archive.reduce((sum, entry) => sum + (entry.type === "file" ? Digest.byteLength(entry.text) : 0), 0)

const identify = (archive: SampleArchive): ArchiveId & { readonly sha256: string } => {
  const text = JSON.stringify(archive)
  return { sha256: Digest.ofText(text), size: Digest.byteLength(text), modifiedMs: 0 }
}

const configsOf = (archive: Exclude<SampleArchive, "corrupt">): ReadonlyMap<string, string> => {
  const found = new Map<string, string>()
  for (const entry of archive) {
    const place = ArchiveEntry.place(entry.name)
    if (entry.type === "file" && place._tag === "Inside" && ArchiveEntry.isPlanned(place.path)) {
      found.set(place.path, entry.text)
    }
  }
  return found
}
