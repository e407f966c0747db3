/**
 * Answers: is a path of ours still reached through directories of ours? Where somebody put a link in the place of one
 * below the install directory, what lies behind it is theirs, whatever its name. Source: decisions §3.
 */
import * as FactsOf from "../input/Facts.ts"
import * as HostPath from "../model/HostPath.ts"
import type { Ledger } from "./Ledger.ts"

/** The link that took the place of a directory of ours above a path; the install directory itself may be one. */
export const linkAbove = (
  facts: Pick<FactsOf.Facts, "files">,
  { directories, installDir }: Pick<Ledger, "directories" | "installDir">,
  path: HostPath.HostPath,
): HostPath.HostPath | undefined =>
  installDir === undefined
    ? undefined
    : directories.find(
        (directory) =>
          HostPath.isBelow(directory, installDir) &&
          HostPath.isBelow(path, directory) &&
          FactsOf.at(facts, directory)._tag === "Link",
      )
