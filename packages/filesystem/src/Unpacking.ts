/**
 * Answers: how are components unpacked so that nothing is half done? All archives go into the staging directory, by
 * several threads, and are synced; only then the tree is swapped, in one uninterrupted step. Source: decisions §4, §10.
 */
import fs from "node:fs"
import { type HostError, type HostFiles, HostPath } from "@kata-deploy/core"
import { Effect, Queue } from "effect"
import type { ArchivePart } from "./ArchiveReader.ts"
import type { Artifacts } from "./Artifacts.ts"
import { copyPrograms } from "./Copying.ts"
import type { Confinement } from "./Confinement.ts"
import type { Crew, Crews } from "./Crew.ts"
import { timed } from "./Drift.ts"
import { attempt, toHostError } from "./Failure.ts"
import {
  Allowance,
  assemble,
  type Assembled,
  type StagingJob,
  type Unpacked,
  type UnpackJob,
} from "./Parts.ts"
import { freeBytes } from "./PathFacts.ts"
import * as StagingArea from "./StagingArea.ts"
import { syncSmall } from "./SyncQueue.ts"
import * as TakenPaths from "./TakenPaths.ts"
import { prune } from "./TreeRemoval.ts"
import { type SwapPlaces, TreeSwap } from "./TreeSwap.ts"

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
  // Once the swap has begun, whoever interrupts gets it done and the way back with it.
  return yield* Effect.uninterruptibleMask((restore) =>
    restore(unpackAll(workplace, action, progress)).pipe(
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
    const [unpacked, apart] = yield* Effect.all(
      [Effect.raceFirst(work, telling), digestsApart(artifacts, action, jobs)],
      { concurrency: "unbounded" },
    )
    const copied = yield* copyAll(artifacts, action, root, allowance)
    const parts = [...unpacked, ...copied]
    yield* progress({ component: action.components.at(-1)?.name ?? "", bytes: totalBytes, totalBytes })
    const assembled = yield* attempt("put together what is in", action.staging, () => assemble(parts))
    yield* Effect.tryPromise({
      try: () =>
        syncSmall(
          root,
          parts.flatMap(({ unpacked }) => unpacked.unsynced),
        ),
      catch: toHostError("sync", action.staging),
    })
    return {
      ...assembled,
      digests: digestsOf(action, unpacked, apart),
      skipped: parts.reduce((sum, { unpacked }) => sum + unpacked.skipped, 0),
    } satisfies Staged
  }).pipe(
    Effect.ensuring(
      Effect.promise(async () => {
        // Nobody writes into the staging directory any more when it is emptied.
        allowance.stop()
        await Promise.allSettled(running)
        staging.release()
      }),
    ),
  )
})

/** The components that come as plain files, each in a directory of its own. */
const copyAll = (
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  root: string,
  allowance: Allowance,
): Effect.Effect<
  ReadonlyArray<{ readonly job: StagingJob; readonly unpacked: Unpacked }>,
  HostError.HostError
> =>
  Effect.forEach(action.components, ({ archive, copies, name }, at) =>
    copies === undefined
      ? Effect.succeed([])
      : Effect.tryPromise({
          try: async () => {
            const directory = `copied-${at}`
            const place = { component: name, archive, root: `${root}/${directory}`, directory }
            const job = {
              ...place,
              into: action.into,
              except: new Set(action.except),
              reserved: reservedIn(action),
            }
            fs.mkdirSync(job.root, { mode: 0o700 })
            const files = copies.map(({ from, to }) => ({ path: artifacts.pathOf(`${archive}/${from}`), to }))
            return [{ job, unpacked: await copyPrograms(job, files, allowance) }]
          },
          catch: toHostError(`copy ${name}`, undefined),
        }),
  ).pipe(Effect.map((found) => found.flat()))

/** One job for each part, the largest first so that no thread is left with it at the end. */
const jobsOf = (
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  root: string,
): Effect.Effect<ReadonlyArray<UnpackJob>, HostError.HostError> =>
  Effect.map(
    Effect.forEach(action.components.filter(isArchive), ({ archive, id, name }) =>
      attempt(`unpack ${name}`, undefined, () =>
        artifacts.parts(archive).map((part, _, all) => ({
          ...part,
          component: name,
          isDigested: id.sha256 === null && all.length === 1,
        })),
      ),
    ),
    (parts) => {
      const except = new Set(action.except)
      const reserved = reservedIn(action)
      return parts.flat().map((part, at): UnpackJob => {
        const directory = String(at)
        return { ...part, root: `${root}/${at}`, directory, into: action.into, except, reserved }
      })
    },
  )

