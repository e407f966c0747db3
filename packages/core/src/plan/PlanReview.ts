/**
 * Answers: is this the plan that somebody reviewed? Everything is compared but the words for people: reasons and
 * diffs. Source: decisions §13.
 */
import type { Problem } from "../input/Problem.ts"
import type { Plan, StageName } from "./Plan.ts"
import * as PlanDocument from "./PlanDocument.ts"

type Steps = PlanDocument.PlanDocument["stages"][number]["steps"]

/** JSON with sorted keys: who wrote a document decides their order. */
const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === "object" && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )

/** What of a step is compared; what changes nothing is no part of what was agreed to, and archives are compared apart. */
const essence = (steps: Steps): ReadonlyArray<string> =>
  steps
    .filter((step) => step.changes)
    .map(({ action, after, before }) => canonical([{ ...action, archives: undefined }, before, after]))

const problem = (message: string, path?: string): Problem => ({
  code: "E_PLAN_DRIFTED",
  setting: "--plan",
  ...(path === undefined ? {} : { path }),
  message,
  remedy: "Make a new plan, review it, and apply that one.",
})

const pathOf = (step: string): string | undefined =>
  (JSON.parse(step) as [{ readonly path?: string }])[0].path

/** What archives are unpacked from now that are not those of the reviewed plan. */
const otherArchives = (reviewed: Steps, now: Steps): ReadonlyArray<Problem> => {
  const before = new Map(archivesOf(reviewed).map((archive) => [archive.component, archive]))
  return archivesOf(now).flatMap((archive): ReadonlyArray<Problem> => {
    const agreed = before.get(archive.component)
    return agreed === undefined || isSameArchive(agreed, archive)
      ? []
      : [
          problem(
            `The archive of ${archive.component} is another one than the reviewed plan was made from: ${wordsOf(archive)} now, ${wordsOf(agreed)} then.`,
          ),
        ]
  })
}

const archivesOf = (steps: Steps): ReadonlyArray<PlanDocument.ArchiveDocument> =>
  steps.flatMap(({ action }) => action.archives ?? [])

/** A digest that one of the two does not have tells nothing: an archive is not read where nothing asks for that. */
const isSameArchive = (a: PlanDocument.ArchiveDocument, b: PlanDocument.ArchiveDocument): boolean =>
  a.size === b.size && (a.sha256 === undefined || b.sha256 === undefined || a.sha256 === b.sha256)

const wordsOf = ({ sha256, size }: PlanDocument.ArchiveDocument): string =>
  `${size} bytes${sha256 === undefined ? "" : `, sha256:${sha256.slice(0, 12)}…`}`

/** What is different in one stage, as it is planned again when its turn comes; empty when it is what was reviewed. */
export const stageDifferences = (
  reviewed: PlanDocument.PlanDocument,
  made: Plan,
  stage: StageName,
): ReadonlyArray<Problem> =>
  inStage(
    reviewed,
    PlanDocument.encode(made, () => undefined),
    stage,
  )

const inStage = (
  reviewed: PlanDocument.PlanDocument,
  now: PlanDocument.PlanDocument,
  name: StageName,
): ReadonlyArray<Problem> => {
  const stepsOf = ({ stages }: PlanDocument.PlanDocument): Steps =>
    stages.find(({ stage }) => stage === name)?.steps ?? []
  const before = essence(stepsOf(reviewed))
  const after = essence(stepsOf(now))
  const gone = before.filter((step) => !after.includes(step))
  const added = after.filter((step) => !before.includes(step))
  const paths = [...new Set([...gone, ...added].map(pathOf))]
  const others = paths.map((path) =>
    problem(
      path === undefined
        ? `In the stage ${name} other steps are due now than the reviewed plan has.`
        : `What is to be done to ${path} in the stage ${name} is not what the reviewed plan says: the path, or the settings, changed since.`,
      path,
    ),
  )
  return [...others, ...otherArchives(stepsOf(reviewed), stepsOf(now))]
}

/** What is different in `made`; empty when it is the reviewed plan. */
export const differences = (reviewed: PlanDocument.PlanDocument, made: Plan): ReadonlyArray<Problem> => {
  const now = PlanDocument.encode(made, () => undefined)
  if (reviewed.action !== now.action)
    return [problem(`The reviewed plan is one of ${reviewed.action}, not of ${now.action}.`)]
  if (reviewed.instance !== now.instance)
    return [problem(`The reviewed plan is one of the instance ${reviewed.instance}, not of ${now.instance}.`)]
  const names = [...new Set([...reviewed.stages, ...now.stages].map((stage) => stage.stage))]
  const found = names.flatMap((name) => inStage(reviewed, now, name))
  const rest = [
    reviewed.runtime === now.runtime
      ? []
      : [problem(`The CRI runtime is ${now.runtime} now, not ${reviewed.runtime}.`)],
    canonical(reviewed.restarts) === canonical(now.restarts)
      ? []
      : [problem("Other units are to be restarted than the reviewed plan says.")],
  ].flat()
  return [...found, ...rest]
}
