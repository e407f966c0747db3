/**
 * Answers: what work is an extraction made of, and who does it? A job for each part of an archive, carried out by the
 * threads, and the files that are copied as they are.
 */
import fs from "node:fs"
import { MessageChannel } from "node:worker_threads"
import { type HostError, type HostFiles, HostPath } from "@kata-deploy/core"
import { Effect } from "effect"
import type { ArchivePart } from "./ArchiveReader.ts"
import type { Artifacts } from "./Artifacts.ts"
import { copyPrograms } from "./Copying.ts"
import type { Crew } from "./Crew.ts"
import { attempt, toHostError } from "./Failure.ts"
import type { Allowance, StagingJob, Unpacked, UnpackJob } from "./Parts.ts"
import type { Tell } from "./Tasks.ts"
import { isInPlace } from "./ZstdSource.ts"

/** A job, and what came of it. */
export interface DoneJob<Job extends StagingJob = StagingJob> {
  readonly job: Job
  readonly unpacked: Unpacked
}

/** Whether a component is an archive, and no directory with files to be copied. */
export const isArchive = ({ copies }: HostFiles.ExtractAction["components"][number]): boolean =>
  copies === undefined

const reservedIn = (action: HostFiles.ExtractAction): string | undefined => {
  const state = HostPath.parent(action.staging)
  if (HostPath.isBelow(state, action.into)) return HostPath.relativeTo(state, action.into)
  return HostPath.isBelow(action.staging, action.into)
    ? HostPath.relativeTo(action.staging, action.into)
    : undefined
}

/** Whether reading a part means reading every byte of its file: an archive of ours has an index behind its parts. */
const isWholeFile = ({ range }: ArchivePart): boolean => range.start === 0 && range.end === undefined

/** One job for each part, the largest first so that no thread is left with it at the end. */
export const jobsOf = (
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  root: string,
): Effect.Effect<ReadonlyArray<UnpackJob>, HostError.HostError> =>
  Effect.map(
    Effect.forEach(action.components.filter(isArchive), ({ archive, id, name }) =>
      attempt(`unpack ${name}`, undefined, () =>
        artifacts.parts(archive).map((part) => ({
          ...part,
          component: name,
          isDigested: id.sha256 === null && isWholeFile(part),
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

/** The components that come as plain files, each in a directory of its own. */
export const copyAll = (
  artifacts: Artifacts,
  action: HostFiles.ExtractAction,
  root: string,
  allowance: Allowance,
): Effect.Effect<ReadonlyArray<DoneJob>, HostError.HostError> =>
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

/** A job that failed, with the error as the port has it. */
export class JobFailure extends Error {
  override readonly name = "JobFailure"
  readonly error: HostError.HostError
  constructor(error: HostError.HostError) {
    super(error.message)
    this.error = error
  }
}

/** What the jobs of one extraction share. */
export interface Work {
  readonly crew: Crew
  readonly allowance: Allowance
  /** What was begun, so that one can wait until all of it has ended. */
  readonly running: Array<Promise<unknown>>
  readonly totalBytes: number
}

const bytesOf = ({ range, path }: ArchivePart): number =>
  (range.end ?? fs.statSync(path, { throwIfNoEntry: false })?.size ?? 0) - range.start

type UnpackWith = (crew: Crew, job: UnpackJob, allowance: Allowance, tell: Tell) => Promise<Unpacked>

/** One thread does all of it. */
const unpackByOne: UnpackWith = (crew, job, { shared }, tell) =>
  crew.run({ _tag: "Unpack", job, allowance: shared }, tell)

/** Two threads share one job, so that those who would have nothing to do halve its time. */
const unpackByTwo: UnpackWith = async (crew, job, { shared }, tell) => {
  const { port1, port2 } = new MessageChannel()
  const [decompressed, unpacked] = await Promise.all([
    crew.run({ _tag: "Decompress", job, to: port1 }),
    crew.run({ _tag: "Unpack", job: { ...job, isDigested: false }, allowance: shared, from: port2 }, tell),
  ])
  return { ...unpacked, ...decompressed }
}

/** Carries out the jobs and answers with what came of each, in their order. */
export const unpackJobs = async (
  { allowance, crew, running, totalBytes }: Work,
  jobs: ReadonlyArray<UnpackJob>,
  tell: (at: HostFiles.ExtractProgress) => void,
): Promise<ReadonlyArray<DoneJob<UnpackJob>>> => {
  const read = new Map<UnpackJob, number>()
  let bytes = 0
  for (const { root } of jobs) fs.mkdirSync(root, { mode: 0o700 })
  const largestFirst = jobs.toSorted((a, b) => bytesOf(b) - bytesOf(a))
  const done = new Map<UnpackJob, Unpacked>()
  const unpack = isInPlace && largestFirst.length * 2 <= crew.size ? unpackByTwo : unpackByOne
  const all = largestFirst.map((job) =>
    unpack(crew, job, allowance, (now) => {
      bytes += now - (read.get(job) ?? 0)
      read.set(job, now)
      tell({ component: job.component, bytes: Math.min(bytes, totalBytes), totalBytes })
    })
      .then((unpacked) => void done.set(job, unpacked))
      .catch((cause: unknown) => {
        throw new JobFailure(toHostError(`unpack ${job.component}`, undefined)(cause))
      }),
  )
  running.push(...all)
  // The first failure ends the others at their next chunk; it is the one that is told.
  await Promise.all(all)
  return jobs.map((job) => ({ job, unpacked: done.get(job)! }))
}
