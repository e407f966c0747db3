/**
 * Answers: may two ways of running nydus-snapshotter be on one node, or may one take the other's place? Never with a
 * root, a socket or a plugin name in common. Source: facts nydus §10, "Why two names".
 */
import type { Driver } from "./NydusConfig.ts"

/** One nydus-snapshotter on a node. */
export interface Running {
  /** Name of its proxy plugin. */
  readonly plugin: string
  readonly driver: Driver
  readonly root: string
  /** Path of its socket. */
  readonly address: string
}

const rows = {
  M1: "both do the same, so one may take the other's place",
  M2: "they have nothing in common, so both may run at once",
  M3: "containerd remembers a pull for each image and not for each snapshotter: under one name, images that were pulled before would never get what the other mode needs",
  M4: "snapshots of one mode do not carry what the other one needs, and each would take the other's directories for orphans",
  M5: "only one of two programs can listen on a socket, and containerd would ask the wrong one",
} as const

/** A row about two snapshotters. */
export type Row = keyof typeof rows

/** What keeps two snapshotters apart, or that nothing does: M1 and M2 allow it, each other row refuses it. */
export const check = (before: Running, after: Running): ReadonlyArray<Row> => {
  if (before.driver === after.driver && before.root === after.root && before.plugin === after.plugin)
    return ["M1"]
  const refused: ReadonlyArray<Row> = [
    ...(before.plugin === after.plugin ? (["M3"] as const) : []),
    ...(before.root === after.root ? (["M4"] as const) : []),
    ...(before.address === after.address ? (["M5"] as const) : []),
  ]
  return refused.length === 0 ? ["M2"] : refused
}

/** Whether nothing is in the way. */
export const isAllowed = (found: ReadonlyArray<Row>): boolean =>
  found.every((row) => row === "M1" || row === "M2")

/** Why, with the row. */
export const explain = (row: Row): string => `${row}: ${rows[row]}.`
