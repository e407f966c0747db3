/**
 * Answers: what are the digests of the archives that were unpacked? Of one that is unpacked in one piece it comes with
 * that; one whose parts are unpacked in any order is read once more, beside them. Source: decisions §4.
 */
import type { HostError, HostFiles } from "@kata-deploy/core"
import { Effect } from "effect"
import type { Artifacts } from "./Artifacts.ts"
import type { UnpackJob } from "./Parts.ts"
import { type DoneJob, isArchive } from "./UnpackJobs.ts"

/** Digests of the archives that nobody knows yet and that no single job reads. */
export const apart = (
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

/** The digest of each component's archive. */
export const all = (
  { components }: HostFiles.ExtractAction,
  unpacked: ReadonlyArray<DoneJob<UnpackJob>>,
  readApart: ReadonlyArray<readonly [component: string, sha256: string]>,
): HostFiles.Extraction["digests"] =>
  new Map([
    ...components.flatMap(({ id, name }) => (id.sha256 === null ? [] : [[name, id.sha256] as const])),
    ...unpacked.flatMap(({ job, unpacked: { sha256 } }) =>
      sha256 === undefined ? [] : [[job.component, sha256] as const],
    ),
    ...readApart,
  ])
