/**
 * Answers: how are ordinary layers mounted? Table E, by the number of layers below and by whether it is written on.
 * Source: facts nydus §6.
 */
import { has, type Labels, valueOf } from "./Labels.ts"
import { bind, type Mount, overlay, upperDir, workDir } from "./Mount.ts"
import type { NydusConfig } from "./NydusConfig.ts"

const rows = {
  E1: "it lies on nothing and is only read",
  E2: "it lies on nothing and is written on",
  E3: "it is only read and lies on one layer, which is what there is to see",
  E4: "it is written on, above the layers below it",
  E5: "it is only read and lies on several layers",
} as const

/** A row of table E. */
export type Row = keyof typeof rows

/** A snapshot that is mounted natively. */
export interface NativeSnapshot {
  readonly id: string
  readonly kind: "active" | "view"
  /** Directories of the layers below, the topmost first. */
  readonly parents: ReadonlyArray<string>
  readonly labels: Labels
}

/** Options of the id mapping, where containerd asks for one. */
const mapping = (labels: Labels): ReadonlyArray<string> => {
  const uid = valueOf(labels, "uidMapping")
  const gid = valueOf(labels, "gidMapping")
  return uid === undefined || gid === undefined ? [] : [`uidmap=${uid}`, `gidmap=${gid}`]
}

/** The mount, and the row that says so. */
export const mount = (
  config: Pick<NydusConfig, "root" | "volatile">,
  { id, kind, labels, parents }: NativeSnapshot,
): { readonly row: Row; readonly mount: Mount } => {
  const dir = (of: string) => upperDir(config.root, of)
  if (parents.length === 0)
    return kind === "view"
      ? { row: "E1", mount: bind(dir(id), "ro") }
      : { row: "E2", mount: bind(dir(id), "rw") }
  const lower = `lowerdir=${parents.map(dir).join(":")}`
  if (kind === "active") {
    const volatile = config.volatile || has(labels, "volatile") ? ["volatile"] : []
    const own = [`workdir=${workDir(config.root, id)}`, `upperdir=${dir(id)}`]
    return { row: "E4", mount: overlay([...own, ...volatile, ...mapping(labels), lower]) }
  }
  return parents.length === 1
    ? { row: "E3", mount: bind(dir(parents[0]!), "ro") }
    : { row: "E5", mount: overlay([lower]) }
}

/** Why it is mounted that way, with the row. */
export const explain = (row: Row): string => `${row}: ${rows[row]}.`
