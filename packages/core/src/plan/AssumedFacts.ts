/**
 * Answers: what would this node look like if nothing were on it beyond what is told? For plans that are made from a
 * description; on a real node everything is looked at, and what was not looked at is never written over.
 */
import { Result } from "effect"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Facts } from "../input/Facts.ts"
import * as InstallPlan from "./InstallPlan.ts"

/** The facts with each of these paths in them: a directory where something told lies below it, else absent. */
const filled = (facts: Facts, paths: ReadonlyArray<HostPath.HostPath>): Facts => {
  const told = [...facts.files].flatMap(([path, state]) => (state._tag === "Absent" ? [] : [path]))
  const files = new Map(facts.files)
  for (const path of paths) {
    if (files.has(path)) continue
    const isAbove = told.some((below) => HostPath.isBelow(below, path))
    files.set(path, isAbove ? FileState.directory() : FileState.absent)
  }
  return { ...facts, files }
}

/** The facts, where everything that planning an install asks for and that they do not tell is taken for absent. */
export const nothingElse = (input: Omit<InstallPlan.PlanInput, "action" | "only">): Facts => {
  const { settings } = input
  const started = filled(input.facts, InstallPlan.detectionPaths)
  return Result.match(InstallPlan.detect({ ...input, facts: started }), {
    onFailure: () => started,
    onSuccess: (detected) => {
      const facts = filled(started, InstallPlan.inputPaths(settings, detected))
      return filled(facts, InstallPlan.pathsOfInterest({ ...input, facts }))
    },
  })
}
