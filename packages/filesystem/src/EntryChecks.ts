/**
 * Answers: would an install refuse an archive for what its entries are? By their headers alone, without writing
 * anything; whether two files of one name hold the same is not compared. Source: decisions §10.
 */
import { ArchiveEntry } from "@kata-deploy/core"
import type { EntryHeader } from "./ArchiveReader.ts"

/** What came so far, by path relative to `opt/kata`: a directory, or what two entries of that path have to agree in. */
type Seen = Map<string, string>

const directory = "directory"

/** What tells two entries of one path apart, as far as headers do. */
const signOf = (path: string, { mode, size, target, type }: EntryHeader): string =>
  type === "symlink" ? `link to ${target}` : `file ${ArchiveEntry.fileMode(path, mode)} ${size}`

/** Adds what an entry puts down; why it must not, as a clause. */
const add = (seen: Seen, header: EntryHeader): string | undefined => {
  const place = ArchiveEntry.place(header.name)
  if (place._tag === "Refused") return place.why
  if (place._tag === "Outside") return undefined
  if (header.type === "other") return "it is no file, link or directory"
  if (place._tag === "Root")
    return header.type === "directory" ? undefined : "it replaces the install directory itself"
  const { path } = place
  const directories = [...ArchiveEntry.parents(path), ...(header.type === "directory" ? [path] : [])]
  const through = directories.find((above) => (seen.get(above) ?? directory) !== directory)
  if (through !== undefined) return `${through} is no directory elsewhere in it`
  for (const above of directories) seen.set(above, directory)
  if (header.type === "directory") return undefined
  if (header.type === "symlink" && header.target === "") return "its link has no proper target"
  const sign = header.type === "link" ? linkedSign(seen, header) : signOf(path, header)
  if (typeof sign !== "string") return sign.why
  const there = seen.get(path)
  seen.set(path, sign)
  return there === undefined || there === sign ? undefined : `${path} is there twice and differs`
}

/** A hard link is what it leads to. */
const linkedSign = (seen: Seen, { target }: EntryHeader): string | { readonly why: string } => {
  const place = ArchiveEntry.hardLinkPlace(target)
  if (place._tag === "Refused") return place
  const known = place._tag === "Inside" ? seen.get(place.path) : undefined
  return known === undefined || known === directory
    ? { why: "its hard link leads to nothing that came before it" }
    : known
}

/** Why an install would refuse these entries, with the name of the first one; `undefined` where it would not. */
export const objection = (headers: ReadonlyArray<EntryHeader>): string | undefined => {
  const seen: Seen = new Map()
  for (const header of headers) {
    const why = add(seen, header)
    if (why !== undefined) return `${ArchiveEntry.shown(header.name)}: ${ArchiveEntry.shown(why)}`
  }
  return undefined
}
