/**
 * Answers: how are components unpacked so that nothing is half done? All archives go into the staging directory and
 * are synced; only then the tree is swapped, in one uninterrupted step. Source: decisions §4, §10.
 */
import { type HostError, type HostFiles, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import type { ArchiveReader } from "./ArchiveReader.ts"
import type { Artifacts } from "./Artifacts.ts"
import type { Confinement } from "./Confinement.ts"
import { attempt, Refusal, toHostError } from "./Failure.ts"
import { freeBytes } from "./PathFacts.ts"
import { StagedTree } from "./StagedTree.ts"
import * as StagingArea from "./StagingArea.ts"
import { SyncQueue } from "./SyncQueue.ts"
import { prune } from "./TreeRemoval.ts"
import { type SwapPlaces, TreeSwap } from "./TreeSwap.ts"

type Component = HostFiles.ExtractAction["components"][number]

/** Progress is told again after this many compressed bytes. */
const progressBytes = 1024 * 1024

/** Unpacks components beside the tree and moves them into place. */
export const extract = Effect.fnUntraced(function* (
  host: Confinement,
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  progress: (at: HostFiles.ExtractProgress) => Effect.Effect<void>,
) {
  const created = yield* attempt("prepare staging in", action.staging, () => begin(host, action))
  const cleanUp = attempt("empty", action.staging, () => emptied(host, action.staging, created))
  // Once the swap has begun, whoever interrupts gets it done and the way back with it.
  return yield* Effect.uninterruptibleMask((restore) =>
    restore(unpackAll(host, artifacts, action, progress)).pipe(
      Effect.flatMap((tree) => swapped(host, action, tree, created)),
      // The first failure is told, so the staging directory is emptied as far as it goes.
      Effect.onError(() => Effect.ignore(cleanUp)),
    ),
  )
})

/** Makes the directories that are missing, and the staging directory fresh. */
const begin = (host: Confinement, action: HostFiles.ExtractAction): ReadonlyArray<HostPath.HostPath> => {
  const created = [
    ...StagingArea.ensureDirectory(host, action.into, 0o755),
    ...StagingArea.ensureDirectory(host, action.staging, 0o700),
  ]
  host.inside(action.staging, StagingArea.prepare)
  return created
}

/** Empties the staging directory; directories that this extraction made go with it when nothing is in them. */
const emptied = (
  host: Confinement,
  staging: HostPath.HostPath,
  created: ReadonlyArray<HostPath.HostPath>,
): void => {
  host.inside(staging, StagingArea.empty)
  prune(host, [...created].reverse())
}

const reservedIn = (action: HostFiles.ExtractAction): string | undefined => {
  const state = HostPath.parent(action.staging)
  if (HostPath.isBelow(state, action.into)) return HostPath.relativeTo(state, action.into)
  return HostPath.isBelow(action.staging, action.into)
    ? HostPath.relativeTo(action.staging, action.into)
    : undefined
}

/** Every archive in the staging directory, complete and synced. */
const unpackAll = Effect.fnUntraced(function* (
  host: Confinement,
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  progress: (at: HostFiles.ExtractProgress) => Effect.Effect<void>,
) {
  const staging = yield* attempt("open", action.staging, () => host.hold(action.staging))
  const syncs = new SyncQueue()
  const tree = new StagedTree(staging.directory.at(StagingArea.unpackedName), syncs, {
    into: action.into,
    except: new Set(action.except),
    reserved: reservedIn(action),
  })
  const free = freeBytes(host, action.staging)
  const budget = new Budget(free._tag === "Known" ? free.value : Number.POSITIVE_INFINITY)
  const totalBytes = action.components.reduce((sum, { id }) => sum + id.size, 0)
  let before = 0
  return yield* Effect.gen(function* () {
    for (const component of action.components) {
      const start = before
      yield* unpackOne(artifacts, component, tree, budget, (read) =>
        progress({ component: component.name, bytes: start + read, totalBytes }),
      )
      before += component.id.size
    }
    yield* Effect.tryPromise({ try: () => syncs.settled(), catch: toHostError("sync", action.staging) })
    return tree
  }).pipe(
    Effect.ensuring(
      Effect.promise(async () => {
        tree.abandon()
        await syncs.closed()
        staging.release()
      }),
    ),
  )
})

/** Bytes that may still come out of the archives of one action. */
class Budget {
  private left: number

  constructor(bytes: number) {
    this.left = bytes
  }

  spend(bytes: number): void {
    this.left -= bytes
    if (this.left < 0) throw new Refusal({ _tag: "NoSpace" })
  }
}

const unpackOne = (
  artifacts: Artifacts,
  component: Component,
  tree: StagedTree,
  budget: Budget,
  progress: (read: number) => Effect.Effect<void>,
): Effect.Effect<void, HostError.HostError> => {
  const toError = toHostError(`unpack ${component.name}`, undefined)
  const open = attempt(`unpack ${component.name}`, undefined, () =>
    artifacts.open(component.archive, (header) => tree.add(component, header)),
  )
  const readAll = Effect.fnUntraced(function* (reader: ArchiveReader) {
    let told = -progressBytes
    for (;;) {
      const bytes = yield* Effect.tryPromise({ try: () => reader.step(), catch: toError })
      if (bytes === 0) break
      yield* attempt(`unpack ${component.name}`, undefined, () => budget.spend(bytes))
      if (reader.read - told < progressBytes) continue
      told = reader.read
      yield* progress(told)
    }
    yield* progress(reader.size)
  })
  return Effect.acquireUseRelease(open, readAll, (reader) => Effect.sync(() => reader.close()))
}

/** Moves the staged tree into place; nothing interrupts it. */
const swapped = (
  host: Confinement,
  action: HostFiles.ExtractAction,
  tree: StagedTree,
  created: ReadonlyArray<HostPath.HostPath>,
): Effect.Effect<HostFiles.Extraction, HostError.HostError> =>
  attempt("move into place in", action.into, () => {
    const swap = new TreeSwap({
      staged: tree.staged,
      replaces: action.components.flatMap((component) => component.replaces),
      except: new Set(action.except),
    })
    betweenPlaces(host, action, (places) => swap.apply(places))
    // The install directory itself stays, even when nothing came into it.
    const ofStaging = created.filter((path) => HostPath.isBelow(path, action.into))
    return {
      entries: tree.entries(),
      skipped: tree.skipped,
      createdDirectories: swap.createdDirectories,
      commit: attempt("empty", action.staging, () => emptied(host, action.staging, ofStaging)),
      revert: attempt("move back in", action.into, () => {
        betweenPlaces(host, action, (places) => swap.revert(places))
        emptied(host, action.staging, created)
      }),
    }
  })

const betweenPlaces = (
  host: Confinement,
  action: HostFiles.ExtractAction,
  use: (places: SwapPlaces) => void,
): void =>
  host.inside(action.staging, (staging) =>
    host.inside(action.into, (root) =>
      use({
        root,
        unpacked: staging.at(StagingArea.unpackedName),
        beside: staging.at(StagingArea.besideName),
      }),
    ),
  )
