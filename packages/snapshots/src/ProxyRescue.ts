/**
 * Answers: is this snapshot to be treated as pulled inside the guest, although it may have been unpacked by another
 * snapshotter? Table C, which rescues images such as pause that were there before. Source: facts nydus §4.
 */
import { has, type Labels } from "./Labels.ts"
import type { NydusConfig } from "./NydusConfig.ts"

const rows = {
  C1: "the image is named, so the guest can pull it and nothing has to be rescued",
  C2: "the driver is proxy, but no image is named: another snapshotter unpacked it, and the layers on the host are handed over",
  C3: "the guest pulls it already, by its label",
  C4: "the label says that the guest pulls it, although this snapshotter does not do so any more",
  C5: "neither the driver nor a label speaks of the guest pulling",
} as const

/** A row of table C. */
export type Row = keyof typeof rows

/** Whether it is, and the row that says so. */
export interface Rescue {
  readonly row: Row
  readonly rescued: boolean
}

const as = (row: Row): Rescue => ({ row, rescued: row === "C2" || row === "C4" })

/** Looks the labels up in table C. */
export const decide = (config: Pick<NydusConfig, "driver">, labels: Labels): Rescue => {
  if (config.driver !== "proxy") return as(has(labels, "proxyMode") ? "C4" : "C5")
  if (has(labels, "imageRef")) return as("C1")
  return as(has(labels, "proxyMode") ? "C3" : "C2")
}

/** Why it is decided that way, with the row. */
export const explain = ({ row }: Rescue): string => `${row}: ${rows[row]}.`
