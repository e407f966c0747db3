/**
 * Answers: what is at a path, as far as we could see? Absence and not being able to look are values.
 */
import { Schema } from "effect"

/** Who owns a path: numeric user and group. */
export const Owner = Schema.Struct({ uid: Schema.Int, gid: Schema.Int })
/** Who owns a path: numeric user and group. */
export type Owner = typeof Owner.Type

/** Nothing is at the path. */
export const Absent = Schema.TaggedStruct("Absent", {})
/**
 * A regular file with its whole text (UTF-8, a byte order mark kept), permission bits (`0o644` is 420) and owner;
 * without `owner` it belongs to whoever writes it.
 */
export const File = Schema.TaggedStruct("File", {
  text: Schema.String,
  mode: Schema.Int,
  owner: Schema.optionalKey(Owner),
})
/** A symbolic link with its target as written. */
export const Link = Schema.TaggedStruct("Link", { target: Schema.String })
/** A directory with its permission bits. */
export const Directory = Schema.TaggedStruct("Directory", {
  mode: Schema.Int,
  owner: Schema.optionalKey(Owner),
})
/**
 * Something is there or may be there, but its content is not known: no permission, not UTF-8, a device, too large,
 * not mounted where we run.
 * `why` is one of the words below; `detail` is for people.
 */
export const Unreadable = Schema.TaggedStruct("Unreadable", {
  why: Schema.Literals([
    "denied",
    "not-utf8",
    "too-large",
    "not-a-file",
    "escapes-root",
    "out-of-sight",
    "io",
  ]),
  detail: Schema.String,
})

/** What is at a path, as far as we could see. */
export const FileState = Schema.Union([Absent, File, Link, Directory, Unreadable])
/** What is at a path, as far as we could see. */
export type FileState = typeof FileState.Type

/** The state of a path where nothing is. */
export const absent: FileState = { _tag: "Absent" }

/** A file that we write: its text and permission bits (default `0o644`). */
export const file = (text: string, mode = 0o644): FileState => ({ _tag: "File", text, mode })

/** A directory that we make (permission bits default to `0o755`). */
export const directory = (mode = 0o755): FileState => ({ _tag: "Directory", mode })

/** A symbolic link to `target`. */
export const link = (target: string): FileState => ({ _tag: "Link", target })

/** The text of a file, or `undefined` for everything else. */
export const textOf = (state: FileState): string | undefined =>
  state._tag === "File" ? state.text : undefined

const sameOwner = (a: Owner | undefined, b: Owner | undefined): boolean =>
  a === undefined || b === undefined || (a.uid === b.uid && a.gid === b.gid)

/** Whether two states are the same as far as we would write them; owners count only where both name one. */
export const equals = (a: FileState, b: FileState): boolean => {
  switch (a._tag) {
    case "Absent":
      return b._tag === "Absent"
    case "File":
      return b._tag === "File" && a.text === b.text && a.mode === b.mode && sameOwner(a.owner, b.owner)
    case "Link":
      return b._tag === "Link" && a.target === b.target
    case "Directory":
      return b._tag === "Directory"
    case "Unreadable":
      return b._tag === "Unreadable" && a.why === b.why
  }
}