/** Digests of archives that nobody knows yet; those that are unpacked part by part have to be read once more. */
const digestsApart = (
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  jobs: ReadonlyArray<UnpackJob>,
): Effect.Effect<ReadonlyArray<readonly [component: string, sha256: string]>, HostError.HostError> => {
  const asTheyCome = new Set(jobs.filter((job) => job.isDigested).map((job) => job.component))
  return Effect.forEach(
    action.components.filter(
      (component) => isArchive(component) && component.id.sha256 === null && !asTheyCome.has(component.name),
    ),
    ({ archive, name }) => Effect.map(artifacts.sha256(archive), (sha256) => [name, sha256] as const),
    { concurrency: "unbounded" },
  )
}

const digestsOf = (
  { components }: HostFiles.ExtractAction,
  unpacked: ReadonlyArray<{ readonly job: UnpackJob; readonly unpacked: Unpacked }>,
  apart: ReadonlyArray<readonly [component: string, sha256: string]>,
): HostFiles.Extraction["digests"] =>
  new Map([
    ...components.flatMap(({ id, name }) => (id.sha256 === null ? [] : [[name, id.sha256] as const])),
    ...unpacked.flatMap(({ job, unpacked: { sha256 } }) =>
      sha256 === undefined ? [] : [[job.component, sha256] as const],
    ),
    ...apart,
  ])

const isArchive = ({ copies }: HostFiles.ExtractAction["components"][number]): boolean => copies === undefined

/** A job that failed, with the error as the port has it. */
class JobFailure extends Error {
  override readonly name = "JobFailure"
  readonly error: HostError.HostError
  constructor(error: HostError.HostError) {
    super(error.message)
    this.error = error
  }
}

interface Work {
  readonly crew: Crew
  readonly allowance: Allowance
  /** What was begun, so that one can wait until all of it has ended. */
  readonly running: Array<Promise<unknown>>
  readonly totalBytes: number
}

const bytesOf = ({ range, path }: ArchivePart): number =>
  (range.end ?? fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) - range.start

const unpackJobs = async (
  { allowance, crew, running, totalBytes }: Work,
  jobs: ReadonlyArray<UnpackJob>,
  tell: (at: HostFiles.ExtractProgress) => void,
): Promise<ReadonlyArray<{ readonly job: UnpackJob; readonly unpacked: Unpacked }>> => {
  const read = new Map<UnpackJob, number>()
  let bytes = 0
  for (const { root } of jobs) fs.mkdirSync(root, { mode: 0o700 })
  const largestFirst = jobs.toSorted((a, b) => bytesOf(b) - bytesOf(a))
  const done = new Map<UnpackJob, Unpacked>()
  const all = largestFirst.map((job) => {
    const one = crew
      .run({ _tag: "Unpack", job, allowance: allowance.shared }, (now) => {
        bytes += now - (read.get(job) ?? 0)
        read.set(job, now)
        tell({ component: job.component, bytes: Math.min(bytes, totalBytes), totalBytes })
      })
      .then((unpacked) => void done.set(job, unpacked))
      .catch((cause: unknown) => {
        throw new JobFailure(toHostError(`unpack ${job.component}`, undefined)(cause))
      })
    return one
  })
  running.push(...all)
  // The first failure ends the others at their next chunk; it is the one that is told.
  await Promise.all(all)
  return jobs.map((job) => ({ job, unpacked: done.get(job)! }))
}

/** Moves the staged tree into place; nothing interrupts it. */
const swapped = (
  host: Confinement,
  action: HostFiles.ExtractAction,
  tree: Staged,
  created: ReadonlyArray<HostPath.HostPath>,
): Effect.Effect<HostFiles.Extraction, HostError.HostError> =>
  attempt("move into place in", action.into, () => {
    const swap = new TreeSwap({
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
