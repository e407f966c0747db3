/**
 * Answers: what will the node look like after these steps? Pure, and good enough to plan the next stage from: paths
 * that steps write or remove, and the ledger. What archives hold is not simulated.
 */
import type { Facts } from "../input/Facts.ts"
import * as FileState from "../model/FileState.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Step } from "./Plan.ts"

/** The facts as they are expected after the steps. */
export const after = (facts: Facts, steps: ReadonlyArray<Step>): Facts => {
  const files = new Map(facts.files)
  let ledger = facts.ledger
  for (const { action } of steps) {
    switch (action._tag) {
      case "Put":
        files.set(action.change.path, action.change.after)
        break
      case "Record":
        ledger = action.ledger === null ? { _tag: "None" } : { _tag: "Read", ledger: action.ledger }
        break
      case "RemoveTree":
        for (const path of files.keys()) {
          if (removes(action, path)) files.set(path, FileState.absent)
        }
        break
      case "Prune":
        for (const directory of action.directories) {
          if (files.get(directory)?._tag === "Directory" && isEmpty(files, directory))
            files.set(directory, FileState.absent)
        }
        break
      case "PurgeData":
        files.set(action.directory, FileState.absent)
        break
      default:
        break
    }
  }
  return { ...facts, files, ledger }
}

const removes = (
  action: Extract<Step["action"], { readonly _tag: "RemoveTree" }>,
  path: HostPath.HostPath,
): boolean =>
  HostPath.isBelow(path, action.root) &&
  !action.reserved.some((kept) => HostPath.isWithin(path, kept) || HostPath.isBelow(kept, path)) &&
  (action.entries === "everything" ||
    action.entries.some((e) => e.type !== "directory" && HostPath.join(action.root, e.path) === path))

const isEmpty = (
  files: ReadonlyMap<HostPath.HostPath, FileState.FileState>,
  directory: HostPath.HostPath,
): boolean =>
  [...files].every(([path, state]) => state._tag === "Absent" || !HostPath.isBelow(path, directory))
