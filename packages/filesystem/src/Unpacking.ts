/**
 * Answers: how are components unpacked so that nothing is half done? All archives go into the staging directory, by
 * several threads, and are synced; only then the tree is swapped, in one uninterrupted step. Source: decisions §4, §10.
 */
import { type HostError, type HostFiles, HostPath } from "@kata-deploy/core"
import { Effect, Queue } from "effect"
import * as ArchiveDigests from "./ArchiveDigests.ts"
import type { Artifacts } from "./Artifacts.ts"
import type { Confinement } from "./Confinement.ts"
import type { Crews } from "./Crew.ts"
import { timed } from "./Drift.ts"
import { attempt, Refusal, toHostError } from "./Failure.ts"
import { Allowance, assemble, type Assembled } from "./Parts.ts"
import { freeBytes } from "./PathFacts.ts"
import * as StagingArea from "./StagingArea.ts"
import { syncSmall } from "./SyncQueue.ts"
import * as TakenPaths from "./TakenPaths.ts"
import { prune } from "./TreeRemoval.ts"
import { type SwapPlaces, TreeSwap } from "./TreeSwap.ts"
import { copyAll, JobFailure, jobsOf, unpackJobs } from "./UnpackJobs.ts"

/** Where the work is done, and by whom. */
export interface Workplace {
  readonly host: Confinement
  readonly artifacts: Artifacts
  readonly crews: Crews
}

/** Everything that was unpacked, on the disk and ready to be moved. */
interface Staged extends Assembled {
  readonly digests: HostFiles.Extraction["digests"]
  readonly skipped: number
}

type Progress = (at: HostFiles.ExtractProgress) => Effect.Effect<void>

