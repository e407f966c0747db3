/**
 * Answers: what does nydus-snapshotter do when containerd removes a snapshot? Its record goes at once; directories go
 * with it only where that is wanted, and never by failing. Source: facts nydus §9.
 */
import type { NydusConfig } from "./NydusConfig.ts"

/** One thing that is done. */
export type Step = "drop-blob-cache" | "delete-record" | "remove-directories"

const rows = {
  R1: "directories are removed later, when somebody asks for a clean-up",
  R2: "directories are removed right behind the record, as the configuration asks for",
  R3: "the driver fscache always removes directories right behind the record",
} as const

/** A row about directories. */
export type Row = keyof typeof rows

/** What is done, in order, and the row about directories. */
export const decide = (
  config: Pick<NydusConfig, "driver" | "syncRemove">,
  kind: "active" | "view" | "committed",
): { readonly row: Row; readonly steps: ReadonlyArray<Step> } => {
  const row = config.driver === "fscache" ? "R3" : config.syncRemove ? "R2" : "R1"
  return {
    row,
    steps: [
      ...(kind === "committed" ? (["drop-blob-cache"] as const) : []),
      "delete-record",
      ...(row === "R1" ? [] : (["remove-directories"] as const)),
    ],
  }
}

/** Whether a failure of a step is the caller's: without its record a snapshot is gone, whatever is left of it. */
export const isReported = (step: Step): boolean => step === "delete-record"

/** Why, with the row. */
export const explain = (row: Row): string => `${row}: ${rows[row]}.`