/** Unpacks components beside the tree and moves them into place. */
export const extract = Effect.fnUntraced(function* (
  workplace: Workplace,
  action: HostFiles.ExtractAction,
  progress: Progress,
  staged: (about: HostFiles.StagedExtraction) => Effect.Effect<void, HostError.HostError>,
) {
  const { host } = workplace
  const created = yield* attempt("prepare staging in", action.staging, () => begin(host, action))
  const cleanUp = attempt("empty", action.staging, () => emptied(host, action.staging, created))
  // Once the swap has begun, it is done; who may not be interrupted gets the way back with it.
  return yield* Effect.uninterruptible(
    Effect.interruptible(unpackAll(workplace, action, progress)).pipe(
      Effect.tap((tree) =>
        attempt("move into place in", action.into, () => TakenPaths.refuse(host, action, tree)),
      ),
      Effect.tap(({ entries }) => staged({ entries })),
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
  try {
    onOneFilesystem(host, action)
    host.inside(action.staging, StagingArea.prepare)
    return created
  } catch (cause) {
    prune(host, [...created].reverse())
    throw cause
  }
}

/** Refuses a staging directory that nothing can be renamed out of, before anything is unpacked in vain. */
const onOneFilesystem = (host: Confinement, { into, staging }: HostFiles.ExtractAction): void => {
  const mountOf = (path: HostPath.HostPath): string => host.inside(path, (directory) => directory.mount())
  if (mountOf(into) === mountOf(staging)) return
  const detail = `it is mounted apart from ${into}, so files cannot be moved from one to the other in one step; keep the state directory on the filesystem of the install directory`
  throw new Refusal({ _tag: "Refused", detail })
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

/** Every archive in the staging directory, complete and synced. */
const unpackAll = Effect.fnUntraced(function* (
  { artifacts, crews, host }: Workplace,
  action: HostFiles.ExtractAction,
  progress: Progress,
) {
  const staging = yield* attempt("open", action.staging, () => host.hold(action.staging))
  const free = freeBytes(host, action.staging)
  const allowance = Allowance.of(free._tag === "Known" ? free.value : Number.POSITIVE_INFINITY)
  const totalBytes = action.components.reduce((sum, { id }) => sum + id.size, 0)
  const root = staging.directory.at(StagingArea.unpackedName)
  const crew = crews.forBytes(totalBytes)
  const running: Array<Promise<unknown>> = []
  return yield* Effect.gen(function* () {
    const jobs = yield* jobsOf(artifacts, action, root)
    const told = yield* Queue.unbounded<HostFiles.ExtractProgress>()
    const work = Effect.tryPromise({
      try: () =>
        unpackJobs({ crew, allowance, running, totalBytes }, jobs, (at) => Queue.offerUnsafe(told, at)),
      catch: (cause) => (cause instanceof JobFailure ? cause.error : toHostError("unpack", undefined)(cause)),
    })
    const telling = Effect.forever(Effect.flatMap(Queue.take(told), progress))
    const unpacking = Effect.gen(function* () {
      const unpacked = yield* Effect.raceFirst(work, telling)
      const copied = yield* copyAll(artifacts, action, root, allowance)
      const parts = [...unpacked, ...copied]
      yield* progress({ component: action.components.at(-1)?.name ?? "", bytes: totalBytes, totalBytes })
      const assembled = yield* attempt("put together what is in", action.staging, () => assemble(parts))
      const unsynced = parts.flatMap((part) => part.unpacked.unsynced)
      yield* Effect.tryPromise({
        try: () => syncSmall(root, unsynced),
        catch: toHostError("sync", action.staging),
      })
      const skipped = parts.reduce((sum, part) => sum + part.unpacked.skipped, 0)
      return { ...assembled, unpacked, skipped }
    })
    // While the disk takes what was unpacked, threads have time for digests.
    const [{ unpacked, ...staged }, apart] = yield* Effect.all(
      [unpacking, ArchiveDigests.apart(artifacts, action, jobs)],
      { concurrency: "unbounded" },
    )
    return { ...staged, digests: ArchiveDigests.all(action, unpacked, apart) } satisfies Staged
  }).pipe(
    Effect.ensuring(
      Effect.promise(async () => {
        // Nobody writes into the staging directory any more when it is emptied.
        allowance.stop()
        await Promise.allSettled(running)
        staging.release()
        // What comes now takes memory of its own: what was unpacked is compared, written down and read again.
        await crews.rest()
      }),
    ),
  )
})

/** Moves the staged tree into place; nothing interrupts it. */
const swapped = (
  host: Confinement,
  action: HostFiles.ExtractAction,
  tree: Staged,
  created: ReadonlyArray<HostPath.HostPath>,
): Effect.Effect<HostFiles.Extraction, HostError.HostError> =>
  attempt("move into place in", action.into, () => {
    const swap = new TreeSwap({
      into: action.into,
      staged: tree.placed,
      replaces: action.components.flatMap((component) => component.replaces),
      except: new Set(action.except),
    })
    const entries = betweenPlaces(host, action, (places) => {
      swap.apply(places)
      return timed(places.root, tree.entries)
    })
    // The install directory itself stays, even when nothing came into it.
    const ofStaging = created.filter((path) => HostPath.isBelow(path, action.into))
    return {
      entries,
      digests: tree.digests,
      skipped: tree.skipped,
      createdDirectories: swap.createdDirectories,
      commit: attempt("empty", action.staging, () => emptied(host, action.staging, ofStaging)),
      revert: attempt("move back in", action.into, () => {
        betweenPlaces(host, action, (places) => swap.revert(places))
        emptied(host, action.staging, created)
      }),
    }
  })

const betweenPlaces = <A>(
  host: Confinement,
  action: HostFiles.ExtractAction,
  use: (places: SwapPlaces) => A,
): A =>
  host.inside(action.staging, (staging) =>
    host.inside(action.into, (root) =>
      use({
        root,
        unpacked: staging.at(StagingArea.unpackedName),
        beside: staging.at(StagingArea.besideName),
      }),
    ),
  )
